import { betaQuantile, normalCritical } from './special.ts'

/** Lower and upper end, both part of it. */
export type Interval = readonly [number, number]

export const defaultConfidence = 0.95

/** Throws RangeError for what is no count of successes among n, NaN included. Counts may be fractions, and round a little. */
function checkCount(successes: number, n: number): void {
  if (successes >= 0 && successes <= n * (1 + 1e-12) && n < Infinity) return
  throw new RangeError(`${successes} successes of ${n} tasks are no proportion`)
}

/** Throws RangeError for what is no share, NaN included. */
export function checkShare(share: number, what: string): void {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`${what} of ${share} is not between 0 and 1`)
}

export function checkConfidence(confidence: number): void {
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`a confidence of ${confidence} is not between 0 and 1`)
}

/**
 * Clopper-Pearson (1934): covers the true proportion at least as often as it says, for any n.
 * Takes fractional counts (an effective sample size). With x = n its lower end is `(alpha/2)^(1/n)`: the rule of three.
 * Nothing known (n = 0) is [0, 1]. Throws RangeError for what is no proportion.
 */
export function clopperPearson(successes: number, n: number, confidence = defaultConfidence): Interval {
  checkCount(successes, n)
  checkConfidence(confidence)
  const tail = (1 - confidence) / 2
  const low = successes <= 0 ? 0 : betaQuantile(tail, successes, n - successes + 1)
  const high = successes >= n ? 1 : betaQuantile(1 - tail, successes + 1, n - successes)
  return [low, high]
}

/** Wilson's score interval (1927): close to its nominal coverage on average, and down to 84 % near 0 and 1. */
export function wilson(successes: number, n: number, confidence = defaultConfidence): Interval {
  checkCount(successes, n)
  checkConfidence(confidence)
  if (n === 0) return [0, 1]
  const z = normalCritical(confidence)
  const p = successes / n
  const center = (p + z ** 2 / (2 * n)) / (1 + z ** 2 / n)
  const half = (z * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2))) / (1 + z ** 2 / n)
  // At the ends the formula is exact in theory and off by rounding in practice.
  return [successes === 0 ? 0 : center - half, successes >= n ? 1 : center + half]
}

export interface Count {
  readonly successes: number
  readonly n: number
}

/** Difference a - b: Newcombe's hybrid score interval (1998, method 10). Throws RangeError where one has no task. */
export function newcombe(a: Count, b: Count, confidence = defaultConfidence): Interval {
  checkCount(a.successes, a.n)
  checkCount(b.successes, b.n)
  if (a.n === 0 || b.n === 0) throw new RangeError('no task has no proportion to compare')
  const [pa, pb] = [a.successes / a.n, b.successes / b.n]
  const [lowA, highA] = wilson(a.successes, a.n, confidence)
  const [lowB, highB] = wilson(b.successes, b.n, confidence)
  const difference = pa - pb
  return [difference - Math.hypot(pa - lowA, highB - pb), difference + Math.hypot(highA - pa, pb - lowB)]
}
