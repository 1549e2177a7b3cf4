import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRng } from '../../../harness/core/rng.ts'
import { blockMean } from '../../../harness/stats/blocks.ts'
import { hodgesLehmann, signedRank, walshCut } from '../../../harness/stats/signed-rank.ts'
import { holm } from '../../../harness/stats/holm.ts'
import { mcnemarExact, newcombePaired, pairedDifference } from '../../../harness/stats/paired-difference.ts'
import { signFlip } from '../../../harness/stats/sign-flip.ts'

const counts = fc.record({ both: fc.nat(60), onlyA: fc.nat(20), onlyB: fc.nat(20), neither: fc.nat(60) })
const filled = counts.filter(({ both, onlyA, onlyB, neither }) => both + onlyA + onlyB + neither > 0)

describe('the difference of paired proportions', () => {
  test('Newcombe’s method 10, as published', () => {
    // Newcombe (1998), table II: 36, 12, 2, 0.
    const [low, high] = newcombePaired({ both: 36, onlyA: 2, onlyB: 12, neither: 0 })
    expect([low, high].map((end) => end.toFixed(4))).toEqual(['0.0569', '0.3404'])
    // Fagerland, Lydersen and Laake (2014): 1, 1, 7, 12 of Bentur et al.
    const [from, to] = newcombePaired({ both: 1, onlyA: 1, onlyB: 7, neither: 12 })
    expect([from, to].map((end) => end.toFixed(3))).toEqual(['0.026', '0.507'])
  })

  test('holds the estimate, mirrors, and stays within [-1, 1]', () => {
    fc.assert(
      fc.property(filled, (c) => {
        const [low, high] = newcombePaired(c)
        const [mirrorLow, mirrorHigh] = newcombePaired({ ...c, onlyA: c.onlyB, onlyB: c.onlyA })
        expect(low).toBeLessThanOrEqual(pairedDifference(c) + 1e-12)
        expect(high).toBeGreaterThanOrEqual(pairedDifference(c) - 1e-12)
        expect([mirrorLow, mirrorHigh].map((end) => end.toFixed(9))).toEqual([-high, -low].map((end) => end.toFixed(9)))
        expect(Math.max(-low, high)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('nothing known is everything', () => {
    expect(newcombePaired({ both: 0, onlyA: 0, onlyB: 0, neither: 0 })).toEqual([-1, 1])
  })

  test.each([
    [0.94, 0.02, 0.02],
    [0.8, 0.1, 0.05],
    [0.5, 0.02, 0.2],
  ])('covers 95 %% where both succeed in %d, one alone in %d and %d', (both, onlyA, onlyB) => {
    const rng = createRng(1, `${both}`)
    let covered = 0
    for (let sample = 0; sample < 1500; sample++) {
      const seen = { both: 0, onlyA: 0, onlyB: 0, neither: 0 }
      for (let pair = 0; pair < 100; pair++) {
        const u = rng.next()
        if (u < both) seen.both++
        else if (u < both + onlyA) seen.onlyA++
        else if (u < both + onlyA + onlyB) seen.onlyB++
        else seen.neither++
      }
      const [low, high] = newcombePaired(seen)
      if (low <= onlyB - onlyA && onlyB - onlyA <= high) covered++
    }
    expect(covered / 1500).toBeGreaterThan(0.93)
    expect(covered / 1500).toBeLessThan(0.995)
  })
})

describe('sign flips', () => {
  test('of pairs alone are the exact McNemar test', () => {
    const signs = [...Array.from({ length: 12 }, () => 1), ...Array.from({ length: 2 }, () => -1), 0, 0]
    expect(signFlip(signs)).toBeCloseTo(mcnemarExact({ onlyA: 2, onlyB: 12 }), 12)
    expect(signFlip([0, 0])).toBe(1)
    expect(signFlip([])).toBe(1)
  })

  test('one fault proves nothing, however many tasks it took', () => {
    expect(signFlip([-40])).toBe(1)
    expect(signFlip([-40, -40])).toBe(0.5)
    expect(signFlip([-9, -8, -7, -9, -10, -8])).toBeCloseTo(2 / 64, 12)
  })

  test('are what counting every assignment of signs gives', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -6, max: 6 }), { maxLength: 9 }), (differences) => {
        const observed = Math.abs(differences.reduce((sum, d) => sum + d, 0))
        let extreme = 0
        for (let bits = 0; bits < 2 ** differences.length; bits++) {
          const sum = differences.reduce((total, d, i) => total + ((bits >> i) & 1 ? d : -d), 0)
          if (Math.abs(sum) >= observed) extreme++
        }
        expect(signFlip(differences)).toBeCloseTo(extreme / 2 ** differences.length, 9)
      }),
    )
  })

  test('do not take fractions', () => {
    expect(() => signFlip([0.5])).toThrow(RangeError)
  })
})

