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
  /** Since the receiver began to refuse, when it has done nothing else since. Absent: this is no refusal. */
  readonly refusedMs?: number
  /** The reason for the log. */
  readonly detail: string
}

/** Answers of an overloaded receiver. */
const throttles: ReadonlySet<number | undefined> = new Set([429, 502, 504])

/**
 * What is refused once for all: this method, or content of this size or type (RFC 9110, 15.5.6, 15.5.14 to 15.5.16,
 * 15.6.2, 15.6.6; RFC 6585, 5). The next attempt would be the same in all of that.
 */
const permanent: ReadonlySet<number> = new Set([405, 413, 414, 415, 431, 501, 505])

/** A receiver that will never know how. */
export function isPermanent(status: number): boolean {
  return permanent.has(status)
}

/** 4xx that speak of the moment, and not of the request. */
const passing: ReadonlySet<number> = new Set([408, 409, 421, 423, 425, 429])

/** The receiver answered, and does not want this: not authorized, no such place, not valid, moved. */
export function isRefusal(status = 0): boolean {
  return status >= 300 && status < 500 && !passing.has(status)
}

/**
 * What follows the attempt after `failures` failed ones, `elapsedMs` after the first began. Only 2xx is success, a
 * redirect is none. 410 and what is permanent end it at once, refusals once they have lasted `webhookRefusalMs`, and
 * anything else when the horizon is over. `uniform` in [0, 1) is for jitter.
 */
export function decide(
  result: AttemptResult,
  { failures, elapsedMs }: { readonly failures: number; readonly elapsedMs: number },
  timing: Timing,
  uniform: number,
): Decision {
  const { status = 0, blocked, gone, refusedMs = -Infinity, retryAfterMs = 0 } = result
  // Too large, but only for now (RFC 9110, 15.5.14).
  const isTimed = status === 413 && result.retryAfterMs !== undefined
  if (isSuccess(result)) return { next: 'delivered' }
  if (blocked) return { next: 'dead', reason: 'blocked' }
  if (status === 410 || gone) return { next: 'dead', reason: 'gone' }
  if (isPermanent(status) && !isTimed) return { next: 'dead', reason: 'refused' }
  const rung = failures + (throttles.has(status) ? 1 : 0)
  const ownMs = ladderMs(rung, timing, uniform)
  // A receiver may ask for more time than the ladder gives, up to its top: it must not park us for ever.
  const delayMs = Math.max(ownMs, Math.min(retryAfterMs, timing.webhookRetryCapMs))
  if (refusedMs + ownMs > timing.webhookRefusalMs) return { next: 'dead', reason: 'refused' }
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
