import { drawUniform } from '../core/rng.ts'
import { roundMs } from '../core/numbers.ts'
import { attempts, type ControlKind, controlKinds, type ControlProbe } from '../model/control.ts'
import type { CellPlan } from '../model/plan.ts'
import type { WorkProfile } from '../scenario/catalog.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { balanceFor, crowd, isAlone, offeredMs, payer, planRates, type RatePlan } from './control-limits.ts'

/** A probe is controlled in this part of its work: late enough to be at it, early enough to have costly steps left. */
const [earliest, latest] = [0.1, 0.7]

/** Tasks of one principal that feel its rate together begin in this part of the load, so that its faults find them at work. */
const crowdWithin = 1 / 3

/** A rogue agent has no end to count from: it is cancelled when its sub-tasks, and theirs, are at work, in task-world milliseconds. */
function rogueMs(drawn: number): number {
  return 60_000 + 120_000 * drawn
}

type Asked = Pick<Scenario, 'control' | 'load' | 'timeScale'>
type Work = Pick<WorkProfile, 'idealMs' | 'steps' | 'calls' | 'credits'>

/** Which kinds are put to the test here, and whether tasks can have principals of their own. */
export interface ProbeScope {
  readonly without: readonly ControlKind[]
  readonly hasPrincipals: boolean
}

/** The controlled tasks of a cell, the same for every pattern of a block and for every arm, and the limits that they need. */
export function planControl(
  asked: Asked,
  seed: number,
  work: Work,
  { without, hasPrincipals }: ProbeScope,
): Pick<CellPlan, 'control' | 'limits'> {
  if (!asked.control) return {}
  const left = controlKinds.map((kind) => [kind, without.includes(kind) ? 0 : asked.control![kind]] as const)
  const control = Object.fromEntries(left) as Record<ControlKind, number>
  const rates = control.rate > 0 ? planRates({ ...asked, control }, work, hasPrincipals) : undefined
  const probes = drawProbes({ ...asked, control }, seed, { ...work, rates, hasPrincipals })
  if (probes.length === 0) return {}
  const balances = { [payer]: balanceFor(control.balance, work) }
  const limits = { ...(control.balance > 0 && { balances }), ...(rates && { toolRates: rates.rates }) }
  return { control: probes, ...(Object.keys(limits).length > 0 && { limits }) }
}

type Given = Work & { readonly rates: RatePlan | undefined; readonly hasPrincipals: boolean }

/** In real milliseconds. */
function drawProbes(asked: Asked, seed: number, work: Given): readonly ControlProbe[] {
  const { control, timeScale } = asked
  const windowMs = offeredMs(asked)
  return controlKinds.flatMap((kind) =>
    Array.from({ length: control![kind] }, (_, i): ControlProbe => {
      const draw = (what: string): number => drawUniform(seed, 'control', kind, i, what)
      const part = earliest + (latest - earliest) * draw('after')
      const own = ownOf[kind]?.(i, work, draw('tool')) ?? {}
      const within = own.principal === crowd ? crowdWithin : 1
      return {
        key: `c-${kind}-${i + 1}`,
        kind,
        seed: Math.floor(draw('seed') * 2 ** 31),
        ...own,
        // One in each equal part of the load: that all of them meet the same fault would be luck.
        atMs: roundMs(((i + draw('at')) / control![kind]) * windowMs * within),
        afterMs: roundMs((kind === 'rogue' ? rogueMs(draw('after')) : part * work.idealMs) / timeScale),
      }
    }),
  )
}

/** What the probes of a kind have beyond those of all. */
const ownOf: Partial<Record<ControlKind, (i: number, work: Given, drawn: number) => Partial<ControlProbe>>> = {
  // A principal of their own, where there can be one: what they and their sub-tasks call takes no token from the load.
  rogue: (_, { hasPrincipals }) => ({
    profile: 'rogue',
    ...(hasPrincipals && { principal: 'c-rogue', tools: ['tool_call'] }),
  }),
  permission: (i, { calls = [] }, drawn) => permissionOf(i, calls, drawn),
  balance: (_, { calls = [], credits = [] }) => ({
    principal: payer,
    costs: [...credits],
    calls: [...calls],
    tools: [...new Set(calls)],
  }),
  rate: (i, { rates, hasPrincipals }) => {
    const { profile, lastsMs } = rates!
    const principal = isAlone(i) ? `${crowd}-${i + 1}` : crowd
    return { profile, lastsMs, ...(hasPrincipals && { principal, tools: ['tool_call'] }) }
  },
}

/** Every other one is a task at work, which faults may hit; the rest try the other ways in turn. */
function permissionOf(
  i: number,
  calls: readonly string[],
  drawn: number,
): Pick<ControlProbe, 'attempt' | 'calls' | 'tools'> {
  const [atWork, ...others] = attempts
  const attempt = i % 2 === 0 ? atWork : others[((i - 1) / 2) % others.length]!
  return { attempt, calls, tools: toolsBut(calls, drawn) }
}

/** The tools that are called, but one. It is not that of the first step, unless there is no other: something must work. */
function toolsBut(calls: readonly string[], drawn: number): readonly string[] {
  const [first, ...others] = new Set(calls)
  const lacking = others[Math.floor(drawn * others.length)] ?? first
  return [...new Set(calls)].filter((tool) => tool !== lacking)
}
