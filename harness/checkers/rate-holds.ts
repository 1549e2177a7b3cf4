import { conclude } from '../analysis/conclusion.ts'
import { hasControl } from '../analysis/control.ts'
import { type BucketUse, bucketsOf, burstBeyond, isFelt } from '../analysis/tool-rate.ts'
import { traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * By the ledger's times, no task calls tools more often than its rate and burst allow, in any window, and neither do all tasks of
 * a principal together: over all workers and restarts, and with the second in which a token may be used. Calls that a fault
 * kept on their way for longer are left out. Where those are many, or many are sent again although no fault took their answer,
 * nothing is said. Put to the test where each of the rates
 * was felt: the burst was spent and the rate nearly so, which a demand below it never does.
 */
const checker: Checker = {
  name: 'rate-holds',
  summary: 'tools are called no more often than the rates of task and principal allow',
  judges: 'rate-holds',
  isAbout: hasControl('rate'),
  check(history) {
    const trace = traceOf(history)
    const all = bucketsOf(trace)
    const blurred = all.filter(isBlurred)
    const buckets = all.filter((one) => !isBlurred(one))
    const felt = (of: BucketUse['of']): number => buckets.filter((one) => one.of === of && isFelt(one)).length
    const [byTasks, byPrincipals] = [felt('task'), felt('principal')]
    const needsBoth = trace.cell?.limits?.toolRates?.principal !== undefined
    const calls = all.reduce((sum, one) => (one.of === 'task' ? sum + one.calls.length + one.doubtful : sum), 0)
    return conclude(trace, {
      judged: buckets.length,
      unit: 'tasks and principals with a tool rate',
      complaint: 'went beyond it',
      broken: buckets.map((one) => burstBeyond(one).map(({ index }) => index)).filter((ops) => ops.length > 0),
      counts: { calls, byTasks, byPrincipals },
      excused: blurred.length,
      otherwise: {
        many: blurred.length,
        why: 'have calls that were long on their way, or were sent again without a cause',
      },
      exercise: {
        times: needsBoth ? Math.min(byTasks, byPrincipals) : byTasks,
        lacking: `no ${byTasks === 0 ? 'task' : 'principal'} came to its rate`,
      },
      kind: 'safety',
    })
  },
}
export default checker

/** Of more than one call in twenty nobody knows when it was made, or whether it is one. */
function isBlurred({ calls, doubtful }: BucketUse): boolean {
  return doubtful > 0.05 * (calls.length + doubtful)
}
