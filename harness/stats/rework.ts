import { type Execution, executionsOf } from '../core/executions.ts'
import type { TaskTrace } from '../core/trace.ts'

/** Work done against work needed; times in milliseconds. */
export interface ReworkFigures {
  readonly plannedSteps: number
  readonly executedSteps: number
  readonly duplicateEffects: number
  readonly ratio: number
  readonly wastedMs: number
}

/**
 * What the ledger says about repeated work, over the tasks that were offered.
 * `ratio`: busy time of all executions / busy time of each step's first execution, minus 1. What an executor did of a
 * step before it died is not in the ledger, so it is a lower bound.
 * `wastedMs`: repetitions, and everything done for tasks whose result nobody has (`isUseful` false).
 */
export function measureRework(tasks: readonly TaskTrace[], isUseful: (task: TaskTrace) => boolean): ReworkFigures {
  let [plannedSteps, executedSteps, duplicateEffects, busyMs, firstMs, wastedMs] = [0, 0, 0, 0, 0, 0]
  for (const task of tasks) {
    const executions = executionsOf(task)
    const first = executions.filter(({ repeats }) => !repeats)
    const [allMs, usefulMs] = [busyTime(executions), busyTime(first)]
    plannedSteps += task.intent.steps
    executedSteps += executions.length
    duplicateEffects += countDuplicates(executions)
    busyMs += allMs
    firstMs += usefulMs
    wastedMs += isUseful(task) ? allMs - usefulMs : allMs
  }
  return { plannedSteps, executedSteps, duplicateEffects, ratio: firstMs > 0 ? busyMs / firstMs - 1 : 0, wastedMs }
}

/** Executions beyond the first of one idempotency key: effects that the outside world saw twice. */
export function countDuplicates(executions: readonly Execution[]): number {
  return executions.length - new Set(executions.map(({ idempotencyKey }) => idempotencyKey)).size
}

function busyTime(executions: readonly Execution[]): number {
  return executions.reduce((sum, { startedAt, endedAt }) => sum + endedAt - startedAt, 0)
}