// Hollander and Wolfe, example 3.1: depression scale factors before and after a tranquilizer.
const before = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3]
const after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
const drops = before.map((value, i) => value - after[i]!)

describe('Hodges-Lehmann and signed ranks', () => {
  test('as published', () => {
    const { shift, interval } = hodgesLehmann(drops)!
    expect([shift, ...interval!].map((value) => value.toFixed(3))).toEqual(['0.460', '0.010', '0.786'])
    expect(signedRank(drops)).toBeCloseTo(0.0390625, 9)
    // Critical values of T at 5 %, two-sided.
    expect([6, 9, 20, 50].map((n) => walshCut(n, 0.95))).toEqual([0, 5, 52, 434])
  })

  test('find the median of all averages without making them', () => {
    const values = fc.array(fc.integer({ min: -40, max: 60 }), { minLength: 1, maxLength: 120 })
    fc.assert(
      fc.property(values, fc.constantFrom(1, 3, 7), (list, divisor) => {
        const differences = list.map((value) => value / divisor)
        const averages = differences.flatMap((a, i) => differences.slice(i).map((b) => (a + b) / 2))
        const ascending = averages.toSorted((a, b) => a - b)
        const [m, cut] = [ascending.length, walshCut(differences.length, 0.95)]
        const median = (ascending[Math.floor((m - 1) / 2)]! + ascending[Math.ceil((m - 1) / 2)]!) / 2
        const found = hodgesLehmann(differences)!
        expect(found.shift).toBeCloseTo(median, 9)
        expect(found.interval !== undefined).toBe(cut >= 0)
        if (!found.interval) return
        expect(found.interval[0]).toBeCloseTo(ascending[cut]!, 9)
        expect(found.interval[1]).toBeCloseTo(ascending[m - cut - 1]!, 9)
      }),
    )
  })

  test('no difference is none: p = 1, and an interval of a point', () => {
    const zeros = Array.from({ length: 30 }, () => 0)
    expect(hodgesLehmann(zeros)).toEqual({ shift: 0, interval: [0, 0] })
    expect([signedRank(zeros), signedRank([])]).toEqual([1, 1])
    expect(hodgesLehmann([])).toBeUndefined()
  })

  test('are exact for few and normal for many, without a step between', () => {
    const rng = createRng(3, 'rank')
    const differences = Array.from({ length: 80 }, () => rng.next() - 0.4)
    const exact = signedRank(differences)
    const normal = signedRank([...differences, 1e-9])
    expect(Math.abs(exact - normal)).toBeLessThan(0.01)
  })

  test('cover a shift of a skewed latency, and keep to 5 %', () => {
    const rng = createRng(5, 'latency')
    let [covered, rejected] = [0, 0]
    for (let sample = 0; sample < 400; sample++) {
      const differences = Array.from({ length: 100 }, () => rng.exponential(50) - rng.exponential(50))
      const [low, high] = hodgesLehmann(differences.map((d) => d + 20))!.interval!
      if (low <= 20 && 20 <= high) covered++
      if (signedRank(differences) < 0.05) rejected++
    }
    expect(covered / 400).toBeGreaterThan(0.92)
    expect(rejected / 400).toBeLessThan(0.08)
  })

  test('take finite numbers', () => {
    expect(() => hodgesLehmann([1, Infinity])).toThrow(RangeError)
  })
})

describe('blocks', () => {
  test('are one observation each', () => {
    // Student (1908): differences of sleep, t = 4.06 with 9 degrees of freedom.
    const sleep = [1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4]
    const { mean, interval, p } = blockMean(sleep)!
    expect([mean, ...interval].map((value) => value.toFixed(2))).toEqual(['1.58', '0.70', '2.46'])
    expect(p).toBeCloseTo(0.00283, 4)
  })

  test('one is none, and equal ones are a point', () => {
    expect(blockMean([1])).toBeUndefined()
    expect(blockMean([0, 0, 0])).toEqual({ mean: 0, interval: [0, 0], p: 1 })
    expect(blockMean([2, 2, 2])!.p).toBe(0)
  })
})

test('Holm adjusts over all, in the order given', () => {
  expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02])
  expect(holm([])).toEqual([])
  expect(holm([0.8, 0.9])).toEqual([1, 1])
})
