import { conclude } from '../analysis/conclusion.ts'
import { controlsOf, hasControl, isCoverKnown, momentsOf, uncoveredEffects } from '../analysis/control.ts'
import { type ControlTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * The ledger is the truth: of a task with a budget, no step has an effect that begins before somebody asked for more than the
 * budget covers. Where nobody saw the task accepted, what covers it is unknown. A refused top-up covers nothing. Put to the test where the agent was seen to stop.
 */
const checker: Checker = {
  name: 'budget-holds',
  summary: 'no step begins that the budget of its task does not cover',
  judges: 'budget-holds',
  isAbout: hasControl('budget'),
  check(history) {
    const trace = traceOf(history)
    const begun = controlsOf(trace, 'budget').filter(({ effects }) => effects.length > 0)
    const capped = begun.filter((one) => isCoverKnown(one) || uncoveredEffects(one).length > 0)
    const unknown = begun.length - capped.length
    return conclude(trace, {
      judged: capped.length,
      unit: 'tasks with a budget',
      complaint: 'had steps beyond it',
      broken: capped.map((one) => uncoveredEffects(one).map(({ index }) => index)).filter((ops) => ops.length > 0),
      excused: unknown,
      otherwise: { many: unknown, why: 'began, and nobody could say what covers them' },
      exercise: { times: capped.filter(stopped).length, lacking: 'no task was seen to wait for credits' },
      kind: 'safety',
    })
  },
}
export default checker

function stopped(control: ControlTrace): boolean {
  return momentsOf(control, 'seen').some(({ value }) => value.status === 'input_required')
}
