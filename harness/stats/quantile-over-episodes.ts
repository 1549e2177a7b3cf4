import { type Firings, fewestEpisodes, intervalOverEpisodes } from './episodes.ts'
import { checkConfidence, defaultConfidence, type Interval } from './intervals.ts'
import { quantileInterval, sorted } from './quantiles.ts'

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
  const all = sorted([alone, ...episodes].flat())
  const shared = episodes.filter((values) => values.length > 1).map(sorted)
  if (shared.length === 0) return quantileInterval(all, q, confidence)
  checkConfidence(confidence)
  if (shared.length < fewestEpisodes) return undefined
  const shareUpTo = (x: number): Interval => {
    const sizes = shared.map((values) => ({ n: values.length, failures: values.length - countUpTo(values, x) }))
    const sample = { n: all.length, failures: all.length - countUpTo(all, x), episodes: sizes }
    return intervalOverEpisodes(sample, firings, confidence)!
  }
  if (shareUpTo(-Infinity)[1] >= q) return undefined
  const from = firstOf(all, (x) => shareUpTo(x)[1] >= q)
  const to = firstOf(all, (x) => shareUpTo(x)[0] > q)
  return from === undefined || to === undefined ? undefined : [from, to]
}

function countUpTo(ascending: readonly number[], x: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! <= x) low = middle + 1
    else high = middle
  }
  return low
}

/** The first for which it holds, where it does for all after it. */
function firstOf(ascending: readonly number[], holds: (x: number) => boolean): number | undefined {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(ascending[middle]!)) high = middle
    else low = middle + 1
  }
  return ascending[low]
}
