import { exponentialSumTail, type Term } from './exponentials.ts'
import { checkConfidence, clopperPearson, defaultConfidence, type Interval } from './intervals.ts'

/** One fault firing and what became of the tasks that it touched; every task belongs to at most one episode. */
export interface Episode {
  readonly n: number
  readonly failures: number
}

export interface Sample {
  /** All tasks, touched or not. */
  readonly n: number
  readonly failures: number
  readonly episodes: readonly Episode[]
}

/** If the run were repeated. `fixed`: the same firings, other fates. `drawn`: firings from a rate, more or fewer. */
export type Firings = 'fixed' | 'drawn'

/** With fewer episodes than this no interval over them is claimed. */
export const fewestEpisodes = 5

/** Of the tasks that a fault touched together with others, and of all others. */
interface Split {
  readonly shared: readonly Episode[]
  readonly outside: { readonly n: number; readonly failures: number }
}

/** A firing that touched one task says no more than the task: it is no episode. Throws RangeError for impossible counts. */
export function splitSample({ n, failures, episodes }: Sample): Split {
  const impossible = episodes.find((one) => !(one.failures >= 0 && one.failures <= one.n))
  if (impossible) throw new RangeError(`an episode cannot lose ${impossible.failures} of ${impossible.n} tasks`)
  const shared = episodes.filter((episode) => episode.n > 1)
  const others = n - total(shared, sizeOf)
  const lost = failures - total(shared, lossOf)
  if (!(lost >= -1e-9 && lost <= others + 1e-9))
    throw new RangeError(`${failures} failures of ${n} tasks leave ${lost} of ${others} outside episodes`)
  return { shared, outside: { n: others, failures: Math.min(others, Math.max(0, lost)) } }
}

/**
 * Interval of the success rate where one fault hits many tasks, so that tasks are not independent: Outside episodes the
 * interval is Clopper-Pearson over tasks. Inside, each episode is one observation of a fate between 0 and 1, with any
 * distribution. Distances from the estimate combine both (MOVER: Zou and Donner 2008).
 *
 * Inside, each episode weighs by an exponential. One unseen episode of mean size takes the worst possible value. Fixed
 * firings: the weights are normalised, which is Gaffke's bound of a mean (2005; Learned-Miller and Thomas 2020) and
 * Clopper-Pearson over episodes where each keeps or loses all. Drawn firings: they are not, which for equal losses is
 * the exact interval of a Poisson count of them (Garwood 1936).
 *
 * Both bounds rise with every success, whatever its task. Without a shared episode it is Clopper-Pearson over tasks.
 * Undefined with one to four of them. Coverage: `bench/coverage.ts`.
 */
export function intervalOverEpisodes(
  sample: Sample,
  firings: Firings,
  confidence = defaultConfidence,
): Interval | undefined {
  const shared = splitSample(sample).shared.length
  return shared > 0 && shared < fewestEpisodes ? undefined : intervalOfCopies(sample, firings, {}, confidence)
}

/** How many times more tasks outside episodes, and episodes, a larger study of the same kind would have. */
export interface Copies {
  readonly outside?: number
  readonly episodes?: number
}

/** The same of a study with `copies` times as much evidence, and the same rates. */
export function intervalOfCopies(
  sample: Sample,
  firings: Firings,
  { outside: more = 1, episodes: often = 1 }: Copies,
  confidence = defaultConfidence,
): Interval {
  checkConfidence(confidence)
  const { n, failures } = sample
  const { shared, outside } = splitSample(sample)
  if (shared.length === 0) return clopperPearson((n - failures) * more, n * more, confidence)
  const share = outside.n / n
  const [low, high] = outside.n === 0 ? [0, 0] : clopperPearson(outside.failures * more, outside.n * more, confidence)
  const [least, most] = (firings === 'drawn' ? drawnLoss : fixedLoss)(shared, often, confidence, n)
  const lost = total(shared, lossOf)
  const far = Math.hypot(high * share - outside.failures / n, (most - lost) / n)
  const near = Math.hypot(outside.failures / n - low * share, (lost - least) / n)
  return [clamp(1 - failures / n - far), clamp(1 - failures / n + near)]
}

