import { conclude } from '../analysis/conclusion.ts'
import { exposures, exposuresInTime } from '../analysis/exposure.ts'
import { impactOf } from '../analysis/impact.ts'
import { isLate, wasHeldUp } from '../analysis/lateness.ts'
import { taskEnd, type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * Every acknowledged task ends, for its client, in a terminal state: a result, or word that the task failed. Giving up,
 * hanging, or an answer that the task is unknown are no such end.
 * - Late is not lost. The server has the right result, but had it only when the client gave up, or so shortly before
 *   that word of it was on its way. Where an outage held the task up, the scenario's `grace` is shorter than a
 *   takeover: counted apart. Where none did, the cause is unknown: excused. A few do no harm, and many leave the
 *   promise open.
 * - Excused: outages that touched this very task held it up until its client gave up. Each outage counts until its
 *   heal, and for as long as the engine needs for a takeover and the rest of the work. It must have begun before the
 *   result was due.
 */
const checker: Checker = {
  name: 'no-lost-task',
  summary: 'every accepted task reaches a terminal state that its client sees',
  judges: 'no-lost-task',
  check(history) {
    const trace = traceOf(history)
    const accepted = trace.tasks.filter(({ submits }) => submits.some(({ type }) => type === 'ok'))
    const touched = exposures(trace)
    const unseen = accepted.filter((task) => !sawEnd(task))
    const isHeldUp = (task: TaskTrace): boolean => wasHeldUp(task, touched.get(task) ?? [], trace)
    const [late, lost] = split(unseen, (task) => isLate(task, trace.cell))
    const [excused, broken] = split(lost, isHeldUp)
    const slow = late.filter((task) => !isHeldUp(task))
    const inTime = exposuresInTime(trace)
    const exposed = accepted.filter((task) => inTime.has(task))
    const tried = exposed.filter((task) => inTime.get(task)!.some((fault) => impactOf(fault).kind !== 'none')).length
    return conclude(trace, {
      judged: accepted.length - excused.length - late.length,
      unit: 'accepted tasks',
      complaint: 'never reached a terminal state that their client saw',
      broken: broken.map(witness),
      counts: { late: late.length, exposed: exposed.length },
      excused: excused.length + slow.length,
      otherwise: { many: slow.length, why: 'are late, and no outage held them up' },
      exercise: { times: tried, lacking: whyUntried(exposed.length) },
      kind: 'liveness',
    })
  },
}
export default checker

function whyUntried(exposed: number): string {
  return exposed === 0
    ? 'no fault touched an accepted task'
    : 'no fault that takes anything away, or delays it, touched an accepted task'
}

/** Those that are so, and those that are not. */
function split(tasks: readonly TaskTrace[], is: (task: TaskTrace) => boolean): [TaskTrace[], TaskTrace[]] {
  const { yes = [], no = [] } = Object.groupBy(tasks, (task) => (is(task) ? 'yes' : 'no'))
  return [yes, no]
}

function sawEnd(task: TaskTrace): boolean {
  const { end } = task
  if (!end || end.at > task.intent.giveUpAt) return false
  return end.type === 'ok' || (end.type === 'fail' && taskEnd(task)?.reason === 'task-failed')
}

function witness({ invoke, submits, end, finals }: TaskTrace): number[] {
  const accepted = submits.find(({ type }) => type === 'ok')
  return [invoke, accepted, end, finals.at(-1)].flatMap((op) => (op ? [op.index] : []))
}
