import { describe, expect, test } from 'vitest'
import { createRng } from '../../../harness/core/rng.ts'
import { mcnemarInRows, rowLength } from '../../../harness/stats/rows.ts'

/** One fails at this rate, and after a failure so much more often that rows have this length on average. */
function failures(n: number, rate: number, length: number): readonly boolean[] {
  const rng = createRng(n, `${rate}/${length}`)
  const again = length === 1 ? rate : 1 - 1 / length
  const anew = length === 1 ? rate : rate / (1 - rate) / length
  let failed = false
  return Array.from({ length: n }, () => (failed = rng.next() < (failed ? again : anew)))
}

describe('how many neighbours count for one observation', () => {
  test.each([0.02, 0.2, 0.5])('one, where each fails by itself at a rate of %d', (rate) => {
    expect(rowLength(failures(20_000, rate, 1))).toBeLessThan(1.1)
  })

  test.each([5, 10, 20])('more than one row of %i where they fail together', (length) => {
    expect(rowLength(failures(20_000, 0.1, length))).toBeGreaterThan(length)
  })

  test('without a failure there is no row, and one that never ended tells nothing', () => {
    expect(rowLength([])).toBe(1)
    expect(rowLength([false, false, false])).toBe(1)
    expect(rowLength([false, false, true, true, true])).toBeGreaterThan(1)
    expect(rowLength([true, true])).toBe(Infinity)
  })
})

test('of a row no part is counted for the side that lost more, and every part for the other', () => {
  expect(mcnemarInRows({ more: 12, fewer: 0 }, 1)).toBeLessThan(0.001)
  expect(mcnemarInRows({ more: 32, fewer: 0 }, 3)).toBe(mcnemarInRows({ more: 30, fewer: 0 }, 3))
  expect(mcnemarInRows({ more: 30, fewer: 1 }, 3)).toBe(mcnemarInRows({ more: 30, fewer: 3 }, 3))
  expect(mcnemarInRows({ more: 500, fewer: 0 }, Infinity)).toBe(1)
})
