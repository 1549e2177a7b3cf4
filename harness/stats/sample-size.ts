import {
  type Copies,
  type Episode,
  fewestEpisodes,
  type Firings,
  intervalOfCopies,
  type Sample,
  splitSample,
  intervalOverEpisodes,
} from './episodes.ts'
import { checkConfidence, checkShare, defaultConfidence } from './intervals.ts'
import { binomialCdf } from './special.ts'
import { createRng, type Rng } from '../core/rng.ts'

/** The share of studies that "needed" is to settle. */
export const usualPower = 0.8
/** The standard normal quantile of it. */
const powerZ = 0.8416212335729143

/** Beyond these "needed" is no longer advice. */
const mostTasks = 1e7
const mostLost = 1e6
const mostFaults = 1e5
/** Above this the normal approximation is as good as drawing studies. */
const mostResampled = 300

export type Needed = { readonly tasks: number } | { readonly faults: number }

/**
 * What settles on which side of `limit` the success rate is, in four of five studies, if the observed rates hold.
 * Either independent tasks, or faults with as many tasks each as now. Where tasks share faults it says tasks only if
 * more of them under the same faults would do. Undefined where no number would: the observed rate is the limit, or
 * nothing was observed.
 */
export function neededToSettle(
  sample: Sample,
  firings: Firings,
  limit: number,
  confidence = defaultConfidence,
): Needed | undefined {
  checkShare(limit, 'a limit')
  const gate = { limit, confidence }
  const faults = splitSample(sample).shared.length
  if (sample.n === 0) return undefined
  if (faults === 0) {
    const tasks = tasksToSettle((sample.n - sample.failures) / sample.n, limit, usualPower, confidence)
    return tasks === undefined ? undefined : { tasks }
  }
  if (faults >= fewestEpisodes) {
    const tasks = smallest(sample.n, mostTasks, (n) => settles(sample, firings, gate, { outside: n / sample.n }))
    if (tasks !== undefined) return { tasks }
  }
  const enough = (count: number): boolean => {
    return settles(sample, firings, gate, { outside: count / faults, episodes: count / faults })
  }
  const guess = smallest(fewestEpisodes, mostFaults, enough)
  if (guess === undefined) return undefined
  const exact = sample.failures === 0 || guess > mostResampled
  return { faults: exact ? guess : refine(guess, (count) => powerOfFaults(sample, firings, gate, count)) }
}

/** Near a guess: the number from which on power is enough, up to its jumps. */
function refine(guess: number, power: (faults: number) => number): number {
  let [low, high] = [guess, guess]
  while (power(high) < usualPower && high < 4 * mostResampled) [low, high] = [high, Math.ceil(high * 1.3)]
  if (low === high)
    while (low > fewestEpisodes && power(low) >= usualPower) low = Math.max(fewestEpisodes, Math.floor(low / 1.3))
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (power(middle) >= usualPower) high = middle
    else low = middle
  }
  return low >= fewestEpisodes && power(low) >= usualPower ? low : high
}

/**
 * Independent tasks with which the Clopper-Pearson interval lies on the right side of `limit` with this probability, if
 * successes have probability `rate`. Power is a saw: the first n at which it is enough, and not far more if there is one.
 */
export function tasksToSettle(
  rate: number,
  limit: number,
  power = usualPower,
  confidence = defaultConfidence,
): number | undefined {
  checkShare(rate, 'a rate')
  checkShare(limit, 'a limit')
  checkShare(power, 'a power')
  if (rate === limit) return undefined
  if (rate < limit) return tasksToSettle(1 - rate, 1 - limit, power, confidence)
  // A tooth for each number of failures that may be among them: power jumps up at its first n and falls from there.
  const peak = (lost: number): number => powerOf(firstWith(lost, limit, confidence), rate, limit, confidence)
  const lost = smallest(0, mostLost, (count) => peak(count) >= power)
  if (lost === undefined) return undefined
  const [from, next] = [firstWith(lost, limit, confidence), firstWith(lost + 1, limit, confidence)]
  if (powerOf(next - 1, rate, limit, confidence) > power + 0.05) return from
  return smallest(from, next - 1, (n) => powerOf(n, rate, limit, confidence) <= power + 0.05)
}

/** The fewest tasks of which so many may fail without doubt that the limit is kept. */
function firstWith(lost: number, limit: number, confidence: number): number {
  return smallest(lost + 1, mostTasks, (n) => isAbove(n - lost, n, limit, confidence)) ?? mostTasks
}

