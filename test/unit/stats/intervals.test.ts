import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clopperPearson, newcombe, wilson } from '../../../harness/stats/intervals.ts'
import { countDiscordant, mcnemarExact } from '../../../harness/stats/paired-difference.ts'
import { binomialCdf } from '../../../harness/stats/special.ts'

describe('one proportion', () => {
  test('Clopper-Pearson as published', () => {
    expect(clopperPearson(8, 10)[0]).toBeCloseTo(0.4439, 4)
    expect(clopperPearson(8, 10)[1]).toBeCloseTo(0.9748, 4)
    expect(clopperPearson(9998, 10_000)[0]).toBeCloseTo(0.99928, 5)
    expect(clopperPearson(9998, 10_000)[1]).toBeCloseTo(0.99998, 5)
  })

  test('Wilson as published', () => {
    const [low, high] = wilson(884, 1000)
    expect([low, high].map((p) => Math.round(p * 1000))).toEqual([863, 902])
  })

  test('the rule of three falls out: no failure in n proves about 1 - 3/n, one-sided', () => {
    for (const n of [59, 299, 598, 2995]) expect((1 - clopperPearson(n, n, 0.9)[0]) * n).toBeCloseTo(3, 0)
    expect(clopperPearson(14_978, 14_978, 0.9)[0]).toBeGreaterThanOrEqual(0.9998)
    expect(clopperPearson(14_977, 14_977, 0.9)[0]).toBeLessThan(0.9998)
  })

  test('nothing known is everything', () => {
    expect(clopperPearson(0, 0)).toEqual([0, 1])
    expect(wilson(0, 0)).toEqual([0, 1])
  })

  test('both contain the estimate, stay within [0, 1], and mirror each other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const x = Math.round(share * n)
        for (const interval of [clopperPearson, wilson]) {
          const [low, high] = interval(x, n)
          const [mirrorLow, mirrorHigh] = interval(n - x, n)
          expect(low).toBeGreaterThanOrEqual(0)
          expect(high).toBeLessThanOrEqual(1)
          expect(low).toBeLessThanOrEqual(x / n + 1e-12)
          expect(high).toBeGreaterThanOrEqual(x / n - 1e-12)
          expect(mirrorLow).toBeCloseTo(1 - high, 9)
          expect(mirrorHigh).toBeCloseTo(1 - low, 9)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('Clopper-Pearson covers at least as often as it says, exactly computed', () => {
    for (const [n, p] of [
      [20, 0.9],
      [50, 0.98],
      [120, 0.942],
    ] as const) {
      let covered = 0
      for (let x = 0; x <= n; x++) {
        const [low, high] = clopperPearson(x, n)
        if (low <= p && p <= high) covered += binomialCdf(x, n, p) - binomialCdf(x - 1, n, p)
      }
      expect(covered).toBeGreaterThanOrEqual(0.95)
    }
  })
})

describe('two proportions', () => {
  test('Newcombe as published (1998, table II, first case: 56/70 against 48/80)', () => {
    const [low, high] = newcombe({ successes: 56, n: 70 }, { successes: 48, n: 80 })
    expect(low).toBeCloseTo(0.0524, 4)
    expect(high).toBeCloseTo(0.3339, 4)
  })

  test('94.2 against 88.4 % of 1,000', () => {
    const [low, high] = newcombe({ successes: 942, n: 1000 }, { successes: 884, n: 1000 })
    expect(low).toBeCloseTo(0.0335, 4)
    expect(high).toBeCloseTo(0.0829, 4)
  })

  test('McNemar counts discordant pairs only', () => {
    expect(mcnemarExact({ onlyA: 0, onlyB: 0 })).toBe(1)
    expect(mcnemarExact({ onlyA: 5, onlyB: 5 })).toBe(1)
    expect(mcnemarExact({ onlyA: 10, onlyB: 0 })).toBeCloseTo(2 / 1024, 12)
    expect(mcnemarExact({ onlyA: 1, onlyB: 8 })).toBeCloseTo((2 * 10) / 512, 12)
    expect(countDiscordant([true, true, false, false], [true, false, true, false])).toEqual({ onlyA: 1, onlyB: 1 })
    expect(() => countDiscordant([true], [])).toThrow(RangeError)
  })
})
