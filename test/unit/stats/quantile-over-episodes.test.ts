import { expect, test } from 'vitest'
import { createRng, type Rng } from '../../../harness/core/rng.ts'
import {
  quantileOverEpisodes,
  type SharedValues,
  quantile,
  quantileInterval,
} from '../../../harness/stats/quantiles.ts'

/** Of 400 tasks, 20 faults touch three each, and every other fault makes its three late. */
function study(rng: Rng): SharedValues {
  const values = (n: number, laterMs: number): number[] => {
    return Array.from({ length: n }, () => 5 + rng.exponential(20) + laterMs)
  }
  const episodes = Array.from({ length: 20 }, () => values(3, rng.next() < 0.5 ? 300 + rng.exponential(1500) : 0))
  return { alone: values(340, 0), episodes }
}

test('values that share no fault have the interval of order statistics', () => {
  const alone = study(createRng(1, 'alone')).alone
  for (const q of [0.5, 0.95]) {
    expect(quantileOverEpisodes({ alone, episodes: [] }, q, 'fixed')).toEqual(quantileInterval(alone, q))
    const single = { alone: alone.slice(1), episodes: [[alone[0]!]] }
    expect(quantileOverEpisodes(single, q, 'fixed')).toEqual(quantileInterval(alone, q))
  }
})

test('values that share faults are covered, where those of order statistics are not', () => {
  const rng = createRng(2, 'quantiles over episodes')
  const all = ({ alone, episodes }: SharedValues): number[] => [...alone, ...episodes.flat()]
  const truth = quantile(Array.from({ length: 1000 }, () => all(study(rng))).flat(), 0.95)!
  let [over, plain] = [0, 0]
  for (let i = 0; i < 100; i++) {
    const one = study(rng)
    const [low, high] = quantileOverEpisodes(one, 0.95, 'fixed')!
    if (low <= truth && truth <= high) over++
    const [from, to] = quantileInterval(all(one), 0.95)!
    if (from <= truth && truth <= to) plain++
  }
  expect(over).toBeGreaterThanOrEqual(92)
  expect(plain).toBeLessThan(92)
})

const times = (n: number, values: readonly number[]) => Array.from({ length: n }, () => values)

test('too few faults, or too few values, have none; never is a value', () => {
  const late = [900, 950, 1000]
  const alone = Array.from({ length: 300 }, (_, i) => i)
  expect(quantileOverEpisodes({ alone, episodes: times(4, late) }, 0.5, 'fixed')).toBeUndefined()
  expect(quantileOverEpisodes({ alone: [1], episodes: times(5, [1, 2]) }, 0.99, 'fixed')).toBeUndefined()
  const never = quantileOverEpisodes({ alone, episodes: times(40, [Infinity, Infinity]) }, 0.8, 'fixed')!
  expect(never[0]).toBeLessThan(300)
  expect(never[1]).toBe(Infinity)
})
