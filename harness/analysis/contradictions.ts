import { resolutionMs } from '../core/numbers.ts'
import type { Op, OpOf } from '../model/history.ts'
import { type CellTrace, taskEnd, type TaskTrace } from './trace.ts'

/** Something that cannot be, in words, and the ops that show it. */
export interface Impossible {
  readonly text: string
  readonly ops: readonly number[]
}

/**
 * Where the harness's records of one task first contradict each other. It asks for, or follows, a task by an id that no other
 * record has. Or it does so before a submission was answered. Or it has a result of what it never submitted. What
 * servers say is theirs: checkers judge it.
 */
export function contradictionOf(task: TaskTrace): Impossible | undefined {
  const { submits, polls, streams, end } = task
  const accepted = submits.find(({ type }) => type === 'ok')
  const [acceptedAt, acceptedId] = [accepted?.at ?? Infinity, accepted?.value.taskId]
  for (const list of [polls, streams])
    for (const { f, at, index, value } of list) {
      const isKnown = value.taskId === acceptedId || idsOf(task).has(value.taskId)
      if (isKnown && acceptedAt <= at + resolutionMs) continue
      return { text: `its client had a ${f} of ${value.taskId}, which it did not know`, ops: [index] }
    }
  const early = polls.find(({ at, value }) => at - value.waitedMs < acceptedAt - resolutionMs)
  if (early) return { text: 'a poll began before its client knew its task', ops: [early.index] }
  if (end?.type === 'ok' && acceptedAt > end.at + resolutionMs)
    return { text: 'its client has a result of a task of which nobody accepted the submission', ops: [end.index] }
  return undefined
}

/**
 * Where the order in which one task's client wrote down what it met is not the order of the times. One clock gives both: a result
 * comes after all by which it is known, an answer after its question, and once.
 */
export function disorderOf({ submits, polls, streams, events, callbacks, end }: TaskTrace): Impossible | undefined {
  const answered = new Set<number>()
  for (const { type, at, index, invoke } of submits) {
    const sent = type === 'invoke' ? undefined : submits.find((op) => op.index === invoke)
    if (!sent) continue
    if (at < sent.at - resolutionMs) return { text: 'a submission was answered before it was sent', ops: [index] }
    if (answered.has(sent.index)) return { text: 'one submission was answered twice', ops: [sent.index, index] }
    answered.add(sent.index)
  }
  if (end?.type !== 'ok') return undefined
  for (const ops of [submits, polls, streams, events, callbacks] as readonly (readonly Op[])[]) {
    const known = ops.find(({ index, at }) => index < end.index && at > end.at + resolutionMs)
    if (known) return { text: `its result was seen before a ${known.f} that came first`, ops: [known.index, end.index] }
  }
  return undefined
}

/** By whatever anybody but who asks calls it. */
function idsOf(task: TaskTrace): ReadonlySet<string> {
  const { submits, effects, callbacks } = task
  const ids = new Set([...effects, ...callbacks].map(({ value }) => value.taskId))
  for (const { type, value } of submits) if (type === 'ok' && value.taskId !== undefined) ids.add(value.taskId)
  return ids.add(taskEnd(task)?.taskId ?? '')
}

/** The tasks of a cell are of one kind of work, which may vary in length as the plan says. The load lists them in the order in which they are to be sent. */
export function contradictingIntents({ tasks, cell }: CellTrace): readonly Impossible[] {
  const usual = tasks[0]?.intent
  return tasks.flatMap(({ task, intent, invoke }, i): readonly Impossible[] => {
    const { ordinal, intendedAt, idealMs, steps } = intent
    const tell = (text: string): readonly Impossible[] => [{ text: `${task}: ${text}`, ops: [invoke.index] }]
    const [least, most] = cell?.idealRangeMs ?? [usual!.idealMs, usual!.idealMs]
    if (idealMs < least - resolutionMs || idealMs > most + resolutionMs || steps !== usual!.steps)
      return tell('it is another work than the first task of the cell')
    if (i > 0 && intendedAt < tasks[i - 1]!.intent.intendedAt) return tell('it is to be sent before the task before it')
    return cell && ordinal >= cell.tasks ? tell(`it is number ${ordinal + 1}, and ${cell.tasks} were planned`) : []
  })
}

/** By how a client says that it learned the end: whether what it then wrote down, of its task, came before this line. */
const bringers: Readonly<Record<string, (task: TaskTrace, line: number) => boolean>> = {
  callback: ({ callbacks, imposed }, line) => hasCompleted(callbacks, line) || hasCompleted(imposed, line),
  poll: ({ polls }, line) => hasCompleted(polls, line),
  // A log that a server began again is not written down again as far as it was known.
  stream: ({ events, streams }, line) =>
    hasCompleted(events, line) ||
    streams.filter(({ index, value }) => index < line && value.state === 'open').length > 1,
}

function hasCompleted(ops: readonly OpOf<'callback' | 'poll' | 'event'>[], line: number): boolean {
  return ops.some(({ index, value }) => index < line && value.status === 'completed')
}

/** A result came by something. Clients of a delivery that writes nothing of that kind down are not asked for it. */
export function contradictingResults({ tasks }: CellTrace): readonly Impossible[] {
  return Object.entries(bringers).flatMap(([via, isBrought]) => {
    const ended = tasks.filter((task) => task.end?.type === 'ok' && taskEnd(task)?.via === via)
    const untold = ended.filter((task) => !isBrought(task, task.end!.index))
    if (untold.length === 0 || !tasks.some((task) => isBrought(task, Infinity))) return []
    return untold.map(({ task, end }) => ({ text: `${task}: no ${via} brought its result`, ops: [end!.index] }))
  })
}

/** Nothing was sent ahead of its time: a lag that is less than none was not measured. */
export function contradictingHealth({ health }: CellTrace): readonly Impossible[] {
  if (!health || health.value.pacerLagP99Ms >= -resolutionMs) return []
  return [{ text: `the pacer was ahead of its time by ${-health.value.pacerLagP99Ms} ms`, ops: [health.index] }]
}
