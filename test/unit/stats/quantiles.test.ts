import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRng } from '../../../harness/core/rng.ts'
import { quantile, quantileInterval, smallestForQuantile } from '../../../harness/stats/quantiles.ts'

test('nearest rank, in any order', () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2)
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2)
  expect(quantile([1, 2, 3], 0)).toBe(1)
  expect(quantile([1, 2, 3], 1)).toBe(3)
  expect(quantile([], 0.5)).toBeUndefined()
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  expect([0.5, 0.95, 0.99].map((q) => quantile(hundred, q))).toEqual([50, 95, 99])
})

test('what never came is later than everything', () => {
  expect(quantile([Infinity, 1, 2, 3], 0.75)).toBe(3)
  expect(quantile([Infinity, 1, 2, 3], 0.76)).toBe(Infinity)
})

test('at least the share q does not exceed the quantile', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
      const value = quantile(values, q)!
      expect(values.filter((v) => v <= value).length).toBeGreaterThanOrEqual(q * values.length - 1e-6)
      expect(values.filter((v) => v < value).length).toBeLessThanOrEqual(q * values.length + 1e-6)
    }),
  )
})

test('the smallest samples for an interval are 6, 72, 368 and 3,688', () => {
  expect([0.5, 0.95, 0.99, 0.999].map((q) => smallestForQuantile(q))).toEqual([6, 72, 368, 3688])
  expect(quantileInterval(Array(71).fill(1), 0.95)).toBeUndefined()
  expect(quantileInterval(Array(72).fill(1), 0.95)).toEqual([1, 1])
})

test('of six values the median interval is their range; of 100 it is ranks 40 to 61', () => {
  expect(quantileInterval([6, 5, 4, 3, 2, 1], 0.5)).toEqual([1, 6])
  expect(
    quantileInterval(
      Array.from({ length: 100 }, (_, i) => i + 1),
      0.5,
    ),
  ).toEqual([40, 61])
})

test('the interval of p95 covers the truth as often as it says', () => {
  const rng = createRng(1, 'quantile coverage')
  let covered = 0
  const runs = 400
  for (let run = 0; run < runs; run++) {
    const [low, high] = quantileInterval(
      Array.from({ length: 150 }, () => rng.next()),
      0.95,
    )!
    if (low <= 0.95 && 0.95 <= high) covered++
  }
  expect(covered / runs).toBeGreaterThan(0.93)
})
