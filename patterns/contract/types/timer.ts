import type { Timing } from './timing.ts'

/** Milliseconds on the machine's monotonic clock, to the microsecond, comparable between processes of one host. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

/** The longest that a timer of Node's waits: a longer one ends at once, with no more than a warning. */
export const longestTimerMs = 2 ** 31 - 1

/** Something that is to happen once. Cancelling it twice, or when it has happened, is safe. */
export interface Timer extends Disposable {
  cancel(): void
  /** The process does not stay for it. */
  unref(): Timer
}

/** `act` after `delayMs`, however long that is: what one timer of Node's cannot wait is waited for by several. */
export function startTimer(act: () => void, delayMs: number): Timer {
  let timer: NodeJS.Timeout
  let isHeld = true
  const arm = (leftMs: number): void => {
    const passed = (): void => (leftMs > longestTimerMs ? arm(leftMs - longestTimerMs) : act())
    timer = setTimeout(passed, Math.min(leftMs, longestTimerMs))
    if (!isHeld) timer.unref()
  }
  arm(delayMs)
  const cancel = (): void => clearTimeout(timer)
  const self: Timer = {
    cancel,
    unref: () => {
      isHeld = false
      timer.unref()
      return self
    },
    [Symbol.dispose]: cancel,
  }
  return self
}

/** `AbortSignal.timeout` for any length of time, fractions too. */
export function timeLimit(limitMs: number): AbortSignal {
  const wholeMs = Math.max(0, Math.ceil(limitMs))
  if (wholeMs <= longestTimerMs) return AbortSignal.timeout(wholeMs)
  const over = new AbortController()
  startTimer(() => over.abort(new DOMException('the time is over', 'TimeoutError')), wholeMs).unref()
  return over.signal
}

/**
 * Resolves after `delayMs`, of any length; rejects with the signal's reason. One timer and one listener, both gone when it settles.
 * A caller that does not wait for it hears nothing of it: its rejection is never an unhandled one.
 */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  const over = new Promise<void>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    const onAbort = (): void => {
      timer.cancel()
      reject(signal!.reason as Error)
    }
    const timer = startTimer(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
  over.catch(() => {})
  return over
}

/**
 * The base doubled per failure (`failures` counts from 0), capped, and of that from a half to the whole: two that failed
 * together come back apart, and nobody at once.
 */
export function backoffMs(timing: Timing, failures: number, uniform: number): number {
  return (0.5 + 0.5 * uniform) * Math.min(timing.backoffCapMs, timing.backoffBaseMs * 2 ** Math.min(failures, 30))
}
