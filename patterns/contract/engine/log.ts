import { remainingMs, type Plan } from '../../agent/plan.ts'
import type { Command } from '../types/command.ts'
import type { Commanded, EventType, Progress, TaskEvent } from '../types/events.ts'
import { enter, type Head } from '../types/fold.ts'
import type { Task, TaskRequest } from '../types/task.ts'

/** Event 1. It carries the request, so that the log alone is enough to run, resume and show the task. */
export function createdEvent(taskId: string, request: TaskRequest, plan: Plan, time: Date): TaskEvent {
  const data = { request, steps: plan.steps.length, estimated_completion: estimate(plan, 0, time) }
  const start = { seq: 1, attempt: 0, status: 'queued' as const, time: time.toISOString() }
  return { ...start, type: 'task.created', task_id: taskId, data }
}

/** An executor took the task: attempt 1 begins with step 1. */
export function startedEvent(head: Head, plan: Plan, executor: string, time: Date): TaskEvent {
  const data = { executor, next: nextStep(plan, 0), estimated_completion: estimate(plan, 0, time) }
  return append({ ...head, attempt: head.attempt + 1 }, 'task.started', time, data)
}

/** Another executor, or the same one after a crash, continues after step `completed` (0: from the start). */
export function resumedEvent(
  head: Head,
  plan: Plan,
  { executor, completed }: { readonly executor: string; readonly completed: number },
  time: Date,
): TaskEvent {
  const next = nextStep(plan, completed)
  const data = { executor, step: completed, next, estimated_completion: estimate(plan, completed, time) }
  return append({ ...head, attempt: head.attempt + 1 }, 'task.resumed', time, data)
}

/** Step `done.step` is complete: its effect is acknowledged. `credits` are what it has cost the task. */
export function progressEvent(
  head: Head,
  plan: Plan,
  done: { readonly step: number; readonly digest: string; readonly credits: number },
  time: Date,
): TaskEvent {
  const data: Progress = {
    step: done.step,
    steps: plan.steps.length,
    digest: done.digest,
    credits: done.credits,
    next: nextStep(plan, done.step),
    estimated_completion: estimate(plan, done.step, time),
  }
  return append(head, 'task.progress', time, { ...data })
}

/** The API has put a command on record. */
export function commandedEvent(head: Head, command: Command, time: Date): TaskEvent {
  return append(head, 'task.commanded', time, { command } satisfies Commanded)
}

/** What comes of a command, of an exhausted budget, or before a step: which of them, the caller knows (`control.ts`). */
export function answerEvent(head: Head, type: AnswerType, data: object, time: Date): TaskEvent {
  return append(head, type, time, { ...data })
}
type AnswerType =
  | 'task.interrupted'
  | 'task.continued'
  | 'task.topped_up'
  | 'task.command_void'
  | 'task.spawned'
  | 'context.patch'

export function cancelRequestedEvent(head: Head, time: Date): TaskEvent {
  return append(head, 'task.cancel_requested', time, {})
}

/** What a task of this plan came to: with a text of the size that its profile says. */
export function resultOf({ steps, resultBytes = 0 }: Plan, digest: string): Result {
  return { digest, steps: steps.length, ...(resultBytes > 0 && { text: '.'.repeat(resultBytes) }) }
}
type Result = NonNullable<Task['result']>

export function completedEvent(head: Head, result: Result, time: Date): TaskEvent {
  return append(head, 'task.completed', time, { result })
}

export function failedEvent(head: Head, reason: string, time: Date): TaskEvent {
  return append(head, 'task.failed', time, { reason })
}

export function cancelledEvent(head: Head, time: Date): TaskEvent {
  return append(head, 'task.cancelled', time, {})
}

export function expiredEvent(head: Head, reason: string, time: Date): TaskEvent {
  return append(head, 'task.expired', time, { reason })
}

export function rejectedEvent(head: Head, reason: string, time: Date): TaskEvent {
  return append(head, 'task.rejected', time, { reason })
}

function append(head: Head, type: EventType, time: Date, data: Record<string, unknown>): TaskEvent {
  const status = enter(head, type)
  return {
    seq: head.seq + 1,
    type,
    task_id: head.task_id,
    time: time.toISOString(),
    attempt: head.attempt,
    status,
    data,
  }
}

function nextStep(plan: Plan, completed: number): Progress['next'] {
  const step = plan.steps[completed]
  return step ? { name: step.name, step: step.index } : null
}

function estimate(plan: Plan, completed: number, time: Date): string {
  return new Date(time.getTime() + remainingMs(plan, completed)).toISOString()
}
