import { hash } from 'node:crypto'
import { type AgentPlan, planTask } from '../../agent/plan.ts'
import type { Submission } from './backend.ts'
import type { TaskEvent } from '../types/events.ts'
import { createdEvent } from './log.ts'
import { foldEvents } from '../types/fold.ts'
import { ProblemError } from '../types/problems.ts'
import type { Task } from '../types/task.ts'

/** A submission with the task that it is to become. Nothing is stored yet. */
export interface NewTask extends Submission {
  readonly taskId: string
  readonly plan: AgentPlan
  /** The first event of its log. */
  readonly created: TaskEvent
}

/** The task that an idempotency key has already. */
export interface KnownTask {
  readonly fingerprint: string | null
  readonly log: readonly TaskEvent[]
}

/**
 * The id that follows from a key. The store refuses a second task of one id, so there is no race and no index of keys.
 */
export function taskIdOf(key: string): string {
  return `task_${hash('sha256', key, 'hex').slice(0, 32)}`
}

export function newTask(submission: Submission, timeScale: number, taskId: string): NewTask {
  const { request } = submission
  const plan = planTask(request.input, timeScale)
  return { ...submission, taskId, plan, created: createdEvent(taskId, request, plan, new Date()) }
}

/**
 * Accepts a task once per key. `insert` stores it and resolves with nothing, or resolves with the task that the key has
 * already. After a lost answer a repeated insert finds its own first try: that is a replay too.
 * Throws the problem `idempotency-key-reused` when the key belongs to another request.
 */
export async function acceptOnce(
  task: NewTask,
  insert: (task: NewTask) => Promise<KnownTask | undefined>,
): Promise<{ readonly task: Task; readonly replayed: boolean }> {
  const known = await insert(task)
  if (!known) return { task: foldEvents([task.created]), replayed: false }
  if (known.fingerprint === task.fingerprint) return { task: foldEvents(known.log), replayed: true }
  const taskId = known.log[0]?.task_id ?? task.taskId
  throw new ProblemError('idempotency-key-reused', 'this Idempotency-Key came with another request', taskId)
}
