import type { Timing } from './timing.ts'

/** Full jitter: uniform between 0 and the base doubled per failure, capped (`failures` counts from 0). */
export function backoffMs(timing: Timing, failures: number, uniform: number): number {
  return uniform * Math.min(timing.backoffCapMs, timing.backoffBaseMs * 2 ** Math.min(failures, 30))
}

/** Answers that say "not now" rather than "no". */
export function isRetryable(httpStatus: number): boolean {
  return httpStatus === 408 || httpStatus === 425 || httpStatus === 429 || httpStatus >= 500
}
