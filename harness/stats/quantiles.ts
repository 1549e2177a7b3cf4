import { checkConfidence, defaultConfidence, type Interval } from './intervals.ts'
import { binomialCdf } from './special.ts'
import { type Firings, fewestEpisodes, intervalOverEpisodes } from './episodes.ts'

/**
 * The smallest value that at least the share `q` of all values does not exceed (nearest rank, no interpolation).
 * Infinity is a value like any other: what never came counts as later than everything. Undefined for no values.
 * Throws RangeError for a value that is NaN, or a share outside [0, 1].
 */
export function quantile(values: readonly number[], q: number): number | undefined {
  return sortedQuantile(sorted(values), q)
}

/** The same for values in ascending order. */
export function sortedQuantile(ascending: ArrayLike<number>, q: number): number | undefined {
  if (!(q >= 0 && q <= 1)) throw new RangeError(`there is no ${q} quantile`)
  return ascending[Math.max(0, Math.ceil(q * ascending.length - 1e-9) - 1)]
}

/** Ascending. Throws RangeError for NaN, which has no place. */
export function sorted(values: readonly number[]): ArrayLike<number> {
  const ascending = new Float64Array(values).sort()
  // NaN comes last.
  if (Number.isNaN(ascending.at(-1))) throw new RangeError('NaN has no place among values in order')
  return ascending
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

export interface SharedValues {
  readonly alone: readonly number[]
  readonly episodes: readonly (readonly number[])[]
}

/**
 * Interval of a quantile where values share faults and so are not independent. It is all x at which
 * `intervalOverEpisodes`, for the share of values up to x, contains `q`. Without a shared fault it is the interval of
 * order statistics. Undefined with too few values, or with one to four shared faults.
 */
export function quantileOverEpisodes(
  { alone, episodes }: SharedValues,
  q: number,
  firings: Firings,
  confidence = defaultConfidence,
): Interval | undefined {
  const values = [alone, ...episodes].flat()
  const all = sorted(values)
  const shared = episodes.filter(({ length }) => length > 1).map(sorted)
  if (shared.length === 0) return quantileInterval(values, q, confidence)
  checkConfidence(confidence)
  if (shared.length < fewestEpisodes) return undefined
  const shareUpTo = (x: number): Interval => {
    const sizes = shared.map((some) => ({ n: some.length, failures: some.length - countUpTo(some, x) }))
    const sample = { n: all.length, failures: all.length - countUpTo(all, x), episodes: sizes }
    return intervalOverEpisodes(sample, firings, confidence)!
  }
  if (shareUpTo(-Infinity)[1] >= q) return undefined
  const from = firstOf(all, (x) => shareUpTo(x)[1] >= q)
  const to = firstOf(all, (x) => shareUpTo(x)[0] > q)
  return from === undefined || to === undefined ? undefined : [from, to]
}

function countUpTo(ascending: ArrayLike<number>, x: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! <= x) low = middle + 1
    else high = middle
  }
  return low
}

/** The first for which it holds, where it does for all after it. */
function firstOf(ascending: ArrayLike<number>, holds: (x: number) => boolean): number | undefined {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(ascending[middle]!)) high = middle
    else low = middle + 1
  }
  return ascending[low]
}
