import type { Rng } from '../harness/core/rng.ts'
import type { Episode, Firings, Sample } from '../harness/stats/episodes.ts'

/** A study of which the true success rate is known, to be repeated. */
export interface Design {
  readonly firings: Firings
  /** Drawn firings: their mean number. */
  readonly faults: number
  /** Relative sizes of the episodes, in turn. */
  readonly sizes: readonly number[]
  readonly tasks: number
  /** Share of the tasks that faults touch. */
  readonly touched: number
  /** Success rates of tasks that a fault touched, and of others. */
  readonly inside: number
  readonly outside: number
  /** Likeness of fates within an episode: 0 as independent as tasks, 1 all or nothing. */
  readonly rho: number
}

/** Tasks that each of `faults` episodes touches; none where no task is left. */
function sizesOf({ sizes, faults, tasks, touched }: Design, episodes: number): readonly number[] {
  const relative = (count: number): readonly number[] =>
    Array.from({ length: count }, (_, i) => sizes[i % sizes.length]!)
  const unit = (touched * tasks) / relative(faults).reduce((a, b) => a + b, 0)
  let left = tasks
  return relative(episodes).map((size) => {
    const own = Math.min(left, Math.round(size * unit))
    left -= own
    return own
  })
}

/** What the intervals are to cover: over all studies of this design, weighted by tasks. */
export function truthOf(design: Design): number {
  const { firings, faults, tasks, inside, outside } = design
  const touched = (episodes: number): number => sizesOf(design, episodes).reduce((a, b) => a + b, 0)
  let expected = 0
  if (firings === 'fixed') expected = touched(faults)
  else
    for (let k = 0, p = Math.exp(-faults); k < faults + 12 * Math.sqrt(faults) + 20; k++, p *= faults / k)
      expected += p * touched(k)
  return outside + ((inside - outside) * expected) / tasks
}

export function drawSample(rng: Rng, design: Design): Sample {
  const { firings, faults, tasks, inside, outside, rho } = design
  const sizes = sizesOf(design, firings === 'fixed' ? faults : drawPoisson(rng, faults)).filter((size) => size > 0)
  const episodes = sizes.map((n): Episode => ({ n, failures: countFailures(rng, n, drawFate(rng, inside, rho)) }))
  const others = tasks - sizes.reduce((a, b) => a + b, 0)
  const failures = episodes.reduce((sum, episode) => sum + episode.failures, countFailures(rng, others, outside))
  return { n: tasks, failures, episodes }
}

function countFailures(rng: Rng, n: number, success: number): number {
  let failures = 0
  for (let i = 0; i < n; i++) if (rng.next() >= success) failures++
  return failures
}

/** Beta with this mean, in which two tasks' outcomes have correlation rho. */
function drawFate(rng: Rng, mean: number, rho: number): number {
  if (rho === 0 || mean === 1 || mean === 0) return mean
  if (rho === 1) return rng.next() < mean ? 1 : 0
  const total = 1 / rho - 1
  const [a, b] = [drawLogGamma(rng, mean * total), drawLogGamma(rng, (1 - mean) * total)]
  return 1 / (1 + Math.exp(b - a))
}

/** Logarithm of a gamma draw: small shapes underflow otherwise. Marsaglia and Tsang (2000). */
function drawLogGamma(rng: Rng, shape: number): number {
  if (shape < 1) return drawLogGamma(rng, shape + 1) + Math.log(1 - rng.next()) / shape
  const d = shape - 1 / 3
  for (;;) {
    const z = drawNormal(rng)
    const v = (1 + z / Math.sqrt(9 * d)) ** 3
    if (v > 0 && Math.log(1 - rng.next()) < z ** 2 / 2 + d * (1 - v + Math.log(v))) return Math.log(d * v)
  }
}

function drawNormal(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next())
}

function drawPoisson(rng: Rng, mean: number): number {
  let count = 0
  for (let sum = rng.exponential(1); sum < mean; sum += rng.exponential(1)) count++
  return count
}
