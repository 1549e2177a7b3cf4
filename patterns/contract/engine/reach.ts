import { monotonicMs, sleep } from '../types/timer.ts'
import { ProblemError } from '../types/problems.ts'

export interface RetryOptions {
  /** What is called, for the problem: `the task store`. */
  readonly callee: string
  /** How long to try; Infinity for a worker, which has nothing better to do. */
  readonly patienceMs: number
  readonly retryCapMs: number
  /** Pause after the first failure, before jitter; doubled after each. */
  readonly retryBaseMs: number
  readonly isTransient: (error: unknown) => boolean
  readonly signal: AbortSignal
}

/**
 * Call until there is an answer, with full jitter between tries. Throws an error that is not transient as it is, the
 * reason of `signal`, and the problem `temporary-reduced-capacity` when patience is over.
 */
export async function retryUntilReached<T>(call: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { callee, patienceMs, retryCapMs, retryBaseMs, isTransient, signal } = options
  const giveUpAt = monotonicMs() + patienceMs
  for (let failures = 0; ; failures++) {
    signal.throwIfAborted()
    try {
      return await call()
    } catch (error) {
      signal.throwIfAborted()
      if (!isTransient(error)) throw error
      if (monotonicMs() >= giveUpAt)
        throw new ProblemError('temporary-reduced-capacity', `${callee} cannot be reached`, undefined, { cause: error })
    }
    await sleep(Math.random() * Math.min(retryCapMs, retryBaseMs * 2 ** Math.min(failures, 10)), signal)
  }
}
