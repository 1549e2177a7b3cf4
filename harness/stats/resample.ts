import { createRng, type Rng } from '../core/rng.ts'
import { type Episode, type Firings, intervalOverEpisodes, type Sample, splitSample } from './episodes.ts'
import { binomialCdf } from './special.ts'

/** Enough to tell 80 % from 75 and 85 %. */
const studies = 400

/**
 * How often a study of this size shows on which side of `limit` its rate is. Each study draws as many faults, with
 * replacement, from those seen, and each fault has as many tasks as now. The same draws at every number, so that more
 * is never less but by what the faults themselves do.
 */
export function powerOfFaults(sample: Sample, firings: Firings, limit: number, faults: number): number {
  const above = 1 - sample.failures / sample.n > limit
  let settled = 0
  for (let i = 0; i < studies; i++) {
    const interval = intervalOverEpisodes(redraw(createRng('power', String(i)), sample, firings, faults), firings)
    if (interval && (above ? interval[0] >= limit : interval[1] < limit)) settled++
  }
  return settled / studies
}

/** As many tasks as a study of this size has, whatever drawn faults leave of them. */
function redraw(rng: Rng, sample: Sample, firings: Firings, faults: number): Sample {
  const { shared, outside } = splitSample(sample)
  const tasks = Math.round((sample.n * faults) / shared.length)
  const count = firings === 'fixed' ? faults : drawPoisson(rng.fork('count'), faults)
  const picks = rng.fork('picks')
  const episodes = Array.from({ length: count }, () => picks.pick(shared as [Episode, ...Episode[]]))
  const total = (value: (episode: Episode) => number): number => episodes.reduce((sum, one) => sum + value(one), 0)
  const touched = total(({ n }) => n)
  const others = Math.max(0, tasks - touched)
  const lost = outside.failures === 0 ? 0 : drawBinomial(rng.fork('outside'), others, outside.failures / outside.n)
  return { n: others + touched, failures: lost + total(({ failures }) => failures), episodes }
}

function drawBinomial(rng: Rng, n: number, p: number): number {
  const u = rng.next()
  let [low, high] = [-1, n]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (binomialCdf(middle, n, p) >= u) high = middle
    else low = middle
  }
  return high
}

function drawPoisson(rng: Rng, mean: number): number {
  let count = 0
  for (let sum = rng.exponential(1); sum < mean; sum += rng.exponential(1)) count++
  return count
}
