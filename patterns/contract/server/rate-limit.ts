import type { Context } from 'hono'
import { ProblemError } from '../types/problems.ts'
import type { Rate } from '../types/settings.ts'
import { monotonicMs } from '../types/timer.ts'
import { setRetryAfter } from './http-manners.ts'
import { type Bucket, draw, type Drawn } from './token-bucket.ts'

/** Principals whose buckets are kept. Whoever has not asked for longest is forgotten, and begins with a full one. */
const mostKept = 10_000

/**
 * A bucket per principal, in this node alone: the limit of a system is this times its API nodes. Every answer about a known
 * caller says how many requests are left, and when there is one more (draft-ietf-httpapi-ratelimit-headers-11). In real
 * time, whatever the time scale.
 */
export function limitRate(rate: Rate | undefined, now = monotonicMs) {
  const buckets = new Map<string, Bucket>()
  const policy = rate && policyOf(rate)
  return async (c: Context, next: () => Promise<void>): Promise<void> => {
    // Nobody we know: refused before, or asking what can be asked.
    const caller = c.get('caller')
    if (!rate || !policy || !caller) return next()
    const drawn = draw(buckets.get(caller.principal), rate, now())
    keep(buckets, caller.principal, drawn.bucket)
    c.header('RateLimit-Policy', policy)
    c.header('RateLimit', describe(drawn))
    if (drawn.isTaken) return next()
    setRetryAfter(c, Math.ceil(drawn.nextMs))
    throw new ProblemError(
      'rate-limited',
      `no more than ${rate.burst} at once; Retry-After says when one more may come`,
    )
  }
}

/** The last in the map is the one who asked last. */
function keep(buckets: Map<string, Bucket>, principal: string, bucket: Bucket): void {
  buckets.delete(principal)
  buckets.set(principal, bucket)
  if (buckets.size > mostKept) buckets.delete(buckets.keys().next().value!)
}

/** A structured field (RFC 9651): the quota `q` comes back within a window of `w` seconds. */
function policyOf({ perSecond, burst }: Rate): string {
  return `"requests";q=${burst};w=${Math.ceil(burst / perSecond)}`
}

/** Likewise: `r` are left, and in `t` seconds there is one more. */
function describe({ left, nextMs }: Drawn): string {
  return `"requests";r=${left}${nextMs > 0 ? `;t=${Math.ceil(nextMs / 1000)}` : ''}`
}
