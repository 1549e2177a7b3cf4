import { conclude } from '../analysis/conclusion.ts'
import {
  controlsOf,
  effectsBelow,
  hasControl,
  isFamilyRead,
  type LoggedEvent,
  logOf,
  momentsOf,
  subLogsOf,
  wasAtWork,
} from '../analysis/control.ts'
import { type ControlTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/** A step may begin so long after the acknowledgement: of the task's world, and no less than this in real time. */
const [boundMs, floorMs] = [5_000, 1_000]

/**
 * A cancellation that was acknowledged holds, over the task and all below it. None of their steps begins later than the bound,
 * by the ledger. Each of their logs has one end: the cancellation, or a result that was first. None starts a sub-task after
 * the request. Put to the test where the task had not ended when it was acknowledged. Of an agent that starts others, one of
 * those must have been at work.
 */
const checker: Checker = {
  name: 'cancel-holds',
  summary:
    'after a cancellation is acknowledged no new step begins, of the task or of its sub-tasks, and each has one end',
  judges: 'cancel-holds',
  isAbout: hasControl('cancel', 'rogue'),
  check(history) {
    const trace = traceOf(history)
    const limitMs = Math.max(floorMs, boundMs / (trace.cell?.timeScale ?? 1))
    const held = controlsOf(trace, 'cancel', 'rogue').filter((one) => momentsOf(one, 'acknowledged').length > 0)
    const known = held.filter(isFamilyRead)
    const broken = held.map((one) => breachOf(one, limitMs)).filter((ops) => ops.length > 0)
    const rogue = controlsOf(trace, 'rogue')
    const families = known.filter(hadOthersAtWork).length
    return conclude(trace, {
      judged: known.length,
      unit: 'acknowledged cancellations',
      complaint: 'were followed by a new step, or by no end, or by more than one',
      broken,
      excused: held.length - known.length,
      otherwise: { many: held.length - known.length, why: 'are of tasks whose log nobody could read' },
      ...(rogue.length > 0 && { counts: { families } }),
      exercise: exerciseOf(known, rogue.length > 0 ? families : undefined),
      kind: 'safety',
    })
  },
}
export default checker

/** `families`: in which a sub-task was at work; undefined: nobody was to start any. */
function exerciseOf(known: readonly ControlTrace[], families: number | undefined) {
  if (families === 0) return { times: 0, lacking: 'no sub-task was at work when its family was cancelled' }
  const times = known.filter(wasAtWork).length
  return { times, lacking: 'no task was at work when its cancellation was acknowledged' }
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
