import { describe, expect, test } from 'vitest'
import { createRng, type Rng } from '../../../harness/core/rng.ts'
import { type Cluster, clusteredInterval, type Sample } from '../../../harness/stats/clusters.ts'
import { clopperPearson, type Interval, wilson } from '../../../harness/stats/intervals.ts'

const runs = 160

function poisson(rng: Rng, mean: number): number {
  let count = 0
  for (let sum = rng.exponential(1); sum < mean; sum += rng.exponential(1)) count++
  return count
}

/** Kills drawn from a rate hit a Poisson number of tasks each; `fate` draws which share of them an episode loses. */
function drawKills(rng: Rng, n: number, meanKills: number, size: number, fate: (rng: Rng) => number): Sample {
  const episodes: Cluster[] = []
  for (let left = poisson(rng, meanKills); left > 0; left--) {
    const tasks = poisson(rng, size)
    if (tasks > 0) episodes.push({ n: tasks, failures: Math.round(fate(rng) * tasks) })
  }
  return { n, failures: episodes.reduce((sum, { failures }) => sum + failures, 0), episodes }
}

/** A fixed number of faults; each of n tasks is hit by one of them, or by none, at random. */
function hitByFixed(rng: Rng, n: number, faults: number, share: number, fate: (rng: Rng) => number): Sample {
  const fates = Array.from({ length: faults }, () => fate(rng))
  const hit = Array.from({ length: faults }, () => 0)
  const lost = Array.from({ length: faults }, () => 0)
  for (let task = 0; task < n; task++) {
    const fault = Math.floor((rng.next() / share) * faults)
    if (fault >= faults) continue
    hit[fault]!++
    if (rng.next() < fates[fault]!) lost[fault]!++
  }
  const episodes = hit.map((size, i) => ({ n: size, failures: lost[i]! })).filter((episode) => episode.n > 0)
  return { n, failures: lost.reduce((a, b) => a + b, 0), episodes }
}

/** How often intervals of samples with at least one episode contain the true success rate. */
function coverage(
  label: string,
  truth: number,
  sample: (rng: Rng) => Sample,
  interval: (sample: Sample) => Interval,
): number {
  const rng = createRng(1, label)
  let [covered, made] = [0, 0]
  while (made < runs) {
    const drawn = sample(rng)
    if (drawn.episodes.length === 0) continue
    made++
    const [low, high] = interval(drawn)
    if (low <= truth && truth <= high) covered++
  }
  return covered / runs
}

const plain = ({ n, failures }: Sample): Interval => clopperPearson(n - failures, n)
const drawn = (sample: Sample): Interval => clusteredInterval(sample, 'drawn')?.interval ?? plain(sample)
const fixed = (sample: Sample): Interval => clusteredInterval(sample, 'fixed')?.interval ?? plain(sample)
const naive = ({ n, failures }: Sample): Interval => wilson(n - failures, n)

describe('firings drawn from a rate', () => {
  const all = (): number => 1
  const allOrNothing = (rng: Rng): number => (rng.next() < 0.5 ? 1 : 0)

  test.each([1, 2, 5, 10, 40])('covers when %i kills are expected and each loses all its tasks', (kills) => {
    const truth = 1 - (kills * 10) / 2000
    const cover = coverage(`all/${kills}`, truth, (rng) => drawKills(rng, 2000, kills, 10, all), drawn)
    expect(cover).toBeGreaterThanOrEqual(0.93)
  })

  test.each([2, 5, 20])('covers when %i kills are expected and each loses all or nothing', (kills) => {
    const truth = 1 - (kills * 12.5) / 2000
    const cover = coverage(`half/${kills}`, truth, (rng) => drawKills(rng, 2000, kills, 25, allOrNothing), drawn)
    expect(cover).toBeGreaterThanOrEqual(0.93)
  })

  test('Wilson over tasks does not: this is why', () => {
    const cover = coverage('naive', 1 - (20 * 25) / 3000, (rng) => drawKills(rng, 3000, 20, 25, all), naive)
    expect(cover).toBeLessThan(0.6)
  })

  test('no loss in any episode still leaves room for one that was not seen', () => {
    const sample = { n: 500, failures: 0, episodes: Array.from({ length: 5 }, () => ({ n: 20, failures: 0 })) }
    const [low, high] = clusteredInterval(sample, 'drawn')!.interval
    expect(high).toBe(1)
    expect(1 - low).toBeCloseTo((3.689 * 20) / 500, 3)
  })
})

describe('firings fixed by the scenario', () => {
  test.each([2, 3, 10])('covers when %i faults lose every task that they hit', (faults) => {
    const cover = coverage(`certain/${faults}`, 0.7, (rng) => hitByFixed(rng, 300, faults, 0.3, () => 1), fixed)
    expect(cover).toBeGreaterThanOrEqual(0.93)
  })

  test.each([5, 10, 20])('covers when the share lost differs between %i faults', (faults) => {
    const sample = (rng: Rng): Sample => hitByFixed(rng, 400, faults, 0.4, (r) => r.next())
    expect(coverage(`differs/${faults}`, 0.8, sample, fixed)).toBeGreaterThanOrEqual(0.9)
  })

  test('with two or three faults that differ it covers less, as the documentation says', () => {
    const sample = (rng: Rng): Sample => hitByFixed(rng, 400, 3, 0.4, (r) => r.next())
    const [own, wilsons] = [fixed, naive].map((interval) => coverage('few', 0.8, sample, interval))
    expect(own).toBeGreaterThan(0.8)
    expect(wilsons).toBeLessThan(0.7)
  })

  test('one fault alone says nothing about differences', () => {
    expect(clusteredInterval({ n: 100, failures: 9, episodes: [{ n: 10, failures: 9 }] }, 'fixed')).toBeUndefined()
  })
})

test('is never shorter than Clopper-Pearson, and absent where no fault hit two tasks', () => {
  const sample: Sample = {
    n: 300,
    failures: 12,
    episodes: [
      { n: 6, failures: 6 },
      { n: 6, failures: 6 },
    ],
  }
  for (const firings of ['drawn', 'fixed'] as const) {
    const { interval, clusters } = clusteredInterval(sample, firings)!
    expect(clusters).toBe(2)
    expect(interval[0]).toBeLessThanOrEqual(plain(sample)[0])
    expect(interval[1]).toBeGreaterThanOrEqual(plain(sample)[1])
    expect(clusteredInterval({ ...sample, episodes: [{ n: 1, failures: 1 }] }, firings)).toBeUndefined()
    expect(clusteredInterval({ ...sample, episodes: [] }, firings)).toBeUndefined()
  }
})
