import { clopperPearson, defaultConfidence, type Interval } from './intervals.ts'
import { chiSquareQuantile, studentCritical } from './special.ts'

/** One fault firing and what became of the tasks that it touched; every task belongs to at most one episode. */
export interface Cluster {
  readonly n: number
  readonly failures: number
}

export interface Sample {
  /** All tasks, touched or not. */
  readonly n: number
  readonly failures: number
  readonly episodes: readonly Cluster[]
}

export interface ClusteredInterval {
  readonly interval: Interval
  readonly clusters: number
  readonly method: string
}

/**
 * Interval of the success rate where one fault hits many tasks, so that tasks are not independent.
 * Which one is right depends on what would change if the run were repeated:
 *
 * - `drawn`: the firings came from a rate, so another run has other faults, more or fewer. The lost share is a sum of
 *   Poisson events of unequal weight: each episode weighs the tasks it lost, each loss outside an episode one task.
 *   Gamma interval for such sums (Fay and Feuer 1997), with the largest episode as the weight of what was not seen.
 * - `fixed`: the same firings would happen again. Only fates that differ between episodes beyond their sizes add
 *   variance: effective sample size by linearisation, Satterthwaite degrees of freedom, Clopper-Pearson on the
 *   effective counts (Korn and Graubard 1998). One episode says nothing about differences: needs two.
 *
 * Never shorter than Clopper-Pearson. Undefined where no episode holds two tasks, or a fixed design has one episode.
 * Coverage is measured in `test/unit/stats/clusters.test.ts`.
 */
export function clusteredInterval(
  sample: Sample,
  firings: 'drawn' | 'fixed',
  confidence = defaultConfidence,
): ClusteredInterval | undefined {
  const clusters = sample.episodes.length
  if (!sample.episodes.some(({ n }) => n > 1) || (firings === 'fixed' && clusters < 2)) return undefined
  const drawn = firings === 'drawn'
  const own = drawn ? fayFeuer(sample, confidence) : kornGraubard(sample, confidence)
  const plain = clopperPearson(sample.n - sample.failures, sample.n, confidence)
  const interval: Interval = [Math.min(own[0], plain[0]), Math.max(own[1], plain[1])]
  const method = drawn ? 'Fay-Feuer gamma over fault episodes' : 'Korn-Graubard over fault episodes'
  return { interval, clusters, method }
}

function fayFeuer({ n, failures, episodes }: Sample, confidence: number): Interval {
  const single = failures - sum(episodes, (e) => e.failures)
  const mean = failures / n
  const variance = (sum(episodes, (e) => e.failures ** 2) + single) / n ** 2
  const largest = Math.max(1, ...episodes.map((e) => e.n)) / n
  const tail = (1 - confidence) / 2
  const low = mean === 0 ? 0 : scaledChiSquare(tail, mean, variance)
  const high = scaledChiSquare(1 - tail, mean + largest, variance + largest ** 2)
  return [Math.max(0, 1 - high), 1 - low]
}

/** Quantile of the scaled chi-square with this mean and variance. */
function scaledChiSquare(p: number, mean: number, variance: number): number {
  return (variance / (2 * mean)) * chiSquareQuantile(p, (2 * mean ** 2) / variance)
}

function kornGraubard(sample: Sample, confidence: number): Interval {
  const { n, failures } = sample
  const rate = failures / n
  const { variance, freedom } = linearizedVariance(sample)
  const binomial = n * rate * (1 - rate)
  if (variance <= binomial) return clopperPearson(n - failures, n, confidence)
  const widening = (studentCritical(confidence, n - 1) / studentCritical(confidence, freedom)) ** 2
  const effective = ((n * binomial) / variance) * widening
  return clopperPearson((1 - rate) * effective, effective, confidence)
}

/** Variance of the number of failures: between episodes given their sizes, plus binomial outside them. */
function linearizedVariance({ n, failures, episodes }: Sample): { variance: number; freedom: number } {
  const clusters = episodes.length
  const touched = sum(episodes, (e) => e.n)
  const lost = sum(episodes, (e) => e.failures)
  const residuals = sum(episodes, (e) => (e.failures - (lost / touched) * e.n) ** 2)
  const between = (clusters / (clusters - 1)) * residuals
  const others = n - touched
  const outside = others > 0 ? (failures - lost) * (1 - (failures - lost) / others) : 0
  const variance = between + outside
  const freedom = variance ** 2 / (between ** 2 / (clusters - 1) + outside ** 2 / Math.max(1, others - 1))
  return { variance, freedom }
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
