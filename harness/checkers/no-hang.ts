import { conclude } from '../analysis/conclusion.ts'
import { type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/** What a timer may be late on a busy machine. */
const slackMs = 1000

/**
 * Every client call ends: each task's client has an outcome by the time at which it was to give up. One that does not is
 * a defect of the client, whose other numbers cannot be believed either.
 */
const checker: Checker = {
  name: 'no-hang',
  summary: 'every client has an outcome by the time at which it was to give up',
  invalidates: true,
  check(history) {
    const trace = traceOf(history)
    const hung = trace.tasks.filter(isHung)
    return conclude(trace, {
      judged: trace.tasks.length,
      unit: 'clients',
      complaint: 'outlived the time at which they were to give up',
      broken: hung.map(({ invoke, end }) => (end ? [invoke.index, end.index] : [invoke.index])),
      counts: { neverEnded: hung.filter(({ end }) => !end).length },
      kind: 'liveness',
    })
  },
}
export default checker

function isHung({ end, intent }: TaskTrace): boolean {
  return !end || end.at > intent.giveUpAt + slackMs
}
