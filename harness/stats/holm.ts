import { checkShare } from './intervals.ts'

/**
 * Holm's step-down adjustment (1979): p-values that may be held against one level although many are looked at. In the order
 * given; each at least what it was, and at most 1. Throws RangeError for what is no probability.
 */
export function holm(pValues: readonly number[]): readonly number[] {
  for (const p of pValues) checkShare(p, 'a p-value')
  const m = pValues.length
  const ascending = pValues.map((p, i) => ({ p, i })).toSorted((a, b) => a.p - b.p)
  const adjusted = Array.from({ length: m }, () => 1)
  let reached = 0
  ascending.forEach(({ p, i }, rank) => {
    reached = Math.max(reached, Math.min(1, (m - rank) * p))
    adjusted[i] = reached
  })
  return adjusted
}
