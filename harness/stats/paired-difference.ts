import { checkConfidence, defaultConfidence, type Interval, wilson } from './intervals.ts'

/** Pairs by what became of their two sides. */
export interface PairedCounts {
  readonly both: number
  readonly onlyA: number
  readonly onlyB: number
  readonly neither: number
}

/** Share of successes of b minus that of a. NaN for no pair. */
export function pairedDifference({ both, onlyA, onlyB, neither }: PairedCounts): number {
  return (onlyB - onlyA) / (both + onlyA + onlyB + neither)
}

/**
 * Interval of b - a for paired proportions: Newcombe's hybrid score interval with the corrected coefficient (1998, "Improved
 * confidence intervals for the difference between binomial proportions based on paired data", method 10). It holds the estimate,
 * and counts may be fractions (an effective number of pairs). Nothing known (no pair) is [-1, 1].
 * Throws RangeError for what is no count.
 */
export function newcombePaired(counts: PairedCounts, confidence = defaultConfidence): Interval {
  const { both, onlyA, onlyB, neither } = counts
  if (![both, onlyA, onlyB, neither].every((count) => count >= 0))
    throw new RangeError(`${[both, onlyA, onlyB, neither].join(', ')} are no counts of pairs`)
  checkConfidence(confidence)
  const n = both + onlyA + onlyB + neither
  if (n === 0) return [-1, 1]
  const [pa, pb] = [(both + onlyA) / n, (both + onlyB) / n]
  const [lowA, highA] = wilson(both + onlyA, n, confidence)
  const [lowB, highB] = wilson(both + onlyB, n, confidence)
  const phi = correctedPhi(counts, n)
  const difference = pairedDifference(counts)
  const below = hybrid(pb - lowB, highA - pa, phi)
  const above = hybrid(highB - pb, pa - lowA, phi)
  return [Math.max(-1, difference - below), Math.min(1, difference + above)]
}

function hybrid(ofB: number, ofA: number, phi: number): number {
  return Math.sqrt(Math.max(0, ofB ** 2 - 2 * phi * ofB * ofA + ofA ** 2))
}

/** How alike the two sides of a pair are; where that is little, chance alone may have made it. */
function correctedPhi({ both, onlyA, onlyB, neither }: PairedCounts, n: number): number {
  const margins = (both + onlyA) * (onlyB + neither) * (both + onlyB) * (onlyA + neither)
  if (margins === 0) return 0
  const cross = both * neither - onlyA * onlyB
  const corrected = cross <= 0 ? cross : Math.max(0, cross - n / 2)
  return corrected / Math.sqrt(margins)
}
