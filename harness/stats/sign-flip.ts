import { mcnemarExact } from './paired-difference.ts'
import { logGamma } from './special.ts'

/**
 * Exact two-sided p-value of "both sides are alike": which side a unit's difference favours is a coin's toss. Differences are
 * whole numbers: losses of a minus those of b within one unit, which is a pair, or all tasks that share one fault. With
 * pairs alone it is the exact McNemar test. No difference says nothing: 1. Throws RangeError for a fraction.
 */
export function signFlip(differences: readonly number[]): number {
  if (!differences.every(Number.isSafeInteger)) throw new RangeError('differences of units are whole numbers')
  const sizes = differences.filter((d) => d !== 0).map(Math.abs)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const observed = Math.abs(differences.reduce((sum, d) => sum + d, 0))
  if (sizes.every((size) => size === 1)) return pairsAlone(differences)
  // The sum of signed sizes is 2 x (sum of the positive ones) - total.
  const chances = subsetSums(sizes, total)
  const extreme = (positive: number): boolean => Math.abs(2 * positive - total) >= observed
  return Math.min(
    1,
    chances.reduce((sum, chance, positive) => (extreme(positive) ? sum + chance : sum), 0),
  )
}

function pairsAlone(differences: readonly number[]): number {
  const onlyA = differences.filter((d) => d < 0).length
  return mcnemarExact({ onlyA, onlyB: differences.filter((d) => d > 0).length })
}

/** Chance of each sum, when every size is taken or left by a coin's toss. */
export function subsetSums(sizes: readonly number[], total: number): Float64Array {
  const ones = sizes.filter((size) => size === 1).length
  let chances = coins(ones, total)
  let reached = ones
  for (const size of sizes) {
    if (size === 1) continue
    const next = new Float64Array(total + 1)
    for (let sum = 0; sum <= reached; sum++) {
      next[sum]! += chances[sum]! / 2
      next[sum + size]! += chances[sum]! / 2
    }
    reached += size
    chances = next
  }
  return chances
}

/** Units of one pair are counted at once: there may be thousands of them. */
function coins(n: number, total: number): Float64Array {
  const chances = new Float64Array(total + 1)
  if (n === 0) return chances.fill(1, 0, 1)
  for (let heads = 0; heads <= n; heads++) {
    const ways = logGamma(n + 1) - logGamma(heads + 1) - logGamma(n - heads + 1)
    chances[heads] = Math.exp(ways - n * Math.LN2)
  }
  return chances
}