/** The success rate whatever the fate of all tasks that share an episode could have been. */
export function boundsWhateverShared(sample: Sample, confidence = defaultConfidence): Interval {
  const { shared, outside } = splitSample(sample)
  if (outside.n === 0) return [0, 1]
  const [low, high] = clopperPearson(outside.n - outside.failures, outside.n, confidence)
  const share = outside.n / sample.n
  return [low * share, high * share + total(shared, sizeOf) / sample.n]
}

/** Tasks lost in as many episodes of these sizes. */
function fixedLoss(episodes: readonly Episode[], copies: number, confidence: number): Interval {
  const lost = total(episodes, lossOf)
  const size = total(episodes, sizeOf)
  const above = (share: number): number => shareAbove(episodes, copies, 0, share)
  const low = lost === 0 ? 0 : crossing(above, 1 - (1 - confidence) / 2, 0, lost / size)
  return [low * size, mostOfTouched(episodes, copies, confidence) * size]
}

/** The largest share that as many episodes of these sizes could lose. */
function mostOfTouched(episodes: readonly Episode[], copies: number, confidence: number): number {
  const share = total(episodes, lossOf) / total(episodes, sizeOf)
  if (share === 1) return 1
  return crossing((at) => shareAbove(episodes, copies, 1, at), (1 - confidence) / 2, share, 1)
}

/** Probability that the weighted mean of the shares lost, with one that was not seen among them, is above `share`. */
function shareAbove(episodes: readonly Episode[], copies: number, unseen: number, share: number): number {
  const mean = total(episodes, sizeOf) / episodes.length
  return exponentialSumTail([
    ...group(episodes, copies, ({ n, failures }) => failures - share * n),
    { weight: mean * (unseen - share), shape: 1 },
  ])
}

/** Tasks lost in drawn episodes: never a larger share of all tasks than fixed episodes could lose. */
function drawnLoss(episodes: readonly Episode[], copies: number, confidence: number, n: number): Interval {
  const tail = (1 - confidence) / 2
  const seen = group(episodes, copies, ({ failures }) => failures / copies)
  const unseen: Term = { weight: total(episodes, sizeOf) / episodes.length / copies, shape: 1 }
  const lost = total(episodes, lossOf)
  const low = lost === 0 ? 0 : crossing((loss) => exponentialSumTail(seen, loss), 1 - tail, 0, lost)
  let most = 2 * (lost + unseen.weight)
  while (exponentialSumTail([...seen, unseen], most) > tail) most *= 2
  const high = crossing((loss) => exponentialSumTail([...seen, unseen], loss), tail, lost, most)
  const bounded = (lost / total(episodes, sizeOf)) * n < high
  return [low, bounded ? Math.min(high, mostOfTouched(episodes, copies, confidence) * n) : high]
}

/** Episodes alike become one term. */
function group(episodes: readonly Episode[], copies: number, weight: (episode: Episode) => number): readonly Term[] {
  const shapes = new Map<number, number>()
  for (const episode of episodes) shapes.set(weight(episode), (shapes.get(weight(episode)) ?? 0) + copies)
  return [...shapes].map(([one, shape]) => ({ weight: one, shape }))
}

/** Where a falling function meets `target`: regula falsi in the Illinois form (Dowell and Jarratt 1971). */
function crossing(falling: (x: number) => number, target: number, from: number, to: number): number {
  let [low, high] = [from, to]
  let [above, below] = [falling(low) - target, falling(high) - target]
  let side = 0
  for (let i = 0; i < 100 && high - low > 1e-10 * to; i++) {
    const x = above > 0 && below < 0 ? (low * below - high * above) / (below - above) : (low + high) / 2
    const value = falling(x) - target
    if (Math.abs(value) < 1e-9) return x
    if (value > 0) {
      if (side === 1) below /= 2
      ;[low, above, side] = [x, value, 1]
    } else {
      if (side === -1) above /= 2
      ;[high, below, side] = [x, value, -1]
    }
  }
  return (low + high) / 2
}

function sizeOf({ n }: Episode): number {
  return n
}

function lossOf({ failures }: Episode): number {
  return failures
}

function total(episodes: readonly Episode[], value: (episode: Episode) => number): number {
  return episodes.reduce((sum, episode) => sum + value(episode), 0)
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}
