import { checkConfidence, defaultConfidence, type Interval } from './intervals.ts'
import { binomialCdf } from './special.ts'

/**
 * The smallest value that at least the share `q` of all values does not exceed (nearest rank, no interpolation).
 * Infinity is a value like any other: what never came counts as later than everything. Undefined for no values.
 * Throws RangeError for a value that is NaN, or a share outside [0, 1].
 */
export function quantile(values: readonly number[], q: number): number | undefined {
  return sortedQuantile(sorted(values), q)
}

/** The same for values in ascending order. */
export function sortedQuantile(ascending: readonly number[], q: number): number | undefined {
  if (!(q >= 0 && q <= 1)) throw new RangeError(`there is no ${q} quantile`)
  return ascending[Math.max(0, Math.ceil(q * ascending.length - 1e-9) - 1)]
}

/** Ascending. Throws RangeError for NaN, which has no place. */
export function sorted(values: readonly number[]): readonly number[] {
  if (values.some(Number.isNaN)) throw new RangeError('NaN has no place among values in order')
  return values.toSorted((a, b) => a - b)
}

/** Distribution-free interval by two order statistics (exact binomial); none below `smallestForQuantile` values. */
export function quantileInterval(
  values: readonly number[],
  q: number,
  confidence = defaultConfidence,
): Interval | undefined {
  const n = values.length
  if (n < smallestForQuantile(q, confidence)) return undefined
  const tail = (1 - confidence) / 2
  const ascending = sorted(values)
  const [low, high] = enclosingRanks(n, q, tail)
  return [ascending[low - 1]!, ascending[high - 1]!]
}

/** Values needed before a quantile has a distribution-free interval: 6 for p50, 72 for p95, 368 for p99 at 95 %. */
export function smallestForQuantile(q: number, confidence = defaultConfidence): number {
  checkConfidence(confidence)
  if (!(q > 0 && q < 1)) throw new RangeError(`the ${q} quantile has no interval that needs no assumption`)
  return Math.ceil(Math.log((1 - confidence) / 2) / Math.log(Math.max(q, 1 - q)))
}

/** Ranks from 1: the largest with P(X < rank) <= tail, and the smallest with P(X >= rank) <= tail. */
function enclosingRanks(n: number, q: number, tail: number): readonly [number, number] {
  const low = lastWhere(1, n, (rank) => binomialCdf(rank - 1, n, q) <= tail)
  const high = lastWhere(1, n, (rank) => 1 - binomialCdf(rank - 1, n, q) > tail) + 1
  return [low, Math.min(high, n)]
}

function lastWhere(from: number, to: number, holds: (rank: number) => boolean): number {
  let [low, high] = [from, to]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (holds(middle)) low = middle
    else high = middle - 1
  }
  return low
}
