import type { ControlKind } from '../model/control.ts'
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

/** Whether control of one of these kinds is put to the test in a cell: otherwise its checkers have nothing to say. */
export function hasControl(...kinds: readonly ControlKind[]) {
  return ({ control }: Pick<CellPlan, 'control'>): boolean => control?.some(({ kind }) => kinds.includes(kind)) ?? false
}

/** The controlled tasks of these kinds. */
export function controlsOf({ controls }: CellTrace, ...kinds: readonly ControlKind[]): readonly ControlTrace[] {
  return [...controls.values()].filter(({ key }) => kinds.some((kind) => key.startsWith(`c-${kind}-`)))
}

/** A log, and the op that has it. */
export interface ReadLog {
  readonly op: OpOf<'control'>
  readonly events: readonly LoggedEvent[]
}

/** The log as it was read when all was over, and the op that has it; undefined: nobody could say. */
export function logOf({ seen }: ControlTrace): ReadLog | undefined {
  const op = seen.findLast(({ value }) => value.moment === 'log')
  return op && readLog(op)
}

/** Logs of the tasks below it, as far as anybody could read them. */
export function subLogsOf(control: ControlTrace): readonly ReadLog[] {
  return momentsOf(control, 'sub-log').map(readLog)
}

function readLog(op: OpOf<'control'>): ReadLog {
  return { op, events: (op.value.log ?? []).map(asEvent) }
}

/** Effects of the tasks below it: each is for work whose name begins with that of the first one. */
export function effectsBelow({ key, effects }: ControlTrace): readonly OpOf<'effect'>[] {
  return effects.filter(({ task }) => task !== key)
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

/** Of a task with a budget: the steps that this covers; undefined: it was never accepted. */
function coveredSteps(control: ControlTrace): number | undefined {
  return momentsOf(control, 'accepted')[0]?.value.covered
}

/** When more was asked for than the budget covers, if ever. */
function toppedUpAt(control: ControlTrace): number {
  return momentsOf(control, 'ordered').find(({ value }) => value.type === 'top_up')?.at ?? Infinity
}

/** Effects of steps that began without being covered. */
export function uncoveredEffects(control: ControlTrace): readonly OpOf<'effect'>[] {
  const covered = coveredSteps(control) ?? Infinity
  const orderedAt = toppedUpAt(control)
  return control.effects.filter(({ value }) => value.step > covered && value.startedAt < orderedAt)
}
