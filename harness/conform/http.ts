import { randomBytes } from 'node:crypto'
import { Agent, request, type Dispatcher } from 'undici'
import { sleep } from '../../patterns/contract/types/timer.ts'
import { taskEvent, type TaskEvent } from '../../patterns/contract/types/events.ts'
import { problem, problemMediaType } from '../../patterns/contract/types/problems.ts'
import { isTerminal, task as taskSchema, type Task } from '../../patterns/contract/types/task.ts'
import { HarnessError } from '../core/errors.ts'
import { strangerIn } from '../core/stranger.ts'
import type { Target, Work } from './case.ts'
import { Breach, must, mustBe, Refused, show, Undecided } from './expect.ts'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** Undefined where the body is not JSON. */
  readonly json: Readonly<Record<string, unknown>> | undefined
}

export interface SendOptions {
  readonly method?: Dispatcher.HttpMethod
  readonly headers?: Readonly<Record<string, string>>
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown
  /** Instead of the target's; null: without. */
  readonly token?: string | null
}

/** Nothing is pooled: a connection that one case left behind cannot answer for another. */
export const dispatcher = new Agent({ pipelining: 0, headersTimeout: 0, bodyTimeout: 0 })

/**
 * One request to an address, or to a path of the target. A server may answer that it cannot do this now. Then it is
 * asked again, as every client does (async-api 5.6).
 */
export async function send(target: Target, place: string, options: SendOptions = {}): Promise<Reply> {
  for (;;) {
    const reply = await exchange(target, place, options)
    if (reply.status !== 503 || !String(reply.json?.['type']).endsWith('/temporary-reduced-capacity')) return reply
    await sleep(target.timing.backoffBaseMs, target.signal)
  }
}

async function exchange(target: Target, place: string, options: SendOptions): Promise<Reply> {
  const { body, method = 'GET' } = options
  const answer = await request(new URL(place, target.url), {
    dispatcher,
    method,
    signal: target.signal,
    headers: {
      ...authorization(options.token === undefined ? target.token : options.token),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.body.text()
  refuseStranger(target, new URL(place, target.url), answer)
  return { status: answer.statusCode, headers: answer.headers, text, json: parse(text) }
}

/** What another run's node answers says nothing about the target. Links and proxies in front of it have addresses of their own. */
function refuseStranger(
  target: Target,
  { origin }: URL,
  { statusCode: status, headers }: Dispatcher.ResponseData,
): void {
  if (target.system === undefined || origin !== new URL(target.url).origin) return
  const who = strangerIn({ status, header: (name) => headers[name]?.toString() }, target.system)
  if (who !== undefined) throw new HarnessError(`${origin} was not answered by ${target.name}: ${who}`)
}

export function authorization(token: string | null | undefined): Record<string, string> {
  return token ? { authorization: `Bearer ${token}` } : {}
}

function parse(text: string): Reply['json'] {
  try {
    return JSON.parse(text) as Reply['json']
  } catch {
    return undefined
  }
}

/** A key that nobody used, readable in the logs of the service. */
export function newKey(about: string): string {
  return `conform-${about}-${randomBytes(6).toString('hex')}`
}

export function submit(target: Target, key: string, body: unknown, base = target.url): Promise<Reply> {
  return send(target, `${base}/v1/tasks`, { method: 'POST', headers: { 'idempotency-key': key }, body })
}

/** A task that was submitted; known as soon as anybody knows its id. */
export interface Started {
  readonly taskId: string
  /** Address of the task, as the contract has it. */
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
    return { taskId, self: `/v1/tasks/${taskId}`, answered }
  } finally {
    watched.abort()
    answered.catch(() => {})
  }
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
  if (reply.status >= 400 && reply.status < 500) throw new Refused(`a submission was refused: ${describe(reply)}`)
  must(reply.status === 200 || reply.status === 202, `a valid submission got ${describe(reply)}`)
  return taskOf(reply)
}

/** The task in an answer, of the contract's shape; `input` and `type` are the service's own. */
export function taskOf({ json, status, text }: Reply): Task {
  const parsed = looseTask.safeParse(json)
  if (parsed.success) return json as unknown as Task
  const [issue] = parsed.error.issues
  throw new Breach(`${status} holds no task: ${issue!.path.join('.') || 'body'}: ${issue!.message}; got ${show(text)}`)
}

const looseTask = taskSchema.omit({ type: true, input: true, result: true }).loose()
const looseEvent = taskEvent.loose()

export async function readTask(target: Target, taskId: string): Promise<Task> {
  const reply = await send(target, `/v1/tasks/${taskId}`)
  mustBe(`GET of task ${taskId}`, reply.status, 200)
  return taskOf(reply)
}

export async function readEvents(target: Target, taskId: string, after = 0): Promise<readonly TaskEvent[]> {
  const reply = await send(target, `/v1/tasks/${taskId}/events?after=${after}`)
  mustBe(`the events of ${taskId} after ${after}`, reply.status, 200)
  const events = reply.json?.['events']
  must(Array.isArray(events), `a page of events has a list "events"; got ${show(reply.text)}`)
  return events.map(eventOf)
}

/** An event of the contract's shape. */
export function eventOf(value: unknown): TaskEvent {
  const parsed = looseEvent.safeParse(value)
  if (parsed.success) return value as TaskEvent
  const [issue] = parsed.error.issues
  throw new Breach(`not an event: ${issue!.path.join('.')}: ${issue!.message}; got ${show(value)}`)
}

/** Read until the task has ended. */
export async function readEnd(target: Target, taskId: string): Promise<Task> {
  for (;;) {
    const task = await readTask(target, taskId)
    if (isTerminal(task.status)) return task
    await sleep(50, target.signal)
  }
}

/** Poll until it holds; the case's own time is the limit. */
export async function until(target: Target, holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5, target.signal)
}

/** An error of the API: problem+json of this status and, where given, this type (RFC 9457). */
export function mustBeProblem(what: string, reply: Reply, status: number, kind: string): void {
  mustBe(`${what}: status`, reply.status, status)
  const mediaType = String(reply.headers['content-type']).split(';')[0]
  mustBe(`${what}: media type`, mediaType, problemMediaType)
  const parsed = problem.safeParse(reply.json)
  must(parsed.success, `${what}: ${show(reply.text)} is no problem document: type, title, status and retryable`)
  mustBe(`${what}: status in the document`, parsed.data.status, status)
  mustBe(`${what}: type`, parsed.data.type.slice(parsed.data.type.lastIndexOf('/') + 1), kind)
}

export function describe({ status, text }: Reply): string {
  return `${status} ${show(text)}`
}

/** Measured on a machine that has other work: no answer is late by less than this. */
export const slackMs = 500

/** An event that ends a log. */
export function isEnd({ status }: TaskEvent): boolean {
  return isTerminal(status)
}

export function undecidedUnless(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Undecided(sentence)
}
