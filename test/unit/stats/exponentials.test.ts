import { expect, test } from 'vitest'
import { exponentialSumTail } from '../../../harness/stats/exponentials.ts'

test('one exponential, and several that are alike, are gamma distributed', () => {
  expect(exponentialSumTail([{ weight: 2, shape: 1 }], 3)).toBeCloseTo(Math.exp(-1.5), 12)
  expect(exponentialSumTail([{ weight: 1, shape: 3 }], 2)).toBeCloseTo(5 * Math.exp(-2), 12)
})

test('two that differ', () => {
  const terms = [
    { weight: 1, shape: 1 },
    { weight: 2, shape: 1 },
  ]
  expect(exponentialSumTail(terms, 3)).toBeCloseTo(2 * Math.exp(-1.5) - Math.exp(-3), 4)
})

test('five against one: who is larger is a beta distribution', () => {
  const above = (share: number): number =>
    exponentialSumTail([
      { weight: 1 - share, shape: 5 },
      { weight: -share, shape: 1 },
    ])
  for (const share of [0.3, 0.478, 0.9]) expect(above(share)).toBeCloseTo(1 - share ** 5, 8)
})

test('what is certain', () => {
  expect(exponentialSumTail([{ weight: 1, shape: 2 }])).toBe(1)
  expect(exponentialSumTail([{ weight: -1, shape: 2 }])).toBe(0)
  expect(exponentialSumTail([{ weight: -1, shape: 1 }], -2)).toBeCloseTo(1 - Math.exp(-2), 12)
  expect(exponentialSumTail([])).toBe(0)
})
