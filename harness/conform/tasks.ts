import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { taskEvent, type TaskEvent } from '../../patterns/contract/types/events.ts'
import { isTerminal, task as taskSchema, type Task } from '../../patterns/contract/types/task.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'
import type { Target, Work } from './case.ts'
import { Breach, must, mustBe, NotApplicable, Refused, show } from './expect.ts'
import { describe, mustHaveStatus, type Reply, send } from './http.ts'
import { kindOf } from './problem.ts'

interface Submission {
  /** Another way to the same service. */
  readonly base?: string
  /** How it is to be answered (RFC 7240). */
  readonly prefer?: string
}

/** A key that nobody used, readable in the logs of the service. */
export function newKey(about: string): string {
  return `conform-${about}-${randomBytes(6).toString('hex')}`
}

export async function submit(target: Target, key: string, body: unknown, how: Submission = {}): Promise<Reply> {
  const { base = '', prefer } = how
  const headers = { 'idempotency-key': key, ...(prefer !== undefined && { prefer }) }
  const reply = await send(target, `${base}/v1/tasks`, { method: 'POST', headers, body })
  const taskId = reply.json?.['task_id']
  if (reply.status < 300 && id.safeParse(taskId).success) noteAccepted(target, taskId as string)
  return reply
}

/** Somebody has said that there is this task: a replica may not know it yet. */
export function noteAccepted({ conversation: { acceptedAt } }: Target, taskId: string): void {
  if (!acceptedAt.has(taskId)) acceptedAt.set(taskId, performance.now())
}

/** A task that was submitted; known as soon as anybody knows its id. */
export interface Started {
  readonly taskId: string
  /** Path of the task, below the mount point. */
  readonly self: string
  readonly answered: Promise<Reply>
}

/**
 * Submit and resolve when the task has begun. A server that holds its answer until the end tells no id before; the tool
 * server does, where it is ours. Throws Undecided where nobody tells.
 */
export async function start(target: Target, key: string, work: Work = {}): Promise<Started> {
  const answered = submit(target, key, target.bodyFor(key, work))
  const watched = new AbortController()
  const seen = target.able.effects && sighting(target, key, watched.signal)
  try {
    const taskId = await Promise.race([answered.then((reply) => acceptedTask(reply).task_id), ...(seen ? [seen] : [])])
    noteAccepted(target, taskId)
    return { taskId, self: pathOf(taskId), answered }
  } finally {
    watched.abort()
    answered.catch(() => {})
  }
}

/** An id is the service's own: it may have any characters. */
export function pathOf(taskId: string): string {
  return `/v1/tasks/${encodeURIComponent(taskId)}`
}

async function sighting(target: Target, key: string, over: AbortSignal): Promise<string> {
  // Most servers answer at once: only of the others the tool server is asked.
  for (let pauseMs = 150; !over.aborted && !target.signal.aborted; pauseMs = 40) {
    await sleep(pauseMs)
    const effect = over.aborted ? undefined : (await target.able.effects!()).find(({ job }) => job === key)
    if (effect) return effect.taskId
  }
  return new Promise(() => {})
}

/** The task in an answer that accepts or shows one. */
export function acceptedTask(reply: Reply): Task {
  const { status, exchange } = reply
  if (status >= 400 && status < 500) throw new Refused(`a submission was refused: ${describe(reply)}`, { exchange })
  if (status !== 200 && status !== 202) throw new Breach(`a valid submission got ${describe(reply)}`, { exchange })
  return taskOf(reply)
}

/** The task in an answer, of the contract's shape; `input` and `type` are the service's own. */
export function taskOf({ json, status, text, exchange }: Reply): Task {
  const parsed = looseTask.safeParse(json)
  if (parsed.success) return json as unknown as Task
  const [issue] = parsed.error.issues
  const where = issue!.path.map(String).join('.') || 'body'
  throw new Breach(`${status} holds no task: ${where}: ${issue!.message}; got ${show(text)}`, { exchange })
}

/** RFC 3339 has offsets too. */
const time = z.iso.datetime({ offset: true })
/** Text that a path can hold, once it is escaped (RFC 3986 3.3 and 5.2.4). */
const id = z.string().refine((text) => !['', '.', '..'].includes(text) && text.isWellFormed(), 'no path can hold it')
const looseTask = taskSchema
  .omit({ type: true, input: true, result: true })
  .extend({
    task_id: id,
    created_at: time,
    updated_at: time,
    finished_at: time.nullish(),
    status_reason: z.string().nullish(),
    principal: z.string().nullish(),
    parent: z.string().nullish(),
    estimated_completion: time.nullish(),
    current_action: z.looseObject({ name: z.string() }).nullish(),
    progress_pct: z.number().min(0).max(100).nullish(),
    credits_used: z.number().min(0).nullish(),
    credits_granted: z.number().min(0).nullish(),
    context_version: z.int().min(1).nullish(),
    links: z.looseObject({ self: z.string() }),
  })
  .loose()
  .refine(({ status, finished_at }) => !isTerminal(status) || (finished_at ?? undefined) !== undefined, {
    path: ['finished_at'],
    message: 'a task that has ended says when',
  })
