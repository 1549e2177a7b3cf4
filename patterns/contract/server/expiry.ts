import { startTimer } from '../types/timer.ts'
import type { Caller } from './caller.ts'

/**
 * `act` once the token ends with which something was opened: when its `exp` passes. Where that has passed already, and the token
 * was taken since clocks differ, when nobody takes it any more. Disposing gives it up.
 */
export function whenTokenEnds({ expiresAt, endsAt }: Caller, act: () => void): Disposable {
  const now = Date.now()
  const at = expiresAt > now ? expiresAt : endsAt
  if (at === Infinity) return { [Symbol.dispose]: () => {} }
  return startTimer(act, Math.max(0, at - now)).unref()
}
