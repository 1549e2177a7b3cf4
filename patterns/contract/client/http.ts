import { request, type Dispatcher } from 'undici'
import { problemMediaType } from '../types/problems.ts'
import { isPosition, isStatus, type Task } from '../types/task.ts'
import { startTimer } from '../types/timer.ts'

export interface Call {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Record<string, string>
  readonly body?: string
}

export interface Answer {
  readonly status: number
  /** What it was, where it was no answer of HTTP but means what one of this status does. */
  readonly name?: string
  readonly header: (name: string) => string | undefined
  readonly text: string
}

/**
 * No request leaves it to the server: without these it may choose any representation, and any coding of it (RFC 9110, 12.5.1
 * and 12.5.3), and no coding is undone here.
 */
export const uncoded = { 'accept-encoding': 'identity' } as const
const acceptable = { accept: `application/json, ${problemMediaType}`, ...uncoded }

/** No answer within the limit that the caller set. */
export class CallTimeout extends Error {
  override readonly name = 'CallTimeout'
}

/**
 * One HTTP exchange within `limitMs`, connecting and reading included. Any status is an answer.
 * Rejects with CallTimeout, with the connection's error, or with the signal's reason.
 */
export async function exchange(
  dispatcher: Dispatcher,
  call: Call,
  limitMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  signal.throwIfAborted()
  const own = new AbortController()
  const onAbort = (): void => own.abort(signal.reason)
  using _ = startTimer(() => own.abort(new CallTimeout(`no answer within ${Math.round(limitMs)} ms`)), limitMs)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const { url, ...options } = call
    const limits = { headersTimeout: 0, bodyTimeout: 0, signal: own.signal }
    const asked = { ...options, headers: { ...acceptable, ...call.headers } }
    const { statusCode, headers, body } = await request(url, { ...asked, ...limits, dispatcher })
    const header = (name: string): string | undefined => headers[name]?.toString()
    return { status: statusCode, header, text: await body.text() }
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

const refusals = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** True when no byte of the request can have reached the server, since there was no connection: it was not done. */
export function neverSent(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException
  // A connection that stood can fail by some of these codes too: what was reading or writing had sent.
  return syscall === undefined ? refusals.has(code ?? '') : syscall === 'connect' || syscall === 'getaddrinfo'
}

/** What an error says, in one line. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, message } = error as { readonly code?: unknown; readonly message: string }
  // A DOMException, as an abort is, has a number.
  return typeof code === 'string' && !message.includes(code) ? `${code}: ${message}` : message || error.name
}

/**
 * How long the server asks to wait: `Retry-After`, or `Retry-After-Ms` where it is a finer reading of that. They differ by more
 * than a second where a proxy has set its own. A date is later than the answer's own by the server's clock: ours may differ.
 */
export function retryAfterMs({ header }: Pick<Answer, 'header'>): number | undefined {
  const sentAtMs = Date.parse(header('date') ?? '')
  const advisedMs = readRetryAfter(header('retry-after'), Number.isNaN(sentAtMs) ? Date.now() : sentAtMs)
  const exactMs = longest(partsOf(header('retry-after-ms')).map(numberIn))
  if (exactMs === undefined) return advisedMs
  return advisedMs === undefined || Math.abs(advisedMs - exactMs) <= 1000 ? exactMs : advisedMs
}

/**
 * `Retry-After` in milliseconds from `nowMs`: seconds, or a date in any of its three forms (RFC 9110, 10.2.3 and 5.6.7), the most
 * of several; undefined for anything else.
 */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  return longest(partsOf(header).map((part) => secondsIn(part) ?? untilDate(part, nowMs)))
}

/** Lines of one name are one list (RFC 9110, 5.3). The comma behind the day of a date ends no part of it. */
function partsOf(header = ''): readonly string[] {
  return header.split(/(?<!\b[A-Z][a-z]{2,8}),/).map((part) => part.trim())
}

function secondsIn(part: string): number | undefined {
  const seconds = numberIn(part)
  return seconds === undefined ? undefined : seconds * 1000
}

function numberIn(part: string): number | undefined {
  return /^\d{1,15}(\.\d+)?$/.test(part) ? Number(part) : undefined
}

function untilDate(part: string, nowMs: number): number | undefined {
  if (!/^[A-Z][a-z]+,? /.test(part)) return undefined
  // The oldest form names no zone, and is in this one too.
  const atMs = Date.parse(part.endsWith(' GMT') ? part : `${part} GMT`)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
}

function longest(delaysMs: readonly (number | undefined)[]): number | undefined {
  const known = delaysMs.filter((delayMs) => delayMs !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

/** The media type alone, without parameters and in lower case: it is the same in any (RFC 9110, 8.3.1). */
export function mediaTypeOf(contentType = ''): string {
  return contentType.split(';', 1)[0]!.trim().toLowerCase()
}

/** The JSON of an answer, or undefined when it is none. */
export function jsonOf(answer: Answer): unknown {
  try {
    return JSON.parse(answer.text)
  } catch {
    return undefined
  }
}

/**
 * The task in an answer that is a success, whichever: another service may say 201 (Created), and a proxy that transforms 203.
 * Undefined for an answer that holds none: also one with a state or a version that no task has.
 */
export function taskOf(answer: Answer): Task | undefined {
  if (answer.status < 200 || answer.status >= 300) return undefined
  const value = jsonOf(answer) as Partial<Task> | null | undefined
  if (typeof value?.task_id !== 'string' || !isStatus(value.status)) return undefined
  const digest: unknown = value.result?.digest ?? ''
  return isPosition(value.version) && typeof digest === 'string' ? (value as Task) : undefined
}

/** Address of a task. Its id is the service's own text, and may be none that an address takes as it is. */
export function taskAddress(apiUrl: string, taskId: string): string {
  return `${apiUrl}/v1/tasks/${encodeURIComponent(taskId)}`
}

export function authorization({ token }: { readonly token: string }): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

/** What every request about a job carries: who asks, and which trace it belongs to. */
export function commonHeaders({ job, ports }: About): Record<string, string> {
  return { ...authorization(ports), ...traceOf(job) }
}

/** The trace that a job's requests belong to, where there is one. */
export function traceOf({ traceparent }: About['job']): Record<string, string> {
  return traceparent === undefined ? {} : { traceparent }
}

interface About {
  readonly job: { readonly traceparent?: string }
  readonly ports: { readonly token: string }
}
