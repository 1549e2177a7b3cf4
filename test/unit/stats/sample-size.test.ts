import { describe, expect, test } from 'vitest'
import { createRng, type Rng } from '../../../harness/core/rng.ts'
import { type Episode, intervalOverEpisodes, type Sample } from '../../../harness/stats/episodes.ts'
import { clopperPearson } from '../../../harness/stats/intervals.ts'
import { neededToSettle, powerOf, tasksToSettle } from '../../../harness/stats/sample-size.ts'

/** Studies by the hundred, on whatever machine. */
const slow = { timeout: 60_000 }

const settled = ([low, high]: readonly [number, number], limit: number): boolean => low >= limit || high < limit

function binomial(rng: Rng, n: number, p: number): number {
  let count = 0
  for (let i = 0; i < n; i++) if (rng.next() < p) count++
  return count
}

describe('independent tasks', () => {
  test('a flawless record needs the two-sided number', () => {
    expect(tasksToSettle(1, 0.95)).toBe(72)
    expect(tasksToSettle(1, 0.99)).toBe(368)
    expect(tasksToSettle(1, 0.9998)).toBe(18_443)
  })

  test('nothing settles a rate that is the limit, or a limit that nothing exceeds', () => {
    expect(tasksToSettle(0.95, 0.95)).toBeUndefined()
    expect(tasksToSettle(1, 1)).toBeUndefined()
  })

  test.each([
    [0.97, 0.95],
    [0.93, 0.95],
    [0.9, 0.8],
    [0.995, 0.98],
    [0.5, 0.6],
    [0.02, 0.05],
  ])('rate %f against %f: exactly that many settle in 75 to 85 of 100', (rate, limit) => {
    const n = tasksToSettle(rate, limit)!
    const rng = createRng(1, `${rate}/${limit}`)
    const runs = 1500
    let done = 0
    for (let i = 0; i < runs; i++) if (settled(clopperPearson(binomial(rng, n, rate), n), limit)) done++
    expect(done / runs).toBeGreaterThan(0.75)
    expect(done / runs).toBeLessThan(0.86)
    expect(powerOf(n, rate, limit)).toBeGreaterThanOrEqual(0.8)
  })
})

describe('tasks that share faults', () => {
  const study = (tasks: number, sizes: number, ...failures: readonly number[]): Sample => ({
    n: tasks,
    failures: failures.reduce((a, b) => a + b, 0),
    episodes: failures.map((each): Episode => ({ n: sizes, failures: each })),
  })

  test('three faults need faults, and never tasks', slow, () => {
    expect(neededToSettle(study(200, 20, 0, 0, 0), 'fixed', 0.9)).toEqual({ faults: 10 })
    expect(neededToSettle(study(200, 20, 0, 1, 0), 'fixed', 0.9)).toHaveProperty('faults')
  })

  test('without a loss, exactly that many faults settle it and one less does not', () => {
    const sizes = 20
    const { faults } = neededToSettle(study(100, sizes, 0, 0, 0, 0, 0), 'fixed', 0.9) as { faults: number }
    const flawless = (count: number) => study(count * sizes, sizes, ...Array<number>(count).fill(0))
    expect(faults).toBe(36)
    expect(settled(intervalOverEpisodes(flawless(faults), 'fixed')!, 0.9)).toBe(true)
    expect(settled(intervalOverEpisodes(flawless(faults - 1), 'fixed')!, 0.9)).toBe(false)
  })

  test('says tasks where the faults are settled and the others are few', () => {
    const sample = study(60, 2, 0, 0, 0, 0, 0)
    expect(neededToSettle(sample, 'fixed', 0.95)).toHaveProperty('faults')
    expect(neededToSettle(sample, 'fixed', 0.9)).toHaveProperty('tasks')
  })

  test.each(['fixed', 'drawn'] as const)(
    '%s: exactly that many faults settle it in 75 to 85 of 100',
    slow,
    (firings) => {
      const fates = [0, 6, 1, 0, 3, 2, 0, 8, 0, 2]
      const sample = study(400, 10, ...fates)
      const { faults } = neededToSettle(sample, firings, 0.9) as { faults: number }
      const rng = createRng(1, firings)
      const runs = 300
      let done = 0
      for (let i = 0; i < runs; i++) {
        const count = firings === 'fixed' ? faults : poisson(rng, faults)
        const drawn = Array.from({ length: count }, () => rng.pick(fates as [number, ...number[]]))
        if (settled(intervalOverEpisodes(study(40 * faults, 10, ...drawn), firings)!, 0.9)) done++
      }
      expect(done / runs).toBeGreaterThan(0.74)
      expect(done / runs).toBeLessThan(0.87)
    },
  )
})

function poisson(rng: Rng, mean: number): number {
  let count = 0
  for (let sum = rng.exponential(1); sum < mean; sum += rng.exponential(1)) count++
  return count
}
