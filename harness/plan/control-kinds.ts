import type { ControlKind } from '../model/control.ts'
import type { CellPlan } from '../model/plan.ts'
import type { Capability, Runtime } from '../model/runtime.ts'
import type { CatalogPattern } from '../scenario/catalog.ts'

/** What a kind of control takes beyond clients and commands. */
interface Need {
  /** Nodes read the public key of an issuer of tokens. */
  readonly runtime?: Capability
  /** The engine keeps balances and tool rates. */
  readonly accounts?: true
  /** A step of the engine starts sub-tasks. */
  readonly subTasks?: true
}

const needs: Readonly<Record<ControlKind, Need>> = {
  cancel: {},
  steer: {},
  budget: {},
  rogue: { subTasks: true },
  permission: { runtime: 'host-files' },
  balance: { runtime: 'host-files', accounts: true },
  rate: { accounts: true },
}

/** Why this kind cannot be put to the test here, or undefined. */
export function whyUncontrolled(
  kind: ControlKind,
  { engine }: Pick<CatalogPattern, 'engine'>,
  { name, offers }: Pick<Runtime, 'name' | 'offers'>,
): string | undefined {
  const { runtime, accounts, subTasks } = needs[kind]
  if (accounts && engine.withoutAccounts !== undefined)
    return `the engine ${engine.name} keeps no balances and tool rates: ${engine.withoutAccounts}`
  if (subTasks && !engine.promises.includes('spawn-once')) return `the engine ${engine.name} starts no sub-tasks`
  if (runtime !== undefined && !offers.includes(runtime))
    return `it needs "${runtime}", which the runtime ${name} does not offer`
  return undefined
}

/** The kinds of a scenario that are left out of a cell. */
export function listUncontrolled(
  wanted: Readonly<Record<ControlKind, number>> | undefined,
  pattern: Pick<CatalogPattern, 'engine'>,
  runtime: Pick<Runtime, 'name' | 'offers'>,
): NonNullable<CellPlan['uncontrolled']> {
  const kinds = Object.keys(needs) as ControlKind[]
  return kinds.flatMap((kind) => {
    const reason = (wanted?.[kind] ?? 0) > 0 ? whyUncontrolled(kind, pattern, runtime) : undefined
    return reason === undefined ? [] : [{ kind, reason }]
  })
}
