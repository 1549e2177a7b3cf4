import { sleep } from '../types/retry.ts'

/** A sleeper that can be woken: rings before and during a wait both end it, so that none is missed. */
export interface Alarm {
  ring(): void
  /** Until somebody rings, or for `mostMs`. */
  wait(mostMs: number): Promise<void>
}

export function alarm(): Alarm {
  let rung = false
  let wake = (): void => {}
  return {
    ring: () => {
      rung = true
      wake()
    },
    wait: async (mostMs) => {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, mostMs)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      rung = false
    },
  }
}

/** Until `settled` is, or for `mostMs`. Rejects as `settled` does. */
export async function within(mostMs: number, settled: Promise<unknown>): Promise<void> {
  const enough = new AbortController()
  const limit = sleep(mostMs, enough.signal).catch(() => {})
  await Promise.race([settled, limit]).finally(() => enough.abort(new Error('settled')))
}
