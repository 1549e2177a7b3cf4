import fc from 'fast-check'
import { expect, test } from 'vitest'
import { failureScale, linearScale, logScale } from '../../../reports/html/svg.ts'

test('equal ratios are equal distances', () => {
  const scale = logScale(1, 1000, 300)
  expect([1, 10, 100, 1000].map((value) => Math.round(scale(value)))).toEqual([0, 100, 200, 300])
  expect(scale.ticks.map((tick) => Math.round(tick))).toEqual([1, 10, 100, 1000])
})

test('what lies outside is put at the ends, and so is nothing', () => {
  const scale = logScale(1, 1000, 300)
  expect(scale(0)).toBe(0)
  expect(scale(1e9)).toBe(300)
})

test.each([
  [0, 10],
  [0, 63_000],
  [0, 0.7],
])('ticks from %d to %d are round and few', (low, high) => {
  const { ticks } = linearScale(low, high, 1000)
  expect(ticks.length).toBeGreaterThanOrEqual(4)
  expect(ticks.length).toBeLessThanOrEqual(11)
  expect(ticks[0]).toBe(0)
})

test('the failure axis reaches below one failure in n, and up to all', () => {
  expect(failureScale(300, 100).ticks[0]).toBeCloseTo(0.001)
  expect(failureScale(15_000, 100).ticks[0]).toBeCloseTo(0.00001)
  expect(failureScale(0, 100).ticks.at(-1)).toBeCloseTo(1)
})

test('positions never leave the axis and keep the order of values', () => {
  const scales = [logScale(0.001, 1, 200), linearScale(0, 1, 200)]
  fc.assert(
    fc.property(fc.double({ min: 0, max: 2, noNaN: true }), fc.double({ min: 0, max: 2, noNaN: true }), (a, b) => {
      for (const scale of scales) {
        expect(scale(Math.min(a, b))).toBeLessThanOrEqual(scale(Math.max(a, b)))
        expect(scale(a)).toBeGreaterThanOrEqual(0)
        expect(scale(a)).toBeLessThanOrEqual(200)
      }
    }),
  )
})
