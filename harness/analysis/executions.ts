import type { OpOf, TaskIntent } from '../model/history.ts'

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

type Effects = readonly OpOf<'effect'>[]

/** Of a task. */
interface Work {
  readonly intent: TaskIntent
  readonly executions: readonly Execution[]
}

/** Each of its steps was executed once, in their order, as of nearly all tasks. */
export function ranOnce({ executions, intent }: Work): boolean {
  return executions.length === intent.steps && executions.every(({ step }, i) => step === i + 1)
}

/**
 * A task's executions in the order in which they started. A lost answer of the tool server makes the worker post an
 * effect again. Posts with the same step, attempt, executor, start and idempotency key are one execution. Under another
 * key it is another effect.
 */
export function listExecutions(effects: Effects): Execution[] {
  const executions: Execution[] = []
  // Of each step so far; while none came again that is all of them.
  let latest: Map<number, Execution> | undefined
  let furthest = 0
  for (const op of inOrder(effects)) {
    const { step, attempt, executor, startedAt, endedAt, idempotencyKey } = op.value
    if (isKnown(executions, op)) continue
    if (step <= furthest) latest ??= new Map(executions.map((one) => [one.step, one]))
    furthest = Math.max(furthest, step)
    const repeats = latest?.get(step)
    const execution: Execution = repeats
      ? { op, step, attempt, executor, startedAt, endedAt, idempotencyKey, repeats }
      : { op, step, attempt, executor, startedAt, endedAt, idempotencyKey }
    latest?.set(step, execution)
    executions.push(execution)
  }
  return executions
}

/** Nearly all are in order already: then nothing is copied. */
function inOrder(effects: Effects): Effects {
  for (let i = 1; i < effects.length; i++)
    if (effects[i]!.value.startedAt < effects[i - 1]!.value.startedAt)
      return effects.toSorted((a, b) => a.value.startedAt - b.value.startedAt)
  return effects
}

/** Those that started at the same time are next to each other. */
function isKnown(executions: readonly Execution[], { value }: OpOf<'effect'>): boolean {
  for (let i = executions.length - 1; i >= 0 && executions[i]!.startedAt === value.startedAt; i--) {
    const { step, attempt, executor, idempotencyKey } = executions[i]!
    const same = step === value.step && attempt === value.attempt && executor === value.executor
    if (same && idempotencyKey === value.idempotencyKey) return true
  }
  return false
}
