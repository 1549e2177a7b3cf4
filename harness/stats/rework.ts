import type { Execution } from '../analysis/executions.ts'
import type { CellTrace, TaskTrace } from '../analysis/trace.ts'
import type { Rework } from '../model/results.ts'
import { type Firings, intervalOverEpisodes, splitSample } from './episodes.ts'
import type { Interval } from './intervals.ts'

/** When nodes exited, by name: what tells how far a step was when its executor died. */
export type Exits = ReadonlyMap<string, readonly number[]>

/**
 * Work done again or for nothing, over the tasks that were offered. `ratio`: busy time of all executions and of the
 * steps that an exit cut off / busy time of each step's first execution, minus 1. A cut-off step left no effect; it ran
 * from the end of the step before it until its executor's exit. That of a task's first step is not known, so the figure
 * is a lower bound. `wastedMs`: repetitions, cut-off steps, and all work for tasks without a result that any client or
 * server has (`isUseful` false).
 */
export function measureRework(
  tasks: readonly TaskTrace[],
  isUseful: (task: TaskTrace) => boolean,
  exits: Exits,
): Omit<Rework, 'interval' | 'faults'> {
  let [plannedSteps, executedSteps, duplicateEffects, busyMs, firstMs, wastedMs] = [0, 0, 0, 0, 0, 0]
  for (const task of tasks) {
    const { executions } = task
    const { firstMs: usefulMs, againMs } = workOf(task, exits)
    const allMs = usefulMs + againMs
    plannedSteps += task.intent.steps
    executedSteps += executions.length
    duplicateEffects += countDuplicates(executions)
    busyMs += allMs
    firstMs += usefulMs
    wastedMs += isUseful(task) ? allMs - usefulMs : allMs
  }
  return { plannedSteps, executedSteps, duplicateEffects, ratio: firstMs > 0 ? busyMs / firstMs - 1 : 0, wastedMs }
}

/** A task's work again, as a share of its work; and the firing that it shares with others, if there is one. */
export interface TaskRework {
  readonly task: TaskTrace
  readonly episode?: string
}

/**
 * Interval of the ratio, scaled from the mean share per task. That share lies between none and the most that any task
 * had. `intervalOverEpisodes` gives its interval over faults. Where nothing was done again it reaches from 0 to what
 * could still be the share of tasks that do all of their work again. Or how many faults there were, where they are too
 * few.
 */
export function reworkInterval(
  tasks: readonly TaskRework[],
  exits: Exits,
  firings: Firings,
): { readonly interval?: Interval; readonly faults?: number } {
  const shares = tasks
    .map(({ task, episode }) => ({ episode, ...workOf(task, exits) }))
    .filter(({ firstMs }) => firstMs > 0)
  if (shares.length === 0) return {}
  const most = shares.reduce((least, { againMs, firstMs }) => Math.max(least, againMs / firstMs), 1)
  const again = (some: typeof shares): number => some.reduce((sum, one) => sum + one.againMs / one.firstMs / most, 0)
  const groups = Map.groupBy(shares, ({ episode }) => episode)
  groups.delete(undefined)
  const episodes = [...groups.values()].map((some) => ({ n: some.length, failures: again(some) }))
  const sample = { n: shares.length, failures: again(shares), episodes }
  const found = intervalOverEpisodes(sample, firings)
  if (!found) return { faults: splitSample(sample).shared.length }
  const mean = (sample.failures * most) / sample.n
  const ratio =
    shares.reduce((sum, { againMs }) => sum + againMs, 0) / shares.reduce((sum, { firstMs }) => sum + firstMs, 0)
  const scale = most * (mean > 0 ? ratio / mean : 1)
  return { interval: [(1 - found[1]) * scale, (1 - found[0]) * scale] }
}

function workOf(task: TaskTrace, exits: Exits): { readonly firstMs: number; readonly againMs: number } {
  const { executions } = task
  let [firstMs, repeatedMs] = [0, 0]
  for (const one of executions)
    if (one.repeats) repeatedMs += busyTime(one)
    else firstMs += busyTime(one)
  return { firstMs, againMs: repeatedMs + cutOffTime(executions, exits) }
}

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

/** What ends before it starts is a record that `record-sound` refuses, and no work. */
function busyTime({ startedAt, endedAt }: Execution): number {
  return Math.max(0, endedAt - startedAt)
}
