import type { OpOf } from './history.ts'
import type { TaskTrace } from './trace.ts'

/** One execution of one step, as the ledger knows it. */
export interface Execution {
  readonly op: OpOf<'effect'>
  readonly step: number
  readonly attempt: number
  readonly executor: string
  readonly startedAt: number
  readonly endedAt: number
  readonly idempotencyKey: string
  /** The execution of the same step just before it, in order of start: this one is a repetition. */
  readonly repeats?: Execution
}

/**
 * A task's executions in the order in which they started. One execution whose effect was posted more than once, because
 * the tool server's answer was lost, is one: same step, attempt, executor and start.
 */
export function executionsOf(task: TaskTrace): readonly Execution[] {
  const made = known.get(task) ?? listExecutions(task)
  known.set(task, made)
  return made
}

const known = new WeakMap<TaskTrace, readonly Execution[]>()

function listExecutions(task: TaskTrace): readonly Execution[] {
  const latest = new Map<number, Execution>()
  const seen = new Set<string>()
  const executions: Execution[] = []
  for (const op of task.effects.toSorted((a, b) => a.value.startedAt - b.value.startedAt)) {
    const { step, attempt, executor, startedAt, endedAt, idempotencyKey } = op.value
    const identity = `${step}/${attempt}/${executor}/${startedAt}`
    if (seen.has(identity)) continue
    seen.add(identity)
    const repeats = latest.get(step)
    const execution = { op, step, attempt, executor, startedAt, endedAt, idempotencyKey, ...(repeats && { repeats }) }
    latest.set(step, execution)
    executions.push(execution)
  }
  return executions
}
