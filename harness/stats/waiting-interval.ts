import type { Firings } from './episodes.ts'
import { defaultConfidence, type Interval } from './intervals.ts'
import { quantileOverEpisodes } from './quantiles.ts'

/** When something ended: at the earliest, and at the latest. Both are Infinity where it never does. */
export interface Ended {
  readonly earliestMs: number
  readonly latestMs: number
}

/**
 * Interval of a quantile of times of which some are known as a range alone, such as "later than 4 s" or "at most 2 s". Its lower
 * end is that of the earliest of them, its upper end that of the latest: whatever they were, it covers as often as it says,
 * and assumes nothing about why they are not known (bounds of Manski, 2003). `shared`: of one fault each, which are not
 * independent. Undefined with too few times, or with one to four faults that share them.
 */
export function waitingInterval(
  { alone, shared }: { readonly alone: readonly Ended[]; readonly shared: readonly (readonly Ended[])[] },
  q: number,
  firings: Firings,
  confidence = defaultConfidence,
): Interval | undefined {
  const over = (time: (one: Ended) => number): Interval | undefined => {
    const values = { alone: alone.map(time), episodes: shared.map((all) => all.map(time)) }
    return quantileOverEpisodes(values, q, firings, confidence)
  }
  const earliest = over(({ earliestMs }) => earliestMs)
  const latest = over(({ latestMs }) => latestMs)
  return earliest && latest && [earliest[0], latest[1]]
}
