import { conclude } from '../core/conclusion.ts'
import { taskEnd, type TaskTrace, traceOf } from '../core/trace.ts'
import type { Checker } from '../core/types.ts'

/**
 * A result has all its work behind it: the ledger knows an effect of every step of a task whose client accepted a
 * completed result, or which the server (its final word, a callback) calls completed with the right one. That effects are
 * missing can only be said of a whole ledger: where it lost lines, nothing is said. Excused: nothing.
 */
const checker: Checker = {
  name: 'effect-at-least-once',
  summary: 'a result has all its work behind it: every step of it had its effect',
  judges: 'effect-at-least-once',
  check(history) {
    const trace = traceOf(history)
    const gaps = trace.health?.value.ledgerGaps ?? 0
    const results = trace.tasks.filter(hasResult)
    const lacking = results.filter((task) => missingSteps(task) > 0)
    const found = conclude(trace, {
      judged: results.length,
      unit: 'results',
      complaint: 'lack the effect of a step',
      broken: lacking.map(({ invoke, end, effects }) => [invoke, end, ...effects].flatMap((op) => op?.index ?? [])),
      counts: { missing: lacking.reduce((sum, task) => sum + missingSteps(task), 0) },
      kind: 'liveness',
    })
    if (trace.complete && gaps > 0 && found.status === 'fail')
      return { ...found, status: 'unknown', summary: `the ledger lost ${gaps} lines`, witnesses: [] }
    if (trace.complete && results.length === 0)
      return { ...found, status: 'unexercised', summary: 'there was no result' }
    return found
  },
}
export default checker

function hasResult(task: TaskTrace): boolean {
  const { end, finals, callbacks, intent } = task
  if (end?.type === 'ok' && (taskEnd(task)?.status ?? 'completed') === 'completed') return true
  return [...finals, ...callbacks].some(({ value }) => {
    return value.status === 'completed' && value.digest === intent.expectedDigest
  })
}

/** Steps count from 1. */
function missingSteps({ effects, intent }: TaskTrace): number {
  const done = new Set(effects.map(({ value }) => value.step).filter((step) => step >= 1 && step <= intent.steps))
  return intent.steps - done.size
}
