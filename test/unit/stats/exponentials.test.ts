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

test('a probability is one, also where two weights are all there is', () => {
  const terms = [
    { weight: 0.24435492516341636, shape: 1 },
    { weight: -0.1739841737084128, shape: 1 },
  ]
  expect(exponentialSumTail(terms, -1.1687589063727224)).toBeLessThanOrEqual(1)
  const far = [
    { weight: 0.176, shape: 1 },
    { weight: 21.68, shape: 1 },
  ]
  expect(exponentialSumTail(far, 20.662900444807097)).toBeCloseTo(
    (21.68 * Math.exp(-20.662900444807097 / 21.68) - 0.176 * Math.exp(-20.662900444807097 / 0.176)) / (21.68 - 0.176),
    2,
  )
})
