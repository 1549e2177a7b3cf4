import { planTask } from '../../patterns/agent/plan.ts'
import type { ControlKind, ControlProbe } from '../model/control.ts'
import type { OpOf } from '../model/history.ts'
import type { CellPlan } from '../model/plan.ts'
import type { CellTrace, ControlTrace } from './trace.ts'

/** An event of a controlled task's log, as the API showed it: what it holds is the system's own word. */
export interface LoggedEvent {
  readonly seq: number
  readonly type: string
  readonly status: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The controlled tasks of these kinds. */
export function controlsOf({ controls }: CellTrace, ...kinds: readonly ControlKind[]): readonly ControlTrace[] {
  return [...controls.values()].filter(({ key }) => kinds.some((kind) => key.startsWith(`c-${kind}-`)))
}

/** The log as it was read when all was over, and the op that has it; undefined: nobody could say. */
export function logOf({
  seen,
}: ControlTrace): { readonly op: OpOf<'control'>; readonly events: readonly LoggedEvent[] } | undefined {
  const op = seen.findLast(({ value }) => value.moment === 'log')
  return op && { op, events: (op.value.log ?? []).map(asEvent) }
}

/** What does not look like an event is one of no type: it answers nothing. */
function asEvent(line: Readonly<Record<string, unknown>>): LoggedEvent {
  const { seq, type, status, data } = line
  return {
    seq: typeof seq === 'number' ? seq : 0,
    type: typeof type === 'string' ? type : '',
    status: typeof status === 'string' ? status : '',
    data: typeof data === 'object' && data !== null ? (data as LoggedEvent['data']) : {},
  }
}

export function momentsOf(
  { seen }: ControlTrace,
  moment: OpOf<'control'>['value']['moment'],
): readonly OpOf<'control'>[] {
  return seen.filter(({ value }) => value.moment === moment)
}

type Probed = Pick<ControlProbe, 'seed'>

/** Credits of each step of a probe's work, in order. */
export function creditsOf(
  { seed }: Probed,
  { profile, timeScale }: Pick<CellPlan, 'profile' | 'timeScale'>,
): readonly number[] {
  return planTask({ seed, profile }, timeScale).steps.map(({ credits }) => credits)
}

/** Steps that the first budget of a probe covers: half of them. */
export function coveredSteps(steps: number): number {
  return Math.max(1, Math.floor(steps / 2))
}