/** Readers pass over types that they do not know. */
const looseEvent = taskEvent.extend({ type: z.string().min(1), time }).loose()

export async function readTask(target: Target, taskId: string): Promise<Task> {
  const reply = await send(target, pathOf(taskId))
  mustHaveStatus(`GET of task ${taskId}`, reply, 200)
  return taskOf(reply)
}

/** Throws NotApplicable where the service says that it has not kept what is asked for. */
export async function readEvents(target: Target, taskId: string, after = 0): Promise<readonly TaskEvent[]> {
  const reply = await send(target, `${pathOf(taskId)}/events?after=${after}`)
  if (isCutLog(reply)) throw new NotApplicable(partlyKept)
  mustHaveStatus(`the events of ${taskId} after ${after}`, reply, 200)
  return eventsIn(reply)
}

/** Of a log that is kept only in part. */
export const partlyKept = 'it keeps its logs only in part'

/** The log was asked for from before the place from which on it is kept. */
export function isCutLog({ status, json }: Reply): boolean {
  return status === 410 && kindOf(json?.['type']) === 'cursor-expired'
}

/** The events of a page. */
export function eventsIn({ json, text, exchange }: Reply): readonly TaskEvent[] {
  const events = json?.['events']
  if (!Array.isArray(events)) throw new Breach(`a page of events has a list "events"; got ${show(text)}`, { exchange })
  return events.map(eventOf)
}

/** An event of the contract's shape. */
export function eventOf(value: unknown): TaskEvent {
  const parsed = looseEvent.safeParse(value)
  if (parsed.success) return value as TaskEvent
  const [issue] = parsed.error.issues
  throw new Breach(`not an event: ${issue!.path.map(String).join('.')}: ${issue!.message}; got ${show(value)}`)
}

/** Read until the task has ended. */
export async function readEnd(target: Target, taskId: string): Promise<Task> {
  for (;;) {
    const task = await readTask(target, taskId)
    if (isTerminal(task.status)) return task
    await sleep(readEveryMs(target), target.signal)
  }
}

/** What the contract names of a task. `links` are written in another way where a proxy takes off a mount point. */
const named = ['task_id', 'status', 'status_reason', 'version', 'attempt', 'progress_pct', 'current_action'] as const
const alsoNamed = ['credits_used', 'credits_granted', 'context_version', 'parent', 'type', 'input', 'result'] as const
const times = ['created_at', 'updated_at', 'finished_at', 'estimated_completion'] as const

/** Both show one task in one state. Fields that the contract does not name may be of the moment, and are nobody's business. */
export function mustShowSame(what: string, got: object, wanted: Task): void {
  mustBe(what, whatIsNamed(got), whatIsNamed(wanted))
}

function whatIsNamed(shown: Partial<Task>): object {
  // Null is unknown, and so is what is missing.
  const fields = [...named, ...alsoNamed].map((name) => [name, shown[name] ?? undefined])
  return Object.fromEntries([...fields, ...times.map((name) => [name, instantOf(shown[name])])])
}

/** One moment has many spellings (RFC 3339 5.6). */
export function instantOf(text: string | null | undefined): string | undefined {
  if (text === null || text === undefined) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? text : new Date(at).toISOString()
}

/** Of a task that was cancelled: what a step in progress may take that nobody interrupts. */
export function raceMs({ timeScale }: Target): number {
  return Math.max(2_000, 60_000 / timeScale)
}

/** Often enough to lose no time, and seldom enough for a service that counts requests. */
export function readEveryMs({ timeScale }: Target): number {
  return Math.min(1_000, Math.max(100, 1_500 / timeScale))
}

const mostPlaces = 12

/** Places of a log to try: all of a short one, some of a long one, the first and the last among them. */
export function spread<T>(all: readonly T[]): readonly T[] {
  if (all.length <= mostPlaces) return all
  return Array.from({ length: mostPlaces }, (_, i) => all[Math.round((i * (all.length - 1)) / (mostPlaces - 1))]!)
}

/** No task has as many events. */
const longestLog = 100_000

/** The places of a log that ends here: 1 to `last`. Throws Breach for an end that is none. */
export function placesTo(last: number): readonly number[] {
  must(last <= longestLog, `version ${last} is not the seq of a last event`)
  return Array.from({ length: last }, (_, i) => i + 1)
}

/** An event that ends a log. */
export function isEnd({ status }: TaskEvent): boolean {
  return isTerminal(status)
}
