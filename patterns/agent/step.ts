import { request, type Dispatcher } from 'undici'
import { retryAfterMs, type Answer } from '../contract/client/http.ts'
import { meaningOf } from '../contract/client/meaning.ts'
import { faultPoint } from '../contract/engine/fault-point.ts'
import { toolHeader } from '../contract/types/grant.ts'
import { backoffMs, monotonicMs, sleep } from '../contract/types/timer.ts'
import type { Timing } from '../contract/types/timing.ts'
import { stepDigest, stepOf, type AgentPlan } from './plan.ts'

/** Where and for whom a step is performed. */
export interface StepContext {
  readonly taskId: string
  /** The caller's name for the work (`input.job`). */
  readonly job: string
  /** Execution attempt of the task, from 1. */
  readonly attempt: number
  /** Node that performs it. */
  readonly executor: string
  /** Base address of the tool server. */
  readonly toolsUrl: string
  readonly dispatcher: Dispatcher
  readonly timing: Timing
  readonly signal: AbortSignal
  /** What the task may use: a secret, for the tool gateway alone. Absent: nobody asks for it. */
  readonly grant?: string | undefined
  /** What must be before its tool is called, if anything: the step is paid, and it is its turn. */
  readonly beforeTool?: () => Promise<void>
  /** When the step began, in monotonic milliseconds; now by default. */
  readonly startAt?: number
}

export interface StepDone {
  readonly digest: string
  readonly credits: number
}

/** The tool server answered that it will never accept this effect: repeating it would change nothing. */
export class ToolRefusal extends Error {
  override readonly name = 'ToolRefusal'
}

/**
 * Perform one step: work until its end time, then record its effect at the tool server until that is acknowledged. The
 * effect carries `Idempotency-Key: <taskId>/<step>`; a call without an answer is repeated with the same key. The digest
 * takes in the nonce of the acknowledgement. No other party knows it, so only work that was done is right. Rejects with
 * the abort reason, or with ToolRefusal for an answer that is neither 2xx nor says "not yet" (`meaningOf`).
 */
export async function performStep(
  plan: AgentPlan,
  index: number,
  previousDigest: string,
  ctx: StepContext,
): Promise<StepDone> {
  const { kind, durationMs, credits } = stepOf(plan, index)
  const startedAt = ctx.startAt ?? monotonicMs()
  await sleepUntil(startedAt + durationMs, ctx.signal)
  await ctx.beforeTool?.()
  const effect = { task: ctx.job, taskId: ctx.taskId, step: index, attempt: ctx.attempt, executor: ctx.executor }
  const nonce = await recordEffect(kind, { ...effect, startedAt, endedAt: monotonicMs() }, ctx)
  return { digest: stepDigest(previousDigest, plan, index, nonce), credits }
}

/** Body of `POST /effects`. Times are the executor's, in monotonic milliseconds. */
export interface Effect {
  /** The caller's name for the work. */
  readonly task: string
  readonly taskId: string
  readonly step: number
  readonly attempt: number
  readonly executor: string
  readonly startedAt: number
  readonly endedAt: number
}

/** Resolves with the nonce of the acknowledgement, when there is one. */
async function recordEffect(tool: string, effect: Effect, ctx: StepContext): Promise<string> {
  const headers = headersOf(`${effect.taskId}/${effect.step}`, tool, ctx)
  const body = JSON.stringify(effect)
  for (let failures = 0; ; failures++) {
    faultPoint('effect.before')
    const told = await postEffect(headers, body, ctx)
    if (told.nonce !== undefined) {
      faultPoint('effect.after')
      return told.nonce
    }
    await sleep(pauseMs(ctx.timing, failures, told.adviceMs), ctx.signal)
  }
}

/** The tool server's advice is a minimum, up to a cap: executors that were sent away together do not come back together. */
function pauseMs(timing: Timing, failures: number, adviceMs = 0): number {
  const heededMs = adviceMs > 0 ? Math.min(adviceMs, timing.adviceCapMs) + timing.backoffBaseMs * Math.random() : 0
  return Math.max(heededMs, backoffMs(timing, failures, Math.random()))
}

/** The kind of a step is the tool that it calls. */
function headersOf(key: string, tool: string, { grant }: StepContext): Headers {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key }
  return grant === undefined ? headers : { ...headers, authorization: `Bearer ${grant}`, [toolHeader]: tool }
}
type Headers = { readonly 'idempotency-key': string } & Readonly<Record<string, string>>

/** Without a nonce it is worth another try, not before the advice is over. */
interface Told {
  readonly nonce?: string
  readonly adviceMs?: number | undefined
}

/** An answer that was cut off is worth another try too. */
async function postEffect(headers: Headers, body: string, ctx: StepContext): Promise<Told> {
  const answer = await exchangeEffect(headers, body, ctx)
  if (!answer) return {}
  const { status } = answer
  if (status >= 200 && status < 300) return { nonce: nonceIn(answer.text) }
  // It is a submission with a key. What was sent twice at once may be answered 409 for the second: that is no refusal.
  if (status >= 400 && meaningOf('submit', answer) === 'not-yet') return { adviceMs: retryAfterMs(answer) }
  throw new ToolRefusal(`the tool server answered ${status} for ${headers['idempotency-key']}`)
}

/** Undefined: there was no whole answer. */
async function exchangeEffect(headers: Headers, body: string, ctx: StepContext): Promise<Answer | undefined> {
  const { dispatcher, signal, timing } = ctx
  const limits = { headersTimeout: timing.toolTimeoutMs, bodyTimeout: timing.toolTimeoutMs }
  const call = { method: 'POST', headers, body, dispatcher, signal, ...limits } as const
  try {
    const { statusCode, headers: said, body: content } = await request(`${ctx.toolsUrl}/effects`, call)
    return { status: statusCode, header: (name) => said[name]?.toString(), text: await content.text() }
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}

/** A tool server of one's own need not know of nonces: an answer without any has the empty one. */
function nonceIn(answer: string): string {
  try {
    const { nonce } = JSON.parse(answer) as { nonce?: unknown }
    return typeof nonce === 'string' ? nonce : ''
  } catch {
    return ''
  }
}

/** A timer may fire a fraction of a millisecond early; a step may not end early. */
async function sleepUntil(endAt: number, signal: AbortSignal): Promise<void> {
  for (let left = endAt - monotonicMs(); left > 0; left = endAt - monotonicMs()) await sleep(left, signal)
}
