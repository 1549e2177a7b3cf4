import { checkConfidence, defaultConfidence, type Interval, wilson, checkShare } from './intervals.ts'
import { binomialCdf } from './special.ts'

/** Pairs in which exactly one side succeeded. */
interface Discordant {
  readonly onlyA: number
  readonly onlyB: number
}

/**
 * Exact McNemar test on seed-matched pairs: the two-sided p-value of "both succeed equally often", from the binomial
 * distribution of the discordant pairs. No discordant pair says nothing: 1. Throws RangeError for what is no count.
 */
export function mcnemarExact({ onlyA, onlyB }: Discordant): number {
  if (![onlyA, onlyB].every((count) => Number.isInteger(count) && count >= 0))
    throw new RangeError(`${onlyA} and ${onlyB} are no counts of pairs`)
  return Math.min(1, 2 * binomialCdf(Math.min(onlyA, onlyB), onlyA + onlyB, 0.5))
}

/** Count the discordant pairs of two lists of outcomes in the same order. Throws RangeError for different lengths. */
export function countDiscordant(a: readonly boolean[], b: readonly boolean[]): Discordant {
  if (a.length !== b.length) throw new RangeError(`${a.length} and ${b.length} outcomes are not pairs`)
  const onlyA = a.filter((success, i) => success && !b[i]).length
  const onlyB = b.filter((success, i) => success && !a[i]).length
  return { onlyA, onlyB }
}

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

/** Two one-sided tests at 5 % each are the 90 % interval (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657). */
const confidence = 0.9

interface Equivalence {
  /** 90 %, of the share of successes of b minus that of a. */
  readonly interval: Interval
  /** The difference is shown to lie within the margin on either side. */
  readonly isShown: boolean
}

/** Whether two systems succeed equally often over matched pairs, up to the margin. Few pairs show nothing. Throws RangeError for a margin that is no share. */
export function testEquivalence(counts: PairedCounts, margin: number): Equivalence {
  checkShare(margin, 'a margin')
  const interval = newcombePaired(counts, confidence)
  return { interval, isShown: -margin < interval[0] && interval[1] < margin }
}
