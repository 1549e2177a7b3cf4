import { conclude } from '../core/conclusion.ts'
import { taskEnd, type TaskTrace, traceOf } from '../core/trace.ts'
import type { Checker } from '../core/types.ts'

/** Every result that a client accepted has the digest of the right answer: no step lost, repeated or out of order. */
const checker: Checker = {
  name: 'result-integrity',
  summary: 'a result that a client accepts is the right one',
  judges: 'result-integrity',
  check(history) {
    const trace = traceOf(history)
    const accepted = trace.tasks.filter(acceptedResult)
    const wrong = accepted.filter((task) => taskEnd(task)?.digest !== task.intent.expectedDigest)
    return conclude(trace, {
      judged: accepted.length,
      unit: 'accepted results',
      complaint: 'were not the right answer',
      broken: wrong.map(({ invoke, end }) => [invoke.index, end!.index]),
      counts: { wrongOnServer: trace.tasks.filter(isWrongOnServer).length },
      kind: 'safety',
    })
  },
}
export default checker

/** Word of a failed task is an end, but not a result. */
function acceptedResult(task: TaskTrace): boolean {
  return task.end?.type === 'ok' && (taskEnd(task)?.status ?? 'completed') === 'completed'
}

function isWrongOnServer({ finals, intent }: TaskTrace): boolean {
  return finals.some(({ value }) => value.status === 'completed' && value.digest !== intent.expectedDigest)
}
