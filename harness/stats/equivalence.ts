import type { Interval } from './intervals.ts'
import type { Discordant } from './paired.ts'
import { normalCritical } from './special.ts'

/**
 * Interval for the difference of two shares of success, b minus a, over n matched pairs: Wald's with half a pair added to each
 * of the four cells (Agresti and Min 2005, Statistics in Medicine 24:729). Throws RangeError for more discordant pairs than pairs.
 */
export function pairedDifference({ onlyA, onlyB }: Discordant, n: number, confidence: number): Interval {
  if (!(n > 0) || onlyA + onlyB > n) throw new RangeError(`${onlyA} + ${onlyB} discordant pairs of ${n}`)
  const [a, b, all] = [onlyA + 0.5, onlyB + 0.5, n + 2]
  const difference = (b - a) / all
  const margin = (normalCritical(confidence) * Math.sqrt(a + b - (b - a) ** 2 / all)) / all
  return [difference - margin, difference + margin]
}

/**
 * Two one-sided tests at 5 %: whether the difference is shown to lie within the margin on either side, which is the case where
 * its 90 % interval does (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15:657).
 */
export function areEquivalent([low, high]: Interval, margin: number): boolean {
  return -margin < low && high < margin
}
