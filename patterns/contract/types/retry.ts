import { startTimer } from './timer.ts'
import type { Timing } from './timing.ts'

/** Milliseconds on the machine's monotonic clock, with microsecond digits; comparable between processes of one host. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

/** Full jitter: uniform between 0 and the base doubled per failure, capped (`failures` counts from 0). */
export function backoffMs(timing: Timing, failures: number, uniform: number): number {
  return uniform * Math.min(timing.backoffCapMs, timing.backoffBaseMs * 2 ** Math.min(failures, 30))
}

/** Answers that say "not now" rather than "no". */
export function isRetryable(httpStatus: number): boolean {
  return httpStatus === 408 || httpStatus === 425 || httpStatus === 429 || httpStatus >= 500
}

/**
 * Resolves after `delayMs`, of any length; rejects with the abort reason. One timer and one listener, both gone when it settles.
 * Whoever goes on without waiting for it hears nothing of it: its rejection is never an unhandled one.
 */
export function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  const over = new Promise<void>((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    const onAbort = (): void => {
      timer.cancel()
      reject(signal.reason as Error)
    }
    const timer = startTimer(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  over.catch(() => {})
  return over
}
