import { conclude } from '../analysis/conclusion.ts'
import type { OpOf } from '../model/history.ts'
import { isStatus, isTerminal, type TaskStatus } from '../../patterns/contract/types/task.ts'
import { logOf, logsOf, type ReadLog } from '../analysis/control.ts'
import { type ControlTrace, taskEnd, type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * What clients see of a task only moves forward. In each channel the status follows the state machine and the version
 * never decreases. The stream has one terminal event and nothing after it. All channels agree on the terminal state.
 * Put to the test by tasks that were seen more than once. Of tasks beside the load the whole log was read: it has each
 * position once, and ends as their clients saw it.
 */
const checker: Checker = {
  name: 'state-machine',
  summary: 'only legal transitions, never backwards, and exactly one terminal state',
  judges: 'state-machine',
  check(history) {
    const trace = traceOf(history)
    let [watched, observations, seenAgain] = [0, 0, 0]
    const broken: number[][] = []
    for (const task of trace.tasks) {
      const views = [...channels(task), ends(task)]
      const sights = views.reduce((sum, { length }) => sum + length, 0)
      if (sights === 0) continue
      watched++
      observations += sights
      if (sights > 1) seenAgain++
      const breach = findBreach([...views, lastReads(task)])
      if (breach.length > 0) broken.push(breach)
    }
    for (const control of trace.controls.values()) {
      const logs = logsOf(control)
      watched += logs.length
      const breach = [...logs.flatMap(logBreach), ...otherEnd(control)]
      if (breach.length > 0) broken.push(breach)
    }
    return conclude(trace, {
      judged: watched,
      unit: 'observed tasks',
      complaint: 'moved backwards or ended twice',
      broken,
      counts: { observations },
      exercise: { times: seenAgain, lacking: 'no task was seen more than once' },
      kind: 'safety',
    })
  },
}
export default checker

interface Sight {
  readonly index: number
  readonly status: TaskStatus
  /** Position in the task's log, where the channel shows it. */
  readonly version?: number
}

/** Polls and events, each in the order in which the client saw them. */
function channels(task: TaskTrace): readonly (readonly Sight[])[] {
  return [task.polls.flatMap(read), firstSightings(task)]
}

function read({ index, type, value: { status, version } }: OpOf<'poll' | 'final'>): readonly Sight[] {
  if (type !== 'ok' || !status) return []
  return [version === undefined ? { index, status } : { index, status, version }]
}

/** The final read asks for the same as the polls of its task, and comes after them. */
function lastReads({ polls, finals }: TaskTrace): readonly Sight[] {
  const last = polls.findLast(({ value }) => value.status !== undefined)
  return last ? [last, ...finals.filter(({ value }) => value.taskId === last.value.taskId)].flatMap(read) : []
}

/** Repetitions on a stream are the business of stream-continuity. */
function firstSightings({ events }: TaskTrace): readonly Sight[] {
  let latest = 0
  const sights: Sight[] = []
  for (const { index, value } of events) {
    const { seq, status } = value
    const repeated =
      seq < latest || (seq === latest && events.some((e) => e.index < index && sameEvent(e.value, seq, status)))
    latest = Math.max(latest, seq)
    if (!repeated) sights.push({ index, status, version: seq })
  }
  return sights
}

function sameEvent(event: { seq: number; status: TaskStatus }, seq: number, status: TaskStatus): boolean {
  return event.seq === seq && event.status === status
}

/** The state that each other source reports, in the order of the reports: a callback may come after the final read. */
function ends(task: TaskTrace): readonly Sight[] {
  const said = ({ index, value: { status } }: OpOf<'callback' | 'final'>): readonly Sight[] =>
    status ? [{ index, status }] : []
  const [callbacks, finals] = [task.callbacks.flatMap(said), task.finals.flatMap(said)]
  const own = taskEnd(task)?.status ?? toldFailure(task)
  const told = [...callbacks, ...(own ? [{ index: task.end!.index, status: own }] : []), ...finals]
  return told.length < 2 ? told : told.sort((a, b) => a.index - b.index)
}

/** What a client was told that has an end without a result, and no more: as others say it, where they say any such. */
function toldFailure(task: TaskTrace): TaskStatus | undefined {
  if (task.end?.type !== 'fail' || taskEnd(task)?.reason !== 'task-failed') return undefined
  const others = [...task.polls, ...task.events, ...task.callbacks, ...task.finals].map(({ value }) => value.status)
  return others.find((status) => status !== undefined && isTerminal(status) && status !== 'completed') ?? 'failed'
}

function findBreach(channels: readonly (readonly Sight[])[]): number[] {
  for (const channel of channels)
    for (let i = 1; i < channel.length; i++)
      if (isBackwards(channel[i - 1]!, channel[i]!)) return [channel[i - 1]!.index, channel[i]!.index]
  let end: Sight | undefined
  for (const channel of channels)
    for (const sight of channel)
      if (isTerminal(sight.status)) {
        if (end && end.status !== sight.status) return [end.index, sight.index]
        end ??= sight
      }
  return []
}

function logBreach({ op, events }: ReadLog): readonly number[] {
  const isSound = events.every(({ seq, status }, i) => {
    const before = events[i - 1]?.status
    return seq === i + 1 && (before === undefined || (!isEnd(before) && isLegal(before, status)))
  })
  return isSound ? [] : [op.index]
}

/** What is no status of the contract says nothing. */
function isLegal(from: string, to: string): boolean {
  return !isStatus(from) || !isStatus(to) || mayFollow(from, to)
}

function isEnd(status: string | undefined): boolean {
  return isStatus(status) && isTerminal(status)
}

/** A log without the end that its client saw, or with another one. */
function otherEnd(control: ControlTrace): readonly number[] {
  const log = logOf(control)
  const seen = control.seen.find(({ value: { moment, status } }) => moment !== 'log' && isEnd(status))
  if (!log || !seen || log.events.at(-1)?.status === seen.value.status) return []
  return [seen.index, log.op.index]
}

function isBackwards(before: Sight, after: Sight): boolean {
  if (!mayFollow(before.status, after.status)) return true
  if (before.version === undefined || after.version === undefined) return false
  if (after.version < before.version) return true
  // One position in a log is one state: whoever asks for news since then would not learn of the other.
  if (after.version === before.version) return after.status !== before.status
  // The terminal event is the last of the log: nothing can have a later position.
  return isTerminal(before.status)
}

const terminal: readonly TaskStatus[] = ['completed', 'failed', 'cancelled', 'expired']

/**
 * What an observer may see next, who sees some states only: staying is always legal, and states may be skipped. Not the
 * server's own table (`patterns/contract/types/fold.ts`): the judge must not depend on the code that it judges.
 */
const next: Readonly<Partial<Record<TaskStatus, readonly TaskStatus[]>>> = {
  queued: ['running', 'input_required', 'cancelling', ...terminal, 'rejected'],
  running: ['input_required', 'cancelling', ...terminal],
  input_required: ['running', 'cancelling', ...terminal],
  cancelling: terminal,
}

/** Whether `to` may be seen after `from`. A terminal state admits nothing but itself. */
function mayFollow(from: TaskStatus, to: TaskStatus): boolean {
  return from === to || (next[from]?.includes(to) ?? false)
}
