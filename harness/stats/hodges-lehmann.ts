import { defaultConfidence, type Interval } from './intervals.ts'
import { walshCut } from './signed-rank.ts'

export interface Shift {
  readonly shift: number
  /** Distribution-free, for differences that are symmetric about their centre; absent with fewer than six at 95 %. */
  readonly interval?: Interval
}

/**
 * The Hodges-Lehmann estimate (1963) of the centre of paired differences, with the interval of the signed-rank test. It
 * is the median of all averages of two differences (Walsh averages). Never makes the n(n+1)/2 averages. Undefined for
 * no difference.
 */
export function hodgesLehmann(differences: readonly number[], confidence = defaultConfidence): Shift | undefined {
  const n = differences.length
  if (n === 0) return undefined
  if (!differences.every(Number.isFinite)) throw new RangeError('differences are finite numbers')
  const ascending = differences.toSorted((a, b) => a - b)
  const m = (n * (n + 1)) / 2
  const at = (rank: number): number => walshAverage(ascending, rank)
  const shift = (at(Math.floor((m + 1) / 2)) + at(Math.ceil((m + 1) / 2))) / 2
  const cut = walshCut(n, confidence)
  return { shift, ...(cut >= 0 && { interval: [at(cut + 1), at(m - cut)] as const }) }
}

/** The `rank`-th smallest Walsh average, from 1: by bisection over how many are no larger. */
function walshAverage(ascending: readonly number[], rank: number): number {
  let [low, high] = [ascending[0]!, ascending.at(-1)!]
  if (countUpTo(ascending, low) >= rank) return low
  // `low` has too few below it, `high` has enough.
  for (let i = 0; i < 200; i++) {
    const middle = low + (high - low) / 2
    if (middle <= low || middle >= high || high - low < resolution(low, high)) break
    if (countUpTo(ascending, middle) >= rank) high = middle
    else low = middle
  }
  return high
}

function resolution(low: number, high: number): number {
  return 1e-12 * Math.max(1e-6, Math.abs(low), Math.abs(high))
}

/** How many averages of two, each with itself too, are no larger: one walk from both ends. */
function countUpTo(ascending: readonly number[], limit: number): number {
  let count = 0
  let last = ascending.length - 1
  for (let first = 0; first < ascending.length; first++) {
    while (last >= 0 && (ascending[first]! + ascending[last]!) / 2 > limit) last--
    if (last < first) break
    count += last - first + 1
  }
  return count
}
