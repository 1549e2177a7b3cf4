import type { Readable } from 'node:stream'
import { Agent, buildConnector, request, type Dispatcher } from 'undici'
import { withoutInterim } from '../../patterns/contract/client/interim.ts'
import { problemMediaType } from '../../patterns/contract/types/problems.ts'
import { sleep, startTimer } from '../../patterns/contract/types/timer.ts'
import { HarnessError } from '../core/errors.ts'
import { placeOf } from './address.ts'
import { isTooDeep } from '../core/json-depth.ts'
import { maskOf } from '../core/masking.ts'
import { strangerIn } from '../core/http.ts'
import type { Target } from './case.ts'
import type { Asked, Exchange } from './conversation.ts'
import { Breach, lostBy, show, Unreached } from './expect.ts'
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
  /** The task was seen there: that this place is not, is the last word. */
  readonly isSeen?: true
}

/** Nothing is pooled: a connection that one case left behind cannot answer for another. */
const connect = withoutInterim(buildConnector({}))
export const dispatcher = new Agent({ pipelining: 0, headersTimeout: 0, bodyTimeout: 0, connect })

/** One request to an address, or to a path of the target. It is repeated while the answer is not the last word. */
export async function send(target: Target, place: string, options: SendOptions = {}): Promise<Reply> {
  const asked = askedFor(target, place, options)
  const ask = () => exchange(target, asked)
  if (options.once) return { ...(await ask()), repeated: 0 }
  const { method, url } = asked
  const isSubmission = method === 'POST' && 'idempotency-key' in asked.headers
  const isSeen = options.isSeen === true
  return patiently(target, { what: `${method} ${url.pathname}`, url, isSubmission, isSeen, ask })
}

/** The request as it goes out. */
export function askedFor(target: Target, place: string, options: SendOptions = {}): Asked {
  const { body, method = 'GET', token = target.token } = options
  const url = placeOf(target, place)
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const headers = {
    ...hostOf(target, url),
    ...authorization(token),
    // Who names no coding takes any (RFC 9110 12.5.3).
    'accept-encoding': 'identity',
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
    const text = withoutToken(target, await textOf(answer))
    refuseStranger(target, url, answer)
    const { statusCode: status } = answer
    const cameWith = headersWithoutToken(target, answer.headers)
    conversation.end(noted, describeCame(status, cameWith, text))
    return {
      status,
      headers: cameWith,
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

/** `text`: undefined where nobody reads the body. */
export function describeCame(status: number, headers: Headers, text?: string): string {
  const mediaType = mediaTypeOf(headers)
  if (mediaType === 'text/event-stream' && status === 200) return '200 and a stream'
  if (text === '') return `${status} and no body`
  return `${status} ${mediaType ?? 'of no media type'}${text === undefined ? '' : `: ${show(text)}`}`
}

/** Of an answer, a stream, or what a socket says: no case makes a service say as much, and one may never end. */
export const mostBytes = 16 * 1024 * 1024

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

/** A problem document is small; of a longer one nothing is taken. */
const mostProblemBytes = 65_536
const problemWithinMs = 5_000

/** The problem (RFC 9457) in a refusal of a stream or a socket; undefined where it is none, or does not come to its end. */
export async function problemIn(headers: Headers, body: Readable): Promise<Reply['json']> {
  const isProblem = mediaTypeOf(headers) === problemMediaType
  using _ = startTimer(() => body.destroy(), isProblem ? problemWithinMs : 0)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if ((bytes += chunk.length) > mostProblemBytes) return undefined
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return isProblem ? parse(Buffer.concat(chunks).toString()) : undefined
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

/** What a service says, as reports may quote it: one that echoes requests says the token. */
export function withoutToken({ token = '' }: Pick<Target, 'token'>, text: string): string {
  return maskOf([{ name: 'OUTLAST_TOKEN', value: token }])(text)
}

export function headersWithoutToken(target: Target, headers: Headers): Headers {
  const shown = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map((one) => withoutToken(target, one)) : value && withoutToken(target, value),
  ])
  return Object.fromEntries(shown) as Headers
}

export function authorization(token: string | null | undefined): Record<string, string> {
  return token ? { authorization: `Bearer ${token}` } : {}
}

/** The value of a JSON text that is an object. */
function parse(text: string): Reply['json'] {
  const value = jsonIn(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Reply['json']) : undefined
}

/** Undefined for what is no JSON, and for what is nested so deeply that nobody can walk it. */
export function jsonIn(text: string): unknown {
  try {
    return isTooDeep(text) ? undefined : (JSON.parse(text) as unknown)
  } catch {
    return undefined
  }
}

/** The status of an answer; a failure names the answer. */
export function mustHaveStatus(what: string, { status, exchange }: Reply, wanted: number): void {
  if (status !== wanted) throw new Breach(`${what}: ${status}, must be ${wanted}`, { exchange })
}

/** Poll until it holds; the case's own time is the limit, and `what` did not come then. */
export async function until(target: Target, what: string, holds: () => boolean): Promise<void> {
  target.conversation.awaited = what
  while (!holds()) await sleep(5, target.signal)
  target.conversation.awaited = undefined
}

export function describe({ status, text }: Reply): string {
  return `${status} ${show(text)}`
}

/** Measured on a machine that has other work: no answer is late by less than this. */
export const slackMs = 500
