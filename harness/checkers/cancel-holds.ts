import { conclude, doubts } from '../analysis/conclusion.ts'
import {
  controlsOf,
  effectsBelow,
  hasControl,
  isFamilyRead,
  type LoggedEvent,
  logOf,
  logsOf,
  mayBeGone,
  momentsOf,
  subLogsOf,
  wasAtWork,
} from '../analysis/control.ts'
import { type ControlledWork, controlledWork } from '../analysis/controlled-work.ts'
import { type CellTrace, type ControlTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/** A step may begin so long after the acknowledgement: of the task's world, and no less than this in real time. */
const [boundMs, floorMs] = [5_000, 1_000]

/**
 * A cancellation that was acknowledged holds, over the task and all below it. None of their steps begins later than the bound,
 * by the ledger. Each of their logs has one end: the cancellation, or a result that was first. None starts a sub-task after
 * the request. Excused: one that was never answered, and one within whose bound a task began several steps. Put to the test
 * where the task had not ended when it was acknowledged, and some of its work was left undone. Of an agent that starts others,
 * one of those must have been at work.
 */
const checker: Checker = {
  name: 'cancel-holds',
  summary:
    'after a cancellation is acknowledged no new step begins, of the task or of its sub-tasks, and each has one end',
  judges: 'cancel-holds',
  isAbout: hasControl('cancel', 'rogue'),
  check(history) {
    const trace = traceOf(history)
    const works = Map.groupBy(controlledWork(trace), ({ control }) => control)
    const worksOf = (one: ControlTrace): readonly ControlledWork[] => works.get(one) ?? []
    const limitMs = Math.max(floorMs, boundMs / (trace.cell?.timeScale ?? 1))
    const all = controlsOf(trace, 'cancel', 'rogue')
    const held = all.filter(isAcknowledged)
    const breaches = new Map(held.map((one) => [one, breachOf(one, limitMs)]))
    const read = held.filter(isFamilyRead)
    const known = read.filter((one) => breaches.get(one)!.length > 0 || !wentOn(one, worksOf(one)))
    const rogue = controlsOf(trace, 'rogue')
    const families = known.filter(hadOthersAtWork).length
    const tested = known.filter((one) => wasAtWork(one) && !isAllDone(one, worksOf(one)))
    return conclude(trace, {
      judged: known.length,
      unit: 'cancellations',
      complaint: 'were followed by a new step, or by no end, or by more than one',
      broken: [...breaches.values()].filter((ops) => ops.length > 0),
      ...doubts(
        [held.length - read.length, 'are of tasks whose log nobody could read'],
        [read.length - known.length, 'let a task begin more than one step before the bound'],
        [all.filter((one) => isUnanswered(one, trace, worksOf(one))).length, 'were never answered'],
      ),
      ...(rogue.length > 0 && { counts: { families } }),
      exercise: exerciseOf(tested.length, rogue.length > 0 ? families : undefined),
      kind: 'safety',
    })
  },
}
export default checker

/** `families`: in which a sub-task was at work; undefined: nobody was to start any. */
function exerciseOf(tested: number, families: number | undefined) {
  if (families === 0) return { times: 0, lacking: 'no sub-task was at work when its family was cancelled' }
  return { times: tested, lacking: 'no task was at work when its cancellation was acknowledged, with more to do' }
}

function isAcknowledged(control: ControlTrace): boolean {
  return momentsOf(control, 'acknowledged').length > 0
}

/** It was sent, and nobody said yes or no. Of a task that is gone with its process, or had all its work done, there was nothing to say. */
function isUnanswered(control: ControlTrace, trace: CellTrace, works: readonly ControlledWork[]): boolean {
  const [sent] = momentsOf(control, 'ordered')
  if (!sent || isAcknowledged(control) || momentsOf(control, 'refused').length > 0) return false
  return !mayBeGone(control, trace) && !isDoneBy(sent.at, ownOf(control, works))
}

function ownOf({ key }: ControlTrace, works: readonly ControlledWork[]): ControlledWork | undefined {
  return works.find(({ task }) => task === key)
}

/** By the ledger. */
function isDoneBy(at: number, own: ControlledWork | undefined): boolean {
  const done = own?.executions.filter(({ endedAt }) => endedAt <= at) ?? []
  return own?.steps !== undefined && new Set(done.map(({ step }) => step)).size >= own.steps
}

/**
 * Several steps of the task, or of one below that came to its result, began after the acknowledgement. One may have been on its
 * way. More are within the bound, too, but a system that ignores it looks the same so far.
 */
function wentOn(control: ControlTrace, works: readonly ControlledWork[]): boolean {
  const { at } = momentsOf(control, 'acknowledged')[0]!
  const results = new Set(logsOf(control).flatMap(({ op, events }) => (isResult(events) ? op.value.taskId : [])))
  return works.some(({ task, executions }) => {
    const isAllItDid = task === control.key || executions.some(({ op }) => results.has(op.value.taskId))
    return isAllItDid && executions.filter(({ startedAt }) => startedAt > at).length > 1
  })
}

/** It came to its result: whether it would have stopped nobody can tell. */
function isAllDone(control: ControlTrace, works: readonly ControlledWork[]): boolean {
  const own = ownOf(control, works)
  const isWhole = own !== undefined && (own.steps === undefined || isDoneBy(Infinity, own))
  return isWhole && isResult(logOf(control)?.events ?? [])
}

function isResult(log: readonly LoggedEvent[]): boolean {
  return log.at(-1)?.status === 'completed'
}

function breachOf(control: ControlTrace, limitMs: number): readonly number[] {
  const below = subLogsOf(control).filter(({ events }) => !hasOneEnd(events) || startsAfterCancel(events))
  return [...lateSteps(control, limitMs), ...wrongEnd(control), ...below.map(({ op }) => op.index)]
}

function lateSteps(control: ControlTrace, limitMs: number): readonly number[] {
  const [acknowledged] = momentsOf(control, 'acknowledged')
  const late = control.effects.filter(({ value }) => value.startedAt > acknowledged!.at + limitMs)
  return late.flatMap(({ index }) => [acknowledged!.index, index])
}

const ends: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled', 'expired', 'rejected'])

/** Where the answer said that it is cancelled, nothing else may come of it. */
function wrongEnd(control: ControlTrace): readonly number[] {
  const log = logOf(control)
  if (!log) return []
  const [acknowledged] = momentsOf(control, 'acknowledged')
  const said = acknowledged!.value.status
  const isAsSaid = said === undefined || !ends.has(said) || log.events.at(-1)?.status === said
  const isRight = hasOneEnd(log.events) && isAsSaid && !startsAfterCancel(log.events)
  return isRight ? [] : [acknowledged!.index, log.op.index]
}

function hasOneEnd(log: readonly LoggedEvent[]): boolean {
  const ended = log.filter(({ status }) => ends.has(status))
  return ended.length === 1 && ended[0] === log.at(-1)
}

function startsAfterCancel(log: readonly LoggedEvent[]): boolean {
  const asked = log.findIndex(({ type }) => type === 'task.cancel_requested')
  return asked !== -1 && log.slice(asked).some(({ type }) => type === 'task.spawned')
}

function hadOthersAtWork(control: ControlTrace): boolean {
  const { at } = momentsOf(control, 'acknowledged')[0]!
  return wasAtWork(control) && effectsBelow(control).some(({ value }) => value.startedAt < at)
}
