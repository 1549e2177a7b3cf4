import { type Episode, type Firings, intervalOfCopies, intervalOverEpisodes, type Sample } from './episodes.ts'
import { checkShare, defaultConfidence } from './intervals.ts'
import { mcnemarExact, newcombePaired } from './paired-difference.ts'
import { type Needed, neededToSettle, powerOf, settles, usualPower } from './sample-size.ts'
import { binomialCdf } from './special.ts'

/** What a plan will have seen when it is done, as far as it is known beforehand. */
export interface Design {
  /** For one pattern under one arm, all repetitions together. */
  readonly tasks: number
  /** Faults that hit several tasks each. */
  readonly faults: number
  /** Share of the tasks that these touch, 0 where there are none. */
  readonly touched: number
  readonly firings: Firings
}

/** The sample of such a study in which every `rate` of the tasks succeeds, touched or not, and faults are all alike. */
export function sampleOf({ tasks, faults, touched }: Design, rate: number): Sample {
  const size = faults === 0 ? 0 : (tasks * touched) / faults
  const episode: Episode = { n: size, failures: size * (1 - rate) }
  return { n: tasks, failures: tasks * (1 - rate), episodes: Array.from({ length: faults }, () => episode) }
}

/** The highest gate that this plan can PASS, which is its interval's lower end without loss; undefined without one. */
export function highestLimit(design: Design, confidence = defaultConfidence): number | undefined {
  return intervalOverEpisodes(sampleOf(design, 1), design.firings, confidence)?.[0]
}

/** What a gate needs to PASS in four of five studies, if this is the rate and the rest per fault stays the same. */
export function neededForGate(
  design: Design,
  rate: number,
  limit: number,
  confidence = defaultConfidence,
): Needed | undefined {
  return neededToSettle(sampleOf(design, rate), design.firings, limit, confidence)
}

/** Whether four of five such studies show on which side of the limit this rate is. */
export function isSettled(design: Design, rate: number, limit: number, confidence = defaultConfidence): boolean {
  if (design.faults === 0) return powerOf(design.tasks, rate, limit, confidence) >= usualPower
  return settles(sampleOf(design, rate), design.firings, { limit, confidence }, {})
}

/** So many fates there are if those of all tasks that share a fault are one. */
export function fates({ tasks, faults, touched }: Design): number {
  return Math.round(tasks * (1 - touched)) + faults
}

/** Whether matched pairs of two such studies without any difference show that none as large as the margin was lost. */
export function pairsShow(design: Design, margin: number, confidence = defaultConfidence): boolean {
  const [low] = newcombePaired({ both: fates(design), onlyA: 0, onlyB: 0, neither: 0 }, confidence)
  return -low <= margin
}

/** The interval of such a study if this is the rate and no fault differs from another; with few faults, what it would be. */
export function expectedInterval(design: Design, rate: number): readonly [number, number] {
  return intervalOfCopies(sampleOf(design, rate), design.firings, {})
}

/** Power of exact McNemar (5 %, two-sided) over n pairs, of which these shares succeed on one side only. */
export function powerOfPairs(n: number, onlyA: number, onlyB: number, alpha = 0.05): number {
  if (!(Number.isInteger(n) && n >= 0)) throw new RangeError(`${n} is no number of pairs`)
  if (!(onlyA >= 0 && onlyB >= 0 && onlyA + onlyB <= 1))
    throw new RangeError(`${onlyA} and ${onlyB} are no shares of pairs`)
  checkShare(alpha, 'a level')
  const either = onlyA + onlyB
  if (either === 0) return 0
  let power = 0
  const [from, to] = plausible(n, either)
  for (let discordant = from; discordant <= to; discordant++) {
    const weight = pointMass(discordant, n, either)
    if (weight > 0) power += weight * rejects(discordant, onlyA / either, alpha)
  }
  return power
}

/** Pairs that separate two patterns in four of five studies; undefined beyond a million. */
export function pairsToTellApart(onlyA: number, onlyB: number, power = usualPower): number | undefined {
  checkShare(power, 'a power')
  if (onlyA === onlyB) return undefined
  const enough = (n: number): boolean => powerOfPairs(n, onlyA, onlyB) >= power
  let high = 8
  while (high < 1e6 && !enough(high)) high *= 2
  if (high >= 1e6) return undefined
  let low = high / 2
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (enough(middle)) high = middle
    else low = middle
  }
  return high
}

/**
 * The smallest difference in success that n matched pairs show in four of five studies. It assumes that the worse
 * pattern fails wherever the better one does, and on this share of the pairs alone. Undefined where even 100 % would
 * not show.
 */
export function smallestDifference(n: number, power = usualPower): number | undefined {
  checkShare(power, 'a power')
  if (powerOfPairs(n, 0, 1) < power) return undefined
  let [low, high] = [0, 1]
  while (high - low > 1e-4) {
    const middle = (low + high) / 2
    if (powerOfPairs(n, 0, middle) >= power) high = middle
    else low = middle
  }
  return high
}

/** The range that holds nearly all of a binomial distribution. */
function plausible(n: number, p: number): readonly [number, number] {
  const reach = 8 * Math.sqrt(n * p * (1 - p)) + 8
  return [Math.max(0, Math.floor(n * p - reach)), Math.min(n, Math.ceil(n * p + reach))]
}

function pointMass(k: number, n: number, p: number): number {
  return Math.max(0, binomialCdf(k, n, p) - binomialCdf(k - 1, n, p))
}

/** Probability that so many discordant pairs are one-sided enough, if `share` of them favour A. */
function rejects(discordant: number, share: number, alpha: number): number {
  const most = largestTail(discordant, alpha)
  return most < 0 ? 0 : binomialCdf(most, discordant, share) + binomialCdf(most, discordant, 1 - share)
}

/** The largest smaller side with which McNemar's test still rejects; -1 for none. */
function largestTail(discordant: number, alpha: number): number {
  let [low, high] = [-1, Math.floor(discordant / 2)]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (mcnemarExact({ onlyA: middle, onlyB: discordant - middle }) <= alpha) low = middle
    else high = middle - 1
  }
  return low
}
