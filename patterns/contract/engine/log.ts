import { remainingMs, type AgentPlan } from '../../agent/plan.ts'
import type { EventType, Progress, TaskEvent } from '../types/events.ts'
import { isTerminal, type Task, type TaskRequest, type TaskStatus } from '../types/task.ts'

/** The end of a log: what the next event continues. Any event of the task is one. */
export type Head = Pick<TaskEvent, 'task_id' | 'seq' | 'attempt' | 'status'>

/** An event that the state machine forbids, or a log with a gap: always a defect of the engine. */
export class IllegalTransition extends Error {
  override readonly name = 'IllegalTransition'
}

/** Which states an event may leave; the state that it enters, where it is not the same one. */
const transitions: Readonly<Record<EventType, { from: readonly TaskStatus[]; to?: TaskStatus }>> = {
  'task.created': { from: [], to: 'queued' },
  'task.started': { from: ['queued'], to: 'running' },
  'task.progress': { from: ['running', 'cancelling'] },
  'task.resumed': { from: ['running', 'cancelling'] },
  'task.cancel_requested': { from: ['queued', 'running'], to: 'cancelling' },
  'task.completed': { from: ['running', 'cancelling'], to: 'completed' },
  'task.failed': { from: ['running', 'cancelling'], to: 'failed' },
  'task.cancelled': { from: ['cancelling'], to: 'cancelled' },
  'task.expired': { from: ['queued', 'running', 'cancelling'], to: 'expired' },
  'task.rejected': { from: ['queued'], to: 'rejected' },
}

/** Event 1. It carries the request, so that the log alone is enough to run, resume and show the task. */
export function createdEvent(taskId: string, request: TaskRequest, plan: AgentPlan, time: Date): TaskEvent {
  const data = { request, steps: plan.steps.length, estimated_completion: estimate(plan, 0, time) }
  const start = { seq: 1, attempt: 0, status: 'queued' as const, time: time.toISOString() }
  return { ...start, type: 'task.created', task_id: taskId, data }
}

/** An executor took the task: attempt 1 begins with step 1. */
export function startedEvent(head: Head, plan: AgentPlan, executor: string, time: Date): TaskEvent {
  const data = { executor, next: nextStep(plan, 0), estimated_completion: estimate(plan, 0, time) }
  return append({ ...head, attempt: head.attempt + 1 }, 'task.started', time, data)
}

/** Another executor, or the same one after a crash, continues after step `completedStep` (0: from the start). */
export function resumedEvent(
  head: Head,
  plan: AgentPlan,
  executor: string,
  completedStep: number,
  time: Date,
): TaskEvent {
  const next = nextStep(plan, completedStep)
  const data = { executor, step: completedStep, next, estimated_completion: estimate(plan, completedStep, time) }
  return append({ ...head, attempt: head.attempt + 1 }, 'task.resumed', time, data)
}

/** Step `done.step` is complete: its effect is acknowledged. `credits` are those of this step. */
export function progressEvent(
  head: Head,
  plan: AgentPlan,
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

export function cancelRequestedEvent(head: Head, time: Date): TaskEvent {
  return append(head, 'task.cancel_requested', time, {})
}

export function completedEvent(
  head: Head,
  result: { readonly digest: string; readonly steps: number },
  time: Date,
): TaskEvent {
  return append(head, 'task.completed', time, { result: { digest: result.digest, steps: result.steps } })
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

/** The task that a log describes: the only way a Task is made. Throws IllegalTransition for a log that is not one. */
export function foldEvents(events: readonly TaskEvent[]): Task {
  const [first, ...rest] = events
  if (!first) throw new IllegalTransition('a log has at least one event')
  return rest.reduce(applyEvent, openTask(first))
}

/** The task after one more event. */
export function applyEvent(task: Task, event: TaskEvent): Task {
  const head = { task_id: task.task_id, seq: task.version, attempt: task.attempt, status: task.status }
  checkContinues(head, event)
  const base = { ...task, status: event.status, version: event.seq, attempt: event.attempt, updated_at: event.time }
  if (isTerminal(event.status)) return closeTask(base, event)
  return { ...base, ...shownBy(event, task) }
}

/** Number of the last completed step and the digest after it, from a log: where an executor resumes. */
export function completedSteps(events: readonly TaskEvent[]): { readonly step: number; readonly digest: string } {
  const last = events.findLast((event) => event.type === 'task.progress')?.data as Progress | undefined
  return { step: last?.step ?? 0, digest: last?.digest ?? '' }
}

/** The request in a log's first event. */
export function requestOf(events: readonly TaskEvent[]): TaskRequest {
  return (events[0]!.data as { request: TaskRequest }).request
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

function enter(head: Head, type: EventType): TaskStatus {
  const { from, to } = transitions[type]
  if (from.includes(head.status)) return to ?? head.status
  throw new IllegalTransition(`${type} after ${head.status} (task ${head.task_id}, seq ${head.seq})`)
}

function checkContinues(head: Head, event: TaskEvent): void {
  const status = enter(head, event.type)
  const attempts = event.type === 'task.started' || event.type === 'task.resumed' ? 1 : 0
  const right = { task_id: head.task_id, seq: head.seq + 1, attempt: head.attempt + attempts, status }
  for (const [field, value] of Object.entries(right)) {
    const got = event[field as keyof Head]
    if (got !== value) throw new IllegalTransition(`${event.type}: ${field} is ${got}, must be ${value}`)
  }
}

function openTask(first: TaskEvent): Task {
  const isFirst = first.type === 'task.created' && first.seq === 1 && first.attempt === 0 && first.status === 'queued'
  if (!isFirst)
    throw new IllegalTransition(`a log begins with task.created, seq 1; got ${first.type}, seq ${first.seq}`)
  const { request, estimated_completion } = first.data as { request: TaskRequest; estimated_completion: string }
  return {
    task_id: first.task_id,
    type: 'agent',
    status: 'queued',
    current_action: null,
    progress_pct: 0,
    estimated_completion,
    version: 1,
    attempt: 0,
    created_at: first.time,
    updated_at: first.time,
    credits_used: 0,
    input: request.input,
    links: linksOf(first.task_id),
  }
}

export function linksOf(taskId: string): Task['links'] {
  const self = `/v1/tasks/${taskId}`
  return { self, events: `${self}/events`, cancel: `${self}:cancel` }
}

function closeTask(task: Task, event: TaskEvent): Task {
  const { result, reason } = event.data as { result?: NonNullable<Task['result']>; reason?: string }
  const closed: Task = { ...task, current_action: null, estimated_completion: null, finished_at: event.time }
  if (result) return { ...closed, progress_pct: 100, result }
  return reason === undefined ? closed : { ...closed, status_reason: reason }
}

/** What a non-terminal event changes of what is shown. */
function shownBy(event: TaskEvent, task: Task): Partial<Task> {
  const data = event.data as Partial<Progress>
  if (!('next' in data)) return {}
  const { next = null, estimated_completion = null } = data
  const current_action = next && { ...next, started_at: event.time }
  if (event.type !== 'task.progress') return { current_action, estimated_completion }
  const { step, steps, credits } = data as Progress
  const progress_pct = Math.round((1000 * step) / steps) / 10
  return { current_action, estimated_completion, progress_pct, credits_used: task.credits_used + credits }
}

function nextStep(plan: AgentPlan, completed: number): Progress['next'] {
  const step = plan.steps[completed]
  return step ? { name: step.name, step: step.index } : null
}

function estimate(plan: AgentPlan, completed: number, time: Date): string {
  return new Date(time.getTime() + remainingMs(plan, completed)).toISOString()
}
