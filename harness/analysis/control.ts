import type { ControlKind } from '../model/control.ts'
import type { OpOf } from '../model/history.ts'
import type { CellPlan } from '../model/plan.ts'
import { interruptionsOf } from './interruptions.ts'
import { mayBe, nodeOf } from './places.ts'
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

/** Its own and those below; none where nobody could read its own. */
export function logsOf(control: ControlTrace): readonly ReadLog[] {
  const first = logOf(control)
  return first ? [first, ...subLogsOf(control)] : []
}

function readLog(op: OpOf<'control'>): ReadLog {
  return { op, events: (op.value.log ?? []).map(asEvent) }
}

/** With its own log, and that of each task below it that came to be, or that has done anything. */
export function isFamilyRead(control: ControlTrace): boolean {
  const first = logOf(control)
  const below = subLogsOf(control)
  const read = new Set(below.map(({ op }) => op.value.taskId))
  const started = [first, ...below].flatMap((log) => startedIn(log?.events ?? []))
  const atWork = effectsBelow(control).map(({ value }) => value.taskId)
  return first !== undefined && [...started, ...atWork].every((id) => read.has(id))
}

/**
 * Whether the end of a process may have taken this task's log with it, where tasks may be lost: that of its last executor, or of
 * any where it did no step.
 */
export function mayBeGone(control: ControlTrace, trace: CellTrace): boolean {
  if (trace.cell?.promises.includes('no-lost-task')) return false
  const begunAt = momentsOf(control, 'accepted')[0]?.at ?? control.effects[0]?.value.startedAt ?? Infinity
  const last = control.effects.at(-1)
  return interruptionsOf(trace).some(({ crash, from, node }) => {
    const isIts = !last || node === undefined || mayBe(node, nodeOf(last.value.executor))
    return crash && from >= begunAt && isIts
  })
}

/** A log names them first. Who never got beyond that step may have started none of those that the step names. */
function startedIn(log: readonly LoggedEvent[]): readonly string[] {
  const done = new Set(log.flatMap(({ type, data }) => (type === 'task.progress' ? Number(data['step']) : [])))
  return log.flatMap(({ type, data: { sub_task: id, step } }) => {
    const mayBeNone = typeof step === 'number' && !done.has(step)
    return type === 'task.spawned' && typeof id === 'string' && !mayBeNone ? [id] : []
  })
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

/** Of a task with a budget: the steps that this covers; undefined: nobody saw it accepted. */
function coveredSteps(control: ControlTrace): number | undefined {
  return momentsOf(control, 'accepted')[0]?.value.covered
}

/** Whether it is known what covers its steps: the log tells of a top-up that was refused whether it was taken all the same. */
export function isCoverKnown(control: ControlTrace): boolean {
  const isTopUp = ({ value }: OpOf<'control'>): boolean => value.type === 'top_up'
  return coveredSteps(control) !== undefined && (!!logOf(control) || !momentsOf(control, 'refused').some(isTopUp))
}

/** When more was asked for than the budget covers, if ever. What was refused counts where the log has it all the same. */
function toppedUpAt(control: ControlTrace): number {
  const ordered = momentsOf(control, 'ordered').find(({ value }) => value.type === 'top_up')
  if (!ordered || isVoid(control, ordered.value.command)) return Infinity
  if (wasRefused(control, ordered.value.command) && !isOnRecord(control, ordered.value.command)) return Infinity
  return ordered.at
}

/** By the log it was taken, and changed nothing. */
function isVoid(control: ControlTrace, command: string | undefined): boolean {
  const events = logOf(control)?.events ?? []
  return events.some(({ type, data }) => type === 'task.command_void' && data['command'] === command)
}

function wasRefused(control: ControlTrace, command: string | undefined): boolean {
  return momentsOf(control, 'refused').some(({ value }) => value.command === command)
}

/** Of a log that nobody could read it is not known. */
function isOnRecord(control: ControlTrace, command: string | undefined): boolean {
  const log = logOf(control)
  return !log || log.events.flatMap(commandIn).includes(command ?? '')
}

/** The command that an event puts on record. */
export function commandIn({ type, data }: LoggedEvent): readonly string[] {
  const { id } = (data['command'] ?? {}) as { readonly id?: unknown }
  return type === 'task.commanded' && typeof id === 'string' ? [id] : []
}

/** Effects of steps that began without being covered. */
export function uncoveredEffects(control: ControlTrace): readonly OpOf<'effect'>[] {
  const covered = coveredSteps(control) ?? Infinity
  const orderedAt = toppedUpAt(control)
  return control.effects.filter(({ value }) => value.step > covered && value.startedAt < orderedAt)
}

/** The task had not ended when its cancellation was acknowledged. */
export function wasAtWork(control: ControlTrace): boolean {
  const status = momentsOf(control, 'acknowledged')[0]?.value.status
  return status === 'cancelling' || status === 'cancelled'
}
