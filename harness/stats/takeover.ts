import { type Execution, executionsOf } from '../core/executions.ts'
import type { FaultTrace, TaskTrace } from '../core/trace.ts'

/**
 * For each task that a fault interrupted and somebody went on with: milliseconds from the onset until that work began, as a
 * new attempt. Interrupted is what the latest firing before that beginning touched. Tasks that nobody went on with, or that
 * went on within the same attempt, are not in it.
 */
export function takeoversOf(
  fault: FaultTrace,
  affected: readonly TaskTrace[],
  touched: ReadonlyMap<TaskTrace, readonly FaultTrace[]>,
): readonly number[] {
  return affected.flatMap((task) => {
    const faults = touched.get(task) ?? []
    const first = resumptionsOf(task).find(
      ({ startedAt }) => faults.findLast(({ armedAt }) => armedAt! <= startedAt) === fault,
    )
    return first ? [first.startedAt - fault.armedAt!] : []
  })
}

/** The first execution of every attempt but the task's first. */
function resumptionsOf(task: TaskTrace): readonly Execution[] {
  const executions = executionsOf(task)
  return executions.filter(({ attempt }, i) => attempt > (executions[i - 1]?.attempt ?? 1))
}
