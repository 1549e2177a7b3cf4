import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRng } from '../../../harness/core/rng.ts'
import { planArrivals } from '../../../harness/run/open-loop.ts'

describe('the arrival list', () => {
  it('is a pure function of seed and load', () => {
    const list = () => planArrivals({ arrivals: 'poisson', ratePerSec: 30 }, 50, createRng(7, 'arrivals'))
    expect(list()).toEqual(list())
  })

  it('has equal gaps when uniform', () => {
    expect(planArrivals({ arrivals: 'uniform', ratePerSec: 4 }, 4, createRng(1))).toEqual([250, 500, 750, 1000])
  })

  it('ascends, and keeps its rate in the long run', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const list = planArrivals({ arrivals: 'poisson', ratePerSec: 100 }, 5000, createRng(seed))
        expect(list.every((at, i) => i === 0 || at >= list[i - 1]!)).toBe(true)
        // Five standard deviations of the sum of 5000 exponential gaps.
        expect(Math.abs(list.at(-1)! - 50_000)).toBeLessThan(5 * 10 * Math.sqrt(5000))
      }),
      { numRuns: 30 },
    )
  })
})
