import type { Rate } from '../types/settings.ts'

/** What somebody has left, as it was at `atMs`. */
export interface Bucket {
  readonly tokens: number
  readonly atMs: number
}

export interface Drawn {
  readonly bucket: Bucket
  /** There was a token, and it is gone now. */
  readonly isTaken: boolean
  /** Whole tokens that are left. */
  readonly left: number
  /** Until there is one more; 0 where the bucket is full. */
  readonly nextMs: number
}

/** Sums of fractions: nobody is refused for a millionth of a token. */
const rounding = 1e-6

/** Take a token at `nowMs`, of any clock. Undefined: a bucket that is full. A clock that goes back adds nothing. */
export function draw(bucket: Bucket | undefined, { perSecond, burst }: Rate, nowMs: number): Drawn {
  const before = bucket ?? { tokens: burst, atMs: nowMs }
  const atMs = Math.max(before.atMs, nowMs)
  const filled = Math.min(burst, before.tokens + ((atMs - before.atMs) * perSecond) / 1000)
  const isTaken = filled > 1 - rounding
  const tokens = isTaken ? Math.max(0, filled - 1) : filled
  const left = Math.floor(tokens + rounding)
  const nextMs = left >= burst ? 0 : Math.max(0, ((left + 1 - tokens) * 1000) / perSecond)
  return { bucket: { tokens, atMs }, isTaken, left, nextMs }
}
