import { describe, expect, test } from 'vitest'
import { createRng } from '../../../harness/core/rng.ts'
import { mcnemarExact } from '../../../harness/stats/paired-difference.ts'
import {
  expectedInterval,
  highestLimit,
  neededForGate,
  pairsToTellApart,
  powerOfPairs,
  smallestDifference,
} from '../../../harness/stats/power.ts'

const independent = (tasks: number) => ({ tasks, faults: 0, touched: 0, firings: 'fixed' as const })

describe('what a plan can settle', () => {
  test('a hundred tasks never show 99 %, whatever they do', () => {
    expect(highestLimit(independent(100))).toBeCloseTo(0.025 ** (1 / 100), 9)
    expect(highestLimit(independent(72))).toBeGreaterThan(0.95)
    expect(highestLimit(independent(71))).toBeLessThan(0.95)
    expect(neededForGate(independent(100), 1, 0.99)).toEqual({ tasks: 368 })
  })

  test('too few faults show nothing, and it says how many would', () => {
    const design = { tasks: 200, faults: 3, touched: 0.3, firings: 'fixed' } as const
    expect(highestLimit(design)).toBeUndefined()
    expect(neededForGate(design, 1, 0.9)).toEqual({ faults: 10 })
    const enough = { ...design, tasks: Math.ceil((200 / 3) * 10), faults: 10 }
    expect(highestLimit(enough)).toBeGreaterThan(0.9)
    expect(expectedInterval(enough, 0.95)[0]).toBeLessThan(0.9)
  })
})

describe('what pairs can tell apart', () => {
  // First n at which scipy.stats.binom gives the power: 6 discordant pairs of one side are needed.
  test.each([
    [0.058, 135],
    [0.02, 394],
    [0.0008, 9882],
  ])('a pattern that alone succeeds on %f of the pairs: %i pairs', (share, pairs) => {
    expect(pairsToTellApart(0, share)).toBe(pairs)
    expect(powerOfPairs(pairs, 0, share)).toBeGreaterThanOrEqual(0.8)
    expect(powerOfPairs(pairs - 1, share, 0)).toBeLessThan(0.8)
  })

  test('agrees with scipy where both sides have pairs of their own, and with simulation', () => {
    expect(powerOfPairs(498, 0.1, 0.05)).toBeCloseTo(0.800767, 5)
    const rng = createRng(1, 'pairs')
    const runs = 1000
    let told = 0
    for (let i = 0; i < runs; i++) {
      let [onlyA, onlyB] = [0, 0]
      for (let pair = 0; pair < 200; pair++) {
        const draw = rng.next()
        if (draw < 0.15) onlyA++
        else if (draw < 0.21) onlyB++
      }
      if (mcnemarExact({ onlyA, onlyB }) <= 0.05) told++
    }
    expect(Math.abs(told / runs - powerOfPairs(200, 0.15, 0.06))).toBeLessThan(0.04)
  })

  test('the smallest difference of a plan is told apart by just as many pairs', () => {
    const difference = smallestDifference(200)!
    expect(powerOfPairs(200, 0, difference)).toBeGreaterThanOrEqual(0.8)
    expect(powerOfPairs(200, 0, difference - 0.002)).toBeLessThan(0.8)
    expect(smallestDifference(5)).toBeUndefined()
    expect(pairsToTellApart(0.1, 0.1)).toBeUndefined()
    expect(powerOfPairs(100, 0, 0)).toBe(0)
  })

  test('what is no share, and no number of pairs, throws', () => {
    expect(() => powerOfPairs(1.5, 0, 0.1)).toThrow(RangeError)
    expect(() => powerOfPairs(10, 0.6, 0.6)).toThrow(RangeError)
  })
})
