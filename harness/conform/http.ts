import { randomBytes } from 'node:crypto'
import { Agent, request, type Dispatcher } from 'undici'
import { z } from 'zod'
import { sleep } from '../../patterns/contract/types/timer.ts'
import { taskEvent, type TaskEvent } from '../../patterns/contract/types/events.ts'
import { problemMediaType } from '../../patterns/contract/types/problems.ts'
import { isTerminal, task as taskSchema, type Task } from '../../patterns/contract/types/task.ts'
import { HarnessError } from '../core/errors.ts'
import { placeOf } from './address.ts'
import { strangerIn } from '../core/http.ts'
import type { Target, Work } from './case.ts'
import type { Asked, Exchange } from './conversation.ts'
import { Breach, lostBy, Refused, show, Undecided, Unreached } from './expect.ts'
import { mediaTypeOf } from './headers.ts'
import { patiently, type Headers } from './patience.ts'

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Undefined where the body is no JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined
  /** From the last time that it was asked to the end of the answer. */
  readonly tookMs: number
  /** How often it was asked again before this answer. */
  readonly repeated: number
  readonly exchange: Exchange
}

export interface SendOptions {
  readonly method?: Dispatcher.HttpMethod
  readonly headers?: Readonly<Record<string, string>>
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown
  /** Instead of the target's; null: without. */
  readonly token?: string | null
  /** The first answer is wanted, whatever it is. */
  readonly once?: true
}

/** Nothing is pooled: a connection that one case left behind cannot answer for another. */
export const dispatcher = new Agent({ pipelining: 0, headersTimeout: 0, bodyTimeout: 0 })

/** One request to an address, or to a path of the target. It is repeated while the answer is not the last word. */
export async function send(target: Target, place: string, options: SendOptions = {}): Promise<Reply> {
  const asked = askedFor(target, place, options)
  const ask = () => exchange(target, asked)
  if (options.once) return { ...(await ask()), repeated: 0 }
  const { method, url } = asked
  const isSubmission = method === 'POST' && 'idempotency-key' in asked.headers
  return patiently(target, { what: `${method} ${url.pathname}`, url, isSubmission, ask })
}

/** The request as it goes out. */
export function askedFor(target: Target, place: string, options: SendOptions = {}): Asked {
  const { body, method = 'GET', token = target.token } = options
  const url = placeOf(target, place)
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const headers = {
    ...hostOf(target, url),
    ...authorization(token),
    ...(text !== undefined && { 'content-type': 'application/json' }),
    ...options.headers,
  }
  return { method, url, headers, body: text }
}

/** Through a link of ours it is asked by its own name: it may be one of many behind an address. */
function hostOf(target: Target, { origin, host }: URL): Record<string, string> {
  const own = new URL(target.url)
  const isLink = origin !== own.origin && host.startsWith('127.')
  return isLink ? { host: own.host } : {}
}

type Once = Omit<Reply, 'repeated'>

async function exchange(target: Target, asked: Asked): Promise<Once> {
  const { conversation } = target
  const noted = conversation.begin(asked)
  const began = performance.now()
  try {
    const { method, url, headers, body } = asked
    const how = { dispatcher, method: method as Dispatcher.HttpMethod, signal: target.signal, headers }
    const answer = await request(url, { ...how, ...(body !== undefined && { body }) })
    const text = await textOf(answer)
    refuseStranger(target, url, answer)
    const { statusCode: status } = answer
    conversation.end(noted, describeCame(status, answer.headers, text))
    return {
      status,
      headers: answer.headers,
      text,
      json: parse(text),
      tookMs: performance.now() - began,
      exchange: noted,
    }
  } catch (error) {
    throw lost(target, noted, error)
  }
}

/** What is thrown where there is no answer: a breach, unless the case is over or the fault is ours. */
export function lost(target: Target, noted: Exchange, error: unknown): Error {
  target.signal.throwIfAborted()
  const reason = lostBy(error)
  const { method, url } = noted.asked
  if (reason === undefined) return error as Error
  target.conversation.end(noted, `no answer: ${reason}`)
  return new Unreached(`${method} ${url.pathname} got no answer: ${reason}`, { exchange: noted })
}

export function describeCame(status: number, headers: Headers, text: string): string {
  const body = text === '' ? 'and no body' : `${mediaTypeOf(headers) ?? 'of no media type'}: ${show(text)}`
  return `${status} ${body}`
}

const mostBytes = 16 * 1024 * 1024