/** So many successes would be too rare at the limit itself: the Clopper-Pearson interval lies above it. */
function isAbove(successes: number, n: number, limit: number, confidence = defaultConfidence): boolean {
  return 1 - binomialCdf(successes - 1, n, limit) <= (1 - confidence) / 2
}

/** Probability that n independent tasks show by Clopper-Pearson on which side of the limit the rate is. */
export function powerOf(n: number, rate: number, limit: number, confidence = defaultConfidence): number {
  if (!(Number.isInteger(n) && n >= 0)) throw new RangeError(`${n} is no number of tasks`)
  checkShare(rate, 'a rate')
  checkShare(limit, 'a limit')
  checkConfidence(confidence)
  if (rate < limit) return powerOf(n, 1 - rate, 1 - limit, confidence)
  if (!isAbove(n, n, limit, confidence)) return 0
  return 1 - binomialCdf(smallest(0, n, (k) => isAbove(k, n, limit, confidence))! - 1, n, rate)
}

interface Limit {
  readonly limit: number
  readonly confidence: number
}

/** Whether a study of this size settles it even where it is one of the worse ones: its power quantile. */
export function settles(sample: Sample, firings: Firings, { limit, confidence }: Limit, copies: Copies): boolean {
  const above = 1 - sample.failures / sample.n > limit
  const unlucky = shifted(sample, firings, copies, above ? 1 : -1)
  const [low, high] = intervalOfCopies(unlucky, firings, copies, confidence)
  return above ? low >= limit : high < limit
}

/** The same study with as many more, or fewer, failures as one of five would have. */
function shifted(sample: Sample, firings: Firings, copies: Copies, direction: 1 | -1): Sample {
  const { failures, n, episodes } = sample
  if (failures === 0) return sample
  const factor = Math.max(0, 1 + (direction * powerZ * Math.sqrt(variance(sample, firings, copies))) / failures)
  const { shared, outside } = splitSample(sample)
  const moved = episodes.map((one) =>
    shared.includes(one) ? { n: one.n, failures: Math.min(one.n, one.failures * factor) } : one,
  )
  const others = Math.min(outside.n, outside.failures * factor)
  return { n, failures: others + moved.reduce((sum, one) => sum + (one.n > 1 ? one.failures : 0), 0), episodes: moved }
}

/** Of the number of failures: between episodes (of one alone as if it lost all or nothing), and binomial outside them. */
function variance(sample: Sample, firings: Firings, { outside: more = 1, episodes: often = 1 }: Copies): number {
  const { shared, outside } = splitSample(sample)
  const binomial = outside.n === 0 ? 0 : outside.failures * (1 - outside.failures / outside.n)
  return betweenEpisodes(shared, firings) / often + binomial / more
}

function betweenEpisodes(shared: readonly Episode[], firings: Firings): number {
  const lost = shared.reduce((sum, { failures }) => sum + failures, 0)
  const touched = shared.reduce((sum, { n }) => sum + n, 0)
  if (firings === 'drawn') return shared.reduce((sum, { failures }) => sum + failures ** 2, 0)
  if (shared.length < 2) return lost * (touched - lost)
  const squares = shared.reduce((sum, { n, failures }) => sum + (failures - (lost / touched) * n) ** 2, 0)
  return (squares * shared.length) / (shared.length - 1)
}

/** The smallest whole number in the range that is enough, where more is never less; undefined for none. */
function smallest(from: number, to: number, enough: (n: number) => boolean): number | undefined {
  if (enough(from)) return from
  let [low, high] = [from, Math.max(1, 2 * from)]
  while (high < to && !enough(high)) [low, high] = [high, high * 2]
  if (high >= to) {
    high = to
    if (!enough(high)) return undefined
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (enough(middle)) high = middle
    else low = middle
  }
  return high
}

/** Enough to tell 80 % from 75 and 85 %. */
const studies = 400

/**
 * How often a study of this size shows on which side of `limit` its rate is. Each study draws as many faults, with
 * replacement, from those seen, and each fault has as many tasks as now. The same draws at every number, so that more
 * is never less but by what the faults themselves do.
 */
function powerOfFaults(sample: Sample, firings: Firings, { limit, confidence }: Limit, faults: number): number {
  const above = 1 - sample.failures / sample.n > limit
  let settled = 0
  for (let i = 0; i < studies; i++) {
    const study = redraw(createRng('power', String(i)), sample, firings, faults)
    const interval = intervalOverEpisodes(study, firings, confidence)
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
