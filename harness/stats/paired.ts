import { binomialCdf } from './special.ts'

/** Pairs in which exactly one side succeeded. */
export interface Discordant {
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
