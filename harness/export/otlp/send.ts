import { Agent, request } from 'undici'
import { describeError } from '../../core/errors.ts'
import { visibleLine } from '../../core/visible.ts'
import { sleep, timeLimit } from '../../../patterns/contract/types/timer.ts'
import type { OtlpTarget } from './target.ts'

/** The body of one request, and the number of spans in it. */
export interface Batch {
  readonly body: string
  readonly spans: number
}

export interface Delivered {
  /** Spans that the collector took. */
  readonly sent: number
  /** Why it did not take all: a clause. */
  readonly problem?: string
}

/** How long all of it may take, and one request; between tries of one batch. All in milliseconds. */
export interface Patience {
  readonly wholeMs: number
  readonly requestMs: number
  readonly pausesMs: readonly number[]
}

/** Ten seconds for a request is the default of every OTLP exporter. */
export const usualPatience: Patience = { wholeMs: 120_000, requestMs: 10_000, pausesMs: [500, 1_000, 2_000] }

/** So much of an answer is read. */
const mostAnswerBytes = 65_536

/**
 * Sends batches one after another over OTLP/HTTP in JSON, so that one at a time is in memory. A batch that could come through later
 * (no connection, 429, 502, 503, 504) is tried again, and the first that cannot be delivered is the last. Never rejects.
 */
export async function sendBatches(
  target: OtlpTarget,
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  signal: AbortSignal,
  patience = usualPatience,
): Promise<Delivered> {
  const limit = timeLimit(patience.wholeMs)
  const agent = new Agent({ maxResponseSize: mostAnswerBytes, connect: { timeout: patience.requestMs } })
  const post = { target, agent, patience, signal: AbortSignal.any([signal, limit]) }
  let [sent, rejected, why]: [number, number, string | undefined] = [0, 0, undefined]
  try {
    for await (const { body, spans } of batches) {
      const answer = await deliver(post, body)
      rejected += answer.spans
      sent += Math.max(0, spans - answer.spans)
      why ??= answer.why
    }
    return { sent, ...(why !== undefined && { problem: `it rejected ${rejected}: ${why}` }) }
  } catch (error) {
    return { sent, problem: reasonOf(error, { signal, limit, patience }) }
  } finally {
    await agent.destroy().catch(() => {})
  }
}

interface Post {
  readonly target: OtlpTarget
  readonly agent: Agent
  readonly patience: Patience
  readonly signal: AbortSignal
}

/** What the collector took in part. */
interface Rejected {
  readonly spans: number
  readonly why?: string
}

/** The collector's own words are no failure of ours. */
class Undelivered extends Error {
  readonly retryMs: number | undefined
  constructor(message: string, retryMs?: number) {
    super(message)
    this.retryMs = retryMs
  }
}

async function deliver(post: Post, body: string): Promise<Rejected> {
  const { pausesMs } = post.patience
  for (let failures = 0; ; failures++) {
    try {
      return await postOnce(post, body)
    } catch (error) {
      const pauseMs = pausesMs[failures]
      const advisedMs = adviceOf(error)
      if (post.signal.aborted || pauseMs === undefined || advisedMs === undefined) throw error
      await sleep(Math.max(pauseMs, Math.min(advisedMs, mostAdvisedMs)), post.signal)
    }
  }
}

/** An advice to come back after the user has left is none. */
const mostAdvisedMs = 10_000

/** Undefined: there is no use in another try. What was not answered in time may have arrived, and would be there twice. */
function adviceOf(error: unknown): number | undefined {
  if (error instanceof Undelivered) return error.retryMs
  return isTimeout(error) ? undefined : 0
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError'
}

/** Answers that ask to come again (OTLP specification, "Retryable Response Codes"). */
const retryable = new Set([429, 502, 503, 504])

async function postOnce({ target, agent, patience, signal }: Post, body: string): Promise<Rejected> {
  const limit = AbortSignal.any([signal, timeLimit(patience.requestMs)])
  const headers = { ...target.headers, 'content-type': 'application/json' }
  const options = { method: 'POST', headers, body, dispatcher: agent, signal: limit } as const
  const answer = await request(target.url, options)
  const text = await answer.body.text()
  const { statusCode } = answer
  if (statusCode >= 200 && statusCode < 300) return rejectedIn(text, target)
  const seconds = Number(answer.headers['retry-after'])
  throw new Undelivered(
    `it answered HTTP ${statusCode}`,
    retryable.has(statusCode) ? (Number.isFinite(seconds) ? seconds * 1000 : 0) : undefined,
  )
}

interface TracesResponse {
  readonly partialSuccess?: { readonly rejectedSpans?: string | number; readonly errorMessage?: string }
}

/** Some collectors say nothing at all with their 200. */
function rejectedIn(text: string, target: OtlpTarget): Rejected {
  if (text.trim() === '') return { spans: 0 }
  const answer = parse(text)
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    throw new Undelivered('it answered HTTP 200, and what came with it is no answer of OTLP')
  const { rejectedSpans = 0, errorMessage = '' } = (answer as TracesResponse).partialSuccess ?? {}
  const spans = Math.max(0, Number(rejectedSpans) || 0)
  return spans > 0 ? { spans, why: quoted(errorMessage, target) } : { spans }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const mostQuoted = 200

/** It may repeat what it was sent, also what is secret. */
function quoted(said: unknown, { headers }: OtlpTarget): string {
  const secrets = Object.values(headers).filter((value) => value !== '')
  const clean = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), visibleLine(String(said)))
  return clean.length > mostQuoted ? `${clean.slice(0, mostQuoted)}...` : clean || 'it does not say why'
}

interface Limits {
  readonly signal: AbortSignal
  readonly limit: AbortSignal
  readonly patience: Patience
}

function reasonOf(error: unknown, { signal, limit, patience }: Limits): string {
  if (signal.aborted) return 'it was interrupted'
  if (limit.aborted) return `it was not done within ${patience.wholeMs / 1000} s`
  if (isTimeout(error)) return `it did not answer within ${patience.requestMs / 1000} s`
  return visibleLine(describeError(error))
}
