import { type Execution, executionsOf } from '../core/executions.ts'
import type { CellTrace, TaskTrace } from '../core/trace.ts'

/** Work done against work needed; times in milliseconds. */
export interface ReworkFigures {
  readonly plannedSteps: number
  readonly executedSteps: number
  readonly duplicateEffects: number
  readonly ratio: number
  readonly wastedMs: number
}

/** When nodes exited, by name: what tells how far a step was when its executor died. */
export type Exits = ReadonlyMap<string, readonly number[]>

/**
 * Work done again or for nothing, over the tasks that were offered.
 * `ratio`: busy time of all executions and of the steps that an exit cut off / busy time of each step's first execution,
 * minus 1. A cut-off step left no effect; it ran from the end of the step before it until its executor's exit. That of a
 * task's first step is not known, so the figure is a lower bound.
 * `wastedMs`: repetitions, cut-off steps, and everything done for tasks whose result nobody has (`isUseful` false).
 */
export function measureRework(
  tasks: readonly TaskTrace[],
  isUseful: (task: TaskTrace) => boolean,
  exits: Exits,
): ReworkFigures {
  let [plannedSteps, executedSteps, duplicateEffects, busyMs, firstMs, wastedMs] = [0, 0, 0, 0, 0, 0]
  for (const task of tasks) {
    const executions = executionsOf(task)
    const first = executions.filter(({ repeats }) => !repeats)
    const [allMs, usefulMs] = [busyTime(executions) + cutOffTime(executions, exits), busyTime(first)]
    plannedSteps += task.intent.steps
    executedSteps += executions.length
    duplicateEffects += countDuplicates(executions)
    busyMs += allMs
    firstMs += usefulMs
    wastedMs += isUseful(task) ? allMs - usefulMs : allMs
  }
  return { plannedSteps, executedSteps, duplicateEffects, ratio: firstMs > 0 ? busyMs / firstMs - 1 : 0, wastedMs }
}

/** Exits of every node in a history. */
export function exitsOf({ nodes }: Pick<CellTrace, 'nodes'>): Exits {
  const ended = nodes.filter(({ value }) => value.state === 'exited' || value.state === 'crashed')
  const byNode = Map.groupBy(ended, ({ value }) => value.node)
  return new Map([...byNode].map(([node, ops]) => [node, ops.map(({ at }) => at)]))
}

/** Between the last step of one attempt and the first of the next, the executor of the former was at work until it exited. */
function cutOffTime(executions: readonly Execution[], exits: Exits): number {
  let sum = 0
  for (let i = 1; i < executions.length; i++) {
    const [before, after] = [executions[i - 1]!, executions[i]!]
    if (after.attempt === before.attempt) continue
    const exit = exits.get(before.executor)?.find((at) => at >= before.endedAt && at <= after.startedAt)
    if (exit !== undefined) sum += exit - before.endedAt
  }
  return sum
}

/** Executions beyond the first of one idempotency key: effects that the outside world saw twice. */
export function countDuplicates(executions: readonly Execution[]): number {
  return executions.length - new Set(executions.map(({ idempotencyKey }) => idempotencyKey)).size
}

function busyTime(executions: readonly Execution[]): number {
  return executions.reduce((sum, { startedAt, endedAt }) => sum + endedAt - startedAt, 0)
}
