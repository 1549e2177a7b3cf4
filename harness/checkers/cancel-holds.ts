import { conclude } from '../analysis/conclusion.ts'
import { controlsOf, hasControl, logOf, momentsOf } from '../analysis/control.ts'
import { type ControlTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/** A step may begin so long after the acknowledgement: of the task's world, and no less than this in real time. */
const [boundMs, floorMs] = [5_000, 1_000]

/**
 * A cancellation that was acknowledged holds. No step of the task begins later than the bound, and its log has one end: the
 * cancellation, or a result that was first. Put to the test where the task had not ended when it was acknowledged.
 */
const checker: Checker = {
  name: 'cancel-holds',
  summary: 'after a cancellation is acknowledged no new step begins, and the task has one end',
  judges: 'cancel-holds',
  isAbout: hasControl('cancel'),
  check(history) {
    const trace = traceOf(history)
    const limitMs = Math.max(floorMs, boundMs / (trace.cell?.timeScale ?? 1))
    const held = controlsOf(trace, 'cancel').filter((one) => momentsOf(one, 'acknowledged').length > 0)
    const known = held.filter((one) => logOf(one) !== undefined)
    const broken = held.map((one) => [...lateSteps(one, limitMs), ...wrongEnd(one)]).filter((ops) => ops.length > 0)
    return conclude(trace, {
      judged: known.length,
      unit: 'acknowledged cancellations',
      complaint: 'were followed by a new step, or by no end, or by more than one',
      broken,
      excused: held.length - known.length,
      otherwise: { many: held.length - known.length, why: 'are of tasks whose log nobody could read' },
      exercise: {
        times: known.filter(wasAtWork).length,
        lacking: 'no task was at work when its cancellation was acknowledged',
      },
      kind: 'safety',
    })
  },
}
export default checker

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
  const ended = log.events.filter(({ status }) => ends.has(status))
  const isLast = ended[0] === log.events.at(-1)
  const said = acknowledged!.value.status
  const isAsSaid = said === undefined || !ends.has(said) || ended[0]?.status === said
  return ended.length === 1 && isLast && isAsSaid ? [] : [acknowledged!.index, log.op.index]
}

function wasAtWork(control: ControlTrace): boolean {
  const [acknowledged] = momentsOf(control, 'acknowledged')
  const { status } = acknowledged!.value
  return status === 'cancelling' || status === 'cancelled'
}
