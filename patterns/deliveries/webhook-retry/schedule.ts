import type { Decision } from '../../contract/types/callback.ts'
import type { Timing } from '../../contract/types/timing.ts'

/** What one attempt came to: an answer, or none. */
export interface AttemptResult {
  /** Absent: no answer. */
  readonly status?: number
  readonly retryAfterMs?: number
  /** Never dialled: the address is one that callbacks may not go to. */
  readonly blocked?: boolean
  /** Not dialled either: the endpoint had said that it is gone. */
  readonly gone?: boolean
  /** The reason for the log. */
  readonly detail: string
}

/** Answers of an overloaded receiver. */
const throttles: ReadonlySet<number | undefined> = new Set([429, 502, 504])

/**
 * What follows the attempt after `failures` failed ones, `elapsedMs` after the first began. Only 2xx is success, a
 * redirect is none; 410 ends it at once, anything else when the horizon is over. `uniform` in [0, 1) is for jitter.
 */
export function decide(
  result: AttemptResult,
  failures: number,
  elapsedMs: number,
  timing: Timing,
  uniform: number,
): Decision {
  const { status = 0, blocked, gone, retryAfterMs = 0 } = result
  if (isSuccess(result)) return { next: 'delivered' }
  if (blocked) return { next: 'dead', reason: 'blocked' }
  if (status === 410 || gone) return { next: 'dead', reason: 'gone' }
  const rung = failures + (throttles.has(status) ? 1 : 0)
  // A receiver may ask for more time than the ladder gives, up to its top: it must not park us for ever.
  const delayMs = Math.max(ladderMs(rung, timing, uniform), Math.min(retryAfterMs, timing.webhookRetryCapMs))
  if (elapsedMs + delayMs > timing.webhookHorizonMs) return { next: 'dead', reason: 'horizon' }
  return { next: 'retry', delay_ms: Math.round(delayMs) }
}

/** 2xx and nothing else. */
export function isSuccess({ status = 0 }: AttemptResult): boolean {
  return status >= 200 && status < 300
}

/** Doubled per failure, capped, and 20 % to either side: those who failed together do not come back together. */
function ladderMs(failures: number, timing: Timing, uniform: number): number {
  const stepMs = Math.min(timing.webhookRetryCapMs, timing.webhookRetryBaseMs * 2 ** Math.min(failures, 30))
  return stepMs * (0.8 + 0.4 * uniform)
}

/** `Retry-After` in milliseconds from `nowMs`: whole seconds or a date (RFC 9110); undefined for anything else. */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const atMs = /^[A-Z][a-z]+, /.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
}
