import { logGamma } from './special.ts'

/** So many bad ones among `n`. */
export interface Bad {
  readonly bad: number
  readonly n: number
}

/**
 * Fisher's exact test, one-sided (hypergeometric). It assumes one rate for both groups and a given number of bad ones
 * in all. It returns the probability that the first group has at least as many bad ones as observed. 1 where either
 * group is empty. Throws RangeError for what is no count.
 */
export function worseThan(first: Bad, second: Bad): number {
  for (const { bad, n } of [first, second])
    if (![bad, n].every(Number.isSafeInteger) || bad < 0 || bad > n) throw new RangeError(`${bad} of ${n} is no count`)
  const bad = first.bad + second.bad
  const all = first.n + second.n
  const logAll = logChoose(all, bad)
  let sum = 0
  for (let x = first.bad; x <= Math.min(first.n, bad); x++)
    if (bad - x <= second.n) sum += Math.exp(logChoose(first.n, x) + logChoose(second.n, bad - x) - logAll)
  return Math.min(1, sum)
}

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1)
}
