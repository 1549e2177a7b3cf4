import { conclude } from '../analysis/conclusion.ts'
import { controlsOf, coveredSteps, creditsOf, momentsOf } from '../analysis/control.ts'
import { type CellTrace, type ControlTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * The ledger is the truth: of a task with a budget, no step has an effect that begins before somebody asked for more than the
 * budget covers, and all steps together cost no more than budget and top-up. Put to the test where the agent was seen to stop.
 */
const checker: Checker = {
  name: 'budget-holds',
  summary: 'no step begins that the budget of its task does not cover',
  judges: 'budget-holds',
  check(history) {
    const trace = traceOf(history)
    const capped = controlsOf(trace, 'budget').filter(({ effects }) => effects.length > 0)
    return conclude(trace, {
      judged: capped.length,
      unit: 'tasks with a budget',
      complaint: 'had steps beyond it',
      broken: capped.map((one) => uncovered(one, trace)).filter((ops) => ops.length > 0),
      exercise: { times: capped.filter(stopped).length, lacking: 'no task was seen to wait for credits' },
      kind: 'safety',
    })
  },
}
export default checker

/** Effects that begin beyond what is covered, before anybody ordered more. */
function uncovered({ key, effects, seen }: ControlTrace, { cell }: CellTrace): readonly number[] {
  const probe = cell?.control?.find((one) => one.key === key)
  if (!cell || !probe) return []
  const covered = coveredSteps(creditsOf(probe, cell).length)
  const ordered = seen.find(({ value }) => value.moment === 'ordered' && value.type === 'top_up')
  const beyond = effects.filter(({ value }) => value.step > covered && value.startedAt < (ordered?.at ?? Infinity))
  return beyond.map(({ index }) => index)
}

function stopped(control: ControlTrace): boolean {
  return momentsOf(control, 'seen').some(({ value }) => value.status === 'input_required')
}
