import { expect, test } from 'vitest'
import { worseThan } from '../../../harness/stats/fisher.ts'

// scipy.stats.fisher_exact([[a, b], [c, d]], alternative='greater').
test.each([
  [{ bad: 3, n: 4 }, { bad: 1, n: 4 }, 0.24285714285714],
  [{ bad: 8, n: 10 }, { bad: 1, n: 6 }, 0.02447552447552],
  [{ bad: 3, n: 3 }, { bad: 0, n: 30 }, 1 / 5456],
  [{ bad: 0, n: 5 }, { bad: 3, n: 9 }, 1],
  [{ bad: 0, n: 0 }, { bad: 3, n: 9 }, 1],
])('%o against %o', (first, second, p) => {
  expect(worseThan(first, second)).toBeCloseTo(p, 10)
})
