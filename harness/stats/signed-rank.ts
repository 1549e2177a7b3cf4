import { checkConfidence, defaultConfidence, type Interval } from './intervals.ts'
import { normalCritical, regularizedGamma } from './special.ts'
import { subsetSums } from './sign-flip.ts'

/** Up to so many differences the distribution is counted out; beyond, the normal one is as good. */
const exactUpTo = 80

/**
 * Wilcoxon's signed-rank test (1945): two-sided p-value of "differences lie around zero", exact for the ranks as they are, ties
 * included. Differences of zero are left out; if there are no others: 1. Throws RangeError for NaN.
 */
export function signedRank(differences: readonly number[]): number {
  if (differences.some(Number.isNaN)) throw new RangeError('NaN is no difference')
  const ranks = signedRanks(differences.filter((d) => d !== 0))
  if (ranks.length === 0) return 1
  // Ranks of ties are halves: twice a rank is a whole number.
  const sizes = ranks.map(({ rank }) => Math.round(2 * rank))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const positive = ranks.reduce((sum, one, i) => (one.positive ? sum + sizes[i]! : sum), 0)
  const deviation = Math.abs(2 * positive - total)
  if (ranks.length > exactUpTo) return normalTail(deviation, sizes)
  const chances = subsetSums(sizes, total)
  return Math.min(
    1,
    chances.reduce((sum, chance, at) => (Math.abs(2 * at - total) >= deviation ? sum + chance : sum), 0),
  )
}

/** `deviation` moves in steps of 4: half of one is the correction for continuity. */
function normalTail(deviation: number, sizes: readonly number[]): number {
  const sd = Math.sqrt(sizes.reduce((sum, size) => sum + size ** 2, 0))
  const z = Math.max(0, deviation - 2) / sd
  return 1 - regularizedGamma(0.5, z ** 2 / 2)
}

function signedRanks(differences: readonly number[]): readonly { rank: number; positive: boolean }[] {
  const ascending = differences.toSorted((a, b) => Math.abs(a) - Math.abs(b))
  const ranks: { rank: number; positive: boolean }[] = []
  for (let from = 0, to = 0; from < ascending.length; from = to) {
    while (to < ascending.length && Math.abs(ascending[to]!) === Math.abs(ascending[from]!)) to++
    for (let i = from; i < to; i++) ranks.push({ rank: (from + 1 + to) / 2, positive: ascending[i]! > 0 })
  }
  return ranks
}

/** How many Walsh averages to cut off on a side at this confidence (Hollander and Wolfe, 3.3); -1 if none will do. */
export function walshCut(n: number, confidence: number): number {
  checkConfidence(confidence)
  const tail = (1 - confidence) / 2
  const total = (n * (n + 1)) / 2
  if (n > exactUpTo) {
    const sd = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24)
    return Math.floor(total / 2 - normalCritical(confidence) * sd - 0.5)
  }
  const sizes = Array.from({ length: n }, (_, i) => i + 1)
  const chances = subsetSums(sizes, total)
  let [sum, cut] = [0, -1]
  while (cut < total && sum + chances[cut + 1]! <= tail) sum += chances[++cut]!
  return cut
}

interface Shift {
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
    if (middle <= low || middle >= high || high - low < 1e-12 * Math.max(1e-6, Math.abs(low), Math.abs(high))) break
    if (countUpTo(ascending, middle) >= rank) high = middle
    else low = middle
  }
  return high
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
