import { expect, test } from 'vitest'
import { createRng } from '../../../harness/core/rng.ts'
import { quantileInterval } from '../../../harness/stats/quantiles.ts'
import { type Ended, waitingInterval } from '../../../harness/stats/waiting-interval.ts'

const at = (ms: number): Ended => ({ earliestMs: ms, latestMs: ms })
const over = (alone: readonly Ended[], shared: readonly (readonly Ended[])[] = []) =>
  waitingInterval({ alone, shared }, 0.9, 'fixed')
const times = Array.from({ length: 100 }, (_, i) => i + 1)

test('of times that are all known it is that of the quantile', () => {
  expect(over(times.map(at))).toEqual(quantileInterval(times, 0.9))
})

test('what is not known may be any time in its range', () => {
  const [low, high] = over(times.map(at))!
  const open = over(times.map((ms) => (ms > 80 ? { earliestMs: 80, latestMs: Infinity } : at(ms))))!
  expect(open).toEqual([80, Infinity])
  const early = over(times.map((ms) => (ms > 80 ? { earliestMs: 0, latestMs: ms } : at(ms))))!
  expect(early[0]).toBeLessThan(low)
  expect(early[1]).toBe(high)
})

test('too few times, or faults that share them, have none', () => {
  expect(over(times.slice(0, 35).map(at))).toBeUndefined()
  expect(over(times.slice(0, 36).map(at))).toBeDefined()
  expect(over([], [times.map(at), times.map(at)])).toBeUndefined()
})

test('censored exponential times: it covers the true percentile as often as it says', () => {
  const truth = -Math.log(0.1) * 100
  let covered = 0
  for (let study = 0; study < 300; study++) {
    const rng = createRng(study, 'waiting')
    const all = Array.from({ length: 80 }, () => {
      const [ms, until] = [rng.exponential(100), rng.exponential(400)]
      return ms <= until ? at(ms) : { earliestMs: until, latestMs: Infinity }
    })
    const [low, high] = over(all)!
    if (low <= truth && truth <= high) covered++
  }
  expect(covered / 300).toBeGreaterThanOrEqual(0.95)
})