/** A service may answer without an end. */
async function textOf({ body, headers }: Dispatcher.ResponseData): Promise<string> {
  if (mediaTypeOf(headers) === 'text/event-stream') {
    // A stream where none was wanted has no end to wait for.
    body.on('error', () => {}).destroy()
    return ''
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) throw new Breach(`an answer has more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
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

/** The value of a JSON text that is an object. */
function parse(text: string): Reply['json'] {
  const value = jsonIn(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Reply['json']) : undefined
}

/** Undefined for what is no JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** A key that nobody used, readable in the logs of the service. */
export function newKey(about: string): string {
  return `conform-${about}-${randomBytes(6).toString('hex')}`
}

export async function submit(target: Target, key: string, body: unknown, base = ''): Promise<Reply> {
  const headers = { 'idempotency-key': key }
  const reply = await send(target, `${base}/v1/tasks`, { method: 'POST', headers, body })
  const taskId = reply.json?.['task_id']
  if (reply.status < 300 && typeof taskId === 'string') noteAccepted(target, taskId)
  return reply
}

function noteAccepted({ conversation: { acceptedAt } }: Target, taskId: string): void {
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
const looseTask = taskSchema
  .omit({ type: true, input: true, result: true })
  .extend({
    created_at: time,
    updated_at: time,
    finished_at: time.optional(),
    estimated_completion: time.nullish(),
    current_action: z.looseObject({ name: z.string() }).nullish(),
    progress_pct: z.number().min(0).max(100).nullish(),
    credits_used: z.number().min(0).optional(),
    links: z.looseObject({ self: z.string() }),
  })
  .loose()
  .refine(({ status, finished_at }) => !isTerminal(status) || finished_at !== undefined, {
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

/** The status of an answer; a failure names the answer. */
export function mustHaveStatus(what: string, { status, exchange }: Reply, wanted: number): void {
  if (status !== wanted) throw new Breach(`${what}: ${status}, must be ${wanted}`, { exchange })
}

export async function readEvents(target: Target, taskId: string, after = 0): Promise<readonly TaskEvent[]> {
  const reply = await send(target, `${pathOf(taskId)}/events?after=${after}`)
  mustHaveStatus(`the events of ${taskId} after ${after}`, reply, 200)
  return eventsIn(reply)
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

/** Often enough to lose no time, and seldom enough for a service that counts requests. */
function readEveryMs({ timeScale }: Target): number {
  return Math.min(1_000, Math.max(50, 1_500 / timeScale))
}

/** Poll until it holds; the case's own time is the limit. */
export async function until(target: Target, holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5, target.signal)
}

/**
 * An error of the API: problem+json of this status and, where given, this type. RFC 9457 leaves out any member; the
 * contract names the types.
 */
export function mustBeProblem(what: string, reply: Reply, status: number, kind: string): void {
  const { exchange, json, text } = reply
  const wrong = problemWrong(reply, status, kind)
  if (wrong !== undefined) throw new Breach(`${what}: ${wrong}${json ? '' : `; got ${show(text)}`}`, { exchange })
}

function problemWrong(reply: Reply, status: number, kind: string): string | undefined {
  const { type = 'about:blank', status: own = status, title = '', retryable = false } = reply.json ?? {}
  if (reply.status !== status) return `status: ${reply.status}, must be ${status}`
  const mediaType = mediaTypeOf(reply.headers)
  if (mediaType !== problemMediaType) return `media type: ${show(mediaType)}, must be ${show(problemMediaType)}`
  if (reply.json === undefined) return 'no problem document, which is a JSON object (RFC 9457)'
  if (own !== status) return `status in the document: ${show(own)}, must be ${status}`
  if (typeof title !== 'string') return `title: ${show(title)}, must be a string`
  if (typeof retryable !== 'boolean') return `retryable: ${show(retryable)}, must be true or false`
  if (kindOf(type) !== kind) return `type: ${show(type)}, must end in ${show(kind)}`
  return undefined
}

/** The last part of a problem's type. */
export function kindOf(type: unknown): string | undefined {
  return typeof type === 'string' ? type.slice(type.lastIndexOf('/') + 1) : undefined
}

export function describe({ status, text }: Reply): string {
  return `${status} ${show(text)}`
}

const mostPlaces = 12

/** Places of a log to try: all of a short one, some of a long one, the first and the last among them. */
export function spread<T>(all: readonly T[]): readonly T[] {
  if (all.length <= mostPlaces) return all
  return Array.from({ length: mostPlaces }, (_, i) => all[Math.round((i * (all.length - 1)) / (mostPlaces - 1))]!)
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
