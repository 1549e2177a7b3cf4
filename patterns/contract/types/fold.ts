import type { EventType, Progress, Spawned, TaskEvent } from './events.ts'
import { isTerminal, type Task, type TaskInput, type TaskRequest, type TaskStatus } from './task.ts'

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
  'task.resumed': { from: ['running', 'input_required', 'cancelling'] },
  'task.commanded': { from: ['queued', 'running', 'input_required'] },
  'task.interrupted': { from: ['running', 'input_required'], to: 'input_required' },
  'task.continued': { from: ['input_required'], to: 'running' },
  'task.topped_up': { from: ['running', 'input_required'] },
  'task.command_void': { from: ['queued', 'running', 'input_required', 'cancelling'] },
  'task.spawned': { from: ['running'] },
  'context.patch': { from: ['running', 'input_required', 'cancelling'] },
  'task.cancel_requested': { from: ['queued', 'running', 'input_required'], to: 'cancelling' },
  'task.completed': { from: ['running', 'cancelling'], to: 'completed' },
  'task.failed': { from: ['running', 'input_required', 'cancelling'], to: 'failed' },
  'task.cancelled': { from: ['cancelling'], to: 'cancelled' },
  'task.expired': { from: ['queued', 'running', 'input_required', 'cancelling'], to: 'expired' },
  'task.rejected': { from: ['queued'], to: 'rejected' },
}

/** The task that a log describes: the only way a Task is made. Throws IllegalTransition for a log that is not one. */
export function foldEvents(events: readonly TaskEvent[]): Task {
  const [first, ...rest] = events
  if (!first) throw new IllegalTransition('a log has at least one event')
  return rest.reduce(applyEvent, openTask(first))
}

/**
 * The task at an event whose log is kept only from there on: what was lost before it stays as it was when the task was accepted.
 * Throws IllegalTransition where an event of this type leads to no such state.
 */
export function joinAt(accepted: Task, event: TaskEvent): Task {
  const { seq, type, attempt } = event
  const status = transitions[type].from.find((from) => (transitions[type].to ?? from) === event.status)
  if (status === undefined) throw new IllegalTransition(`${type} to ${event.status} (seq ${seq})`)
  return applyEvent({ ...accepted, status, version: seq - 1, attempt: attempt - attemptsIn(type) }, event)
}

export function applyEvent(task: Task, event: TaskEvent): Task {
  const head = { task_id: task.task_id, seq: task.version, attempt: task.attempt, status: task.status }
  checkContinues(head, event)
  const { status_reason, ...rest } = task
  const kept = event.status === task.status && status_reason !== undefined ? { ...rest, status_reason } : rest
  const base = { ...kept, status: event.status, version: event.seq, attempt: event.attempt, updated_at: event.time }
  if (isTerminal(event.status)) return closeTask(base, event)
  return { ...base, ...shownBy(event, task) }
}

/** Number of the last completed step and the digest after it, from a log: where an executor resumes. */
export function completedSteps(events: readonly TaskEvent[]): { readonly step: number; readonly digest: string } {
  const last = events.findLast((event) => event.type === 'task.progress')?.data as Progress | undefined
  return { step: last?.step ?? 0, digest: last?.digest ?? '' }
}

export function requestOf(events: readonly TaskEvent[]): TaskRequest {
  return (events[0]!.data as { request: TaskRequest }).request
}

/** The state after an event of this type. Throws IllegalTransition where the state machine forbids it. */
export function enter(head: Head, type: EventType): TaskStatus {
  const { from, to } = transitions[type]
  if (from.includes(head.status)) return to ?? head.status
  throw new IllegalTransition(`${type} after ${head.status} (task ${head.task_id}, seq ${head.seq})`)
}

function checkContinues(head: Head, event: TaskEvent): void {
  const status = enter(head, event.type)
  const attempt = head.attempt + attemptsIn(event.type)
  const right = { task_id: head.task_id, seq: head.seq + 1, attempt, status }
  for (const [field, value] of Object.entries(right)) {
    const got = event[field as keyof Head]
    if (got !== value) throw new IllegalTransition(`${event.type}: ${field} is ${got}, must be ${value}`)
  }
}

/** How many attempts begin with an event of this type. */
function attemptsIn(type: EventType): number {
  return type === 'task.started' || type === 'task.resumed' ? 1 : 0
}

function openTask(first: TaskEvent): Task {
  const isFirst = first.type === 'task.created' && first.seq === 1 && first.attempt === 0 && first.status === 'queued'
  if (!isFirst)
    throw new IllegalTransition(`a log begins with task.created, seq 1; got ${first.type}, seq ${first.seq}`)
  // What an event holds beside the contract is the service's own: another one may say nothing of all this.
  const data = first.data as Partial<{ request: TaskRequest; estimated_completion: string; principal: unknown }>
  const { parent } = first.data
  return {
    task_id: first.task_id,
    type: 'agent',
    ...(typeof data.principal === 'string' && { principal: data.principal }),
    ...(typeof parent === 'string' && { parent }),
    status: 'queued',
    current_action: null,
    progress_pct: 0,
    estimated_completion: data.estimated_completion ?? null,
    version: 1,
    attempt: 0,
    created_at: first.time,
    updated_at: first.time,
    credits_used: 0,
    input: data.request?.input as TaskInput,
    ...askedBy(data.request),
    links: linksOf(first.task_id),
  }
}

function askedBy(request: TaskRequest | undefined): Partial<Task> {
  const { budget, memory } = request ?? {}
  return { ...(budget && { credits_granted: budget.credits }), ...(memory && { context_version: 1 }) }
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

function grantedAfter({ credits_granted }: Task, { credits = 0 }: Partial<Spawned>): Partial<Task> {
  return credits_granted === undefined ? {} : { credits_granted: credits_granted - credits }
}

/** What a non-terminal event changes of what is shown. */
function shownBy(event: TaskEvent, task: Task): Partial<Task> {
  if (event.type === 'context.patch') return { context_version: event.data['version'] as number }
  if (event.type === 'task.topped_up')
    return { credits_granted: (task.credits_granted ?? 0) + (event.data['credits'] as number) }
  if (event.type === 'task.spawned') return grantedAfter(task, event.data as Partial<Spawned>)
  if (event.type === 'task.interrupted') return { status_reason: event.data['reason'] as string }
  const data = event.data as Partial<Progress>
  if (!('next' in data)) return {}
  const { next = null, estimated_completion = null } = data
  const current_action = next && { ...next, started_at: event.time }
  if (event.type !== 'task.progress') return { current_action, estimated_completion }
  const { step, steps, credits } = data as Progress
  const progress_pct = Math.round((1000 * step) / steps) / 10
  return { current_action, estimated_completion, progress_pct, credits_used: task.credits_used + credits }
}
