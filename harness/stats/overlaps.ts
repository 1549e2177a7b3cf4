import { ranOnce } from '../analysis/executions.ts'
import type { TaskTrace } from '../analysis/trace.ts'

/** Times are whole microseconds of one clock, and each is rounded by itself. */
const resolutionMs = 1

/**
 * How long two executions of the task were at work at once; 0: never. The steps of a task come one after the other, so this is a
 * second attempt beside a first one that lives. An execution that left no effect is not known: a lower bound.
 */
export function overlapMsOf(task: TaskTrace): number {
  let [overlapMs, busyUntil] = [0, -Infinity]
  for (const { startedAt, endedAt } of task.executions) {
    overlapMs += Math.max(0, Math.min(endedAt, busyUntil) - startedAt)
    busyUntil = Math.max(busyUntil, endedAt)
  }
  return overlapMs >= resolutionMs ? overlapMs : 0
}

/** The most often that one step of it was executed; 0: no step was. */
export function mostExecutions(task: TaskTrace): number {
  if (ranOnce(task)) return Math.min(1, task.intent.steps)
  const times = new Map<number, number>()
  for (const { step } of task.executions) times.set(step, (times.get(step) ?? 0) + 1)
  return Math.max(0, ...times.values())
}
