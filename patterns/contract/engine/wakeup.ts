import { sleep } from '../types/timer.ts'

/** Wakes one sleeper. A notification before a wait ends it at once, so that none is missed. */
export class Wakeup {
  #notified = false
  #wake = (): void => {}

  notify(): void {
    this.#notified = true
    this.#wake()
  }

  /** Until a notification, or for `mostMs`. Rejects with the signal's reason. */
  async wait(mostMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const wake = (): void => this.#wake()
    signal?.addEventListener('abort', wake, { once: true })
    if (!this.#notified)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, mostMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    this.#notified = false
    signal?.removeEventListener('abort', wake)
    signal?.throwIfAborted()
  }
}

/** Until `settled` is, or for `mostMs`. Rejects as `settled` does. */
export async function within(mostMs: number, settled: Promise<unknown>): Promise<void> {
  const enough = new AbortController()
  const limit = sleep(mostMs, enough.signal).catch(() => {})
  await Promise.race([settled, limit]).finally(() => enough.abort(new Error('settled')))
}
