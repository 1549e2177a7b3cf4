import type { Restored } from '../model/results.ts'
import { type Bad, worseThan } from './fisher.ts'
import { quantile } from './quantiles.ts'

/** A task that began after the onset of an outage; times in milliseconds. */
export interface Begun {
  /** Intended start, since the onset. */
  readonly at: number
  /** From when it was due (intended + ideal) until its client saw the right result; Infinity for never. */
  readonly lagMs: number
}

/** What is on time in this cell, from tasks that no outage touched. */
export interface Ordinary extends Bad {
  readonly medianLagMs: number
  /** A longer lag is late: an absolute time, whatever the length of a task. */
  readonly limitMs: number
}

export interface Window {
  /** From the onset to the heal. */
  readonly faultMs: number
  /** From the onset to the next one, or to the end of the load: later times are unknown. */
  readonly untilMs: number
  /** How long tasks must stay on time. */
  readonly holdMs: number
}

const fewest = 3
/** So many tasks by themselves show what is ordinary. */
const many = 20
const resolutionMs = 100
/** Chance of seeing an outage where there was none: over the beginnings of the time after the onset, and over all of it. */
const alphaOfBeginnings = 0.025
const alphaOfAll = 0.015
/** Chance of seeing an end where there was none, where only shares tell; and of taking an ordinary time for a worse one. */
const alphaOfEnd = 0.0005
const alphaOfHold = 0.02
/** Chance that an outage which spares some tasks lasted longer than a bound says. */
const alphaOfSpared = 0.05
/** Tasks begun within the fault that are so much worse than the ordinary by chance leave it in doubt whether there was none. */
const alphaOfDoubt = 0.1
/** An outage raises the share of late tasks by this much, over all of the time after its onset. */
const riseOfOutage = 0.05
const riseInDoubt = 0.08
const riseAfterwards = 0.1
/** Fewer tasks than these could hide more. */
const doubtful = { tasks: 50, rise: 0.03 }

/** Late: never seen, or beyond 1.5 x the p95 and the machine's noise. The quartiles are a second opinion on a p95. */
export function ordinaryOf(lagsMs: readonly number[]): Ordinary | undefined {
  const seen = lagsMs.filter(Number.isFinite)
  if (seen.length < 5) return undefined
  const medianLagMs = quantile(seen, 0.5)!
  const byQuartiles = medianLagMs + 4 * (quantile(seen, 0.75)! - quantile(seen, 0.25)!)
  const limitMs = Math.max(Math.min(1.5 * quantile(seen, 0.95)!, byQuartiles), medianLagMs + resolutionMs)
  return { medianLagMs, limitMs, n: lagsMs.length, bad: lagsMs.filter((lag) => lag > limitMs).length }
}

/**
 * From the onset of an outage until tasks that begin are on time again, and stay so. `begun`: those that began after it
 * and that no other outage touched, in the order of their beginning. The length of a task does not matter. A task that
 * began at `at` and was held up until the service was back has the lag `back - at`. So `at + lag` is when it was back.
 */
export function findRestored(begun: readonly Begun[], ordinary: Ordinary, window: Window): Restored {
  const isLate = begun.map(({ lagMs }) => lagMs > ordinary.limitMs)
  const late = prefixSums(isLate)
  if (!isOutageSeen(late, ordinary)) return mayBeUnseen(begun, isLate, ordinary, window.faultMs) ? tooFew : unbroken
  const arrivals = { begun, late, ordinary, window }
  const last = lastOfOutage(late, ordinary)
  if (last < fewest) return tooFew
  const found = letGo(arrivals, last) ?? endByShares(arrivals, last)
  return found.kind === 'restored' && isWorseAfterwards(arrivals, found.ms) ? tooFew : found
}

/** Too few tasks to say that they are worse than the ordinary beyond chance, and too many late ones to say that all is well. */
function isWorseAfterwards({ begun, late, ordinary }: AfterOnset, ms: number): boolean {
  const from = begun.filter(({ at }) => at <= ms).length
  return shareOf(between(late, from, begun.length)) - shareOf(ordinary) >= riseAfterwards
}

interface AfterOnset {
  readonly begun: readonly Begun[]
  readonly late: readonly number[]
  readonly ordinary: Ordinary
  readonly window: Window
}

const tooFew = { kind: 'too-few' } as const
const unbroken = { kind: 'unbroken' } as const

/** One entry for every `k` from 0. */
function prefixSums(isLate: readonly boolean[]): readonly number[] {
  const sums = [0]
  for (const one of isLate) sums.push(sums.at(-1)! + Number(one))
  return sums
}

/**
 * An outage begins at its onset, so only beginnings are compared with the ordinary: 3, 4, 6, 8, 12, ... tasks, and all
 * tasks. The shortest beginnings share most of the error rate. All tasks together show what is slight and lasts.
 */
function isOutageSeen(late: readonly number[], ordinary: Ordinary): boolean {
  const n = late.length - 1
  if (n < fewest) return false
  const isMore = late[n]! / n - shareOf(ordinary) >= riseOfOutage
  if (isMore && worseThan({ bad: late[n]!, n }, ordinary) <= alphaOfAll) return true
  return beginnings(n).some((k, i) => {
    return worseThan({ bad: late[k]!, n: k }, ordinary) <= alphaOfBeginnings / ((i + 1) * (i + 2))
  })
}

function beginnings(n: number): readonly number[] {
  const sizes: number[] = []
  for (let size = 4; size <= n; size *= 2) sizes.push((size * 3) / 4, size)
  return n >= fewest && sizes.length === 0 ? [fewest] : sizes
}

/** Whether an outage that was not seen could have been: it has three arrivals, and the first ones are on time. */
function mayBeUnseen(
  begun: readonly Begun[],
  isLate: readonly boolean[],
  ordinary: Ordinary,
  faultMs: number,
): boolean {
  const within = begun.filter(({ at }) => at <= faultMs).length
  if (within < fewest) return true
  const duringFault = { bad: isLate.slice(0, within).filter(Boolean).length, n: within }
  if (worseThan(duringFault, ordinary) <= alphaOfDoubt) return true
  const onTimeFrom = isLate.indexOf(false)
  if (onTimeFrom < 0 || onTimeFrom > 1 || (onTimeFrom === 1 && within < many)) return true
  const rise = isLate.filter(Boolean).length / isLate.length - shareOf(ordinary)
  return rise > (isLate.length < doubtful.tasks ? doubtful.rise : riseInDoubt)
}

function shareOf({ bad, n }: Bad): number {
  return bad / n
}

/** The number of tasks in the outage: where a change of the share of late ones is likeliest (maximum likelihood). */
function lastOfOutage(late: readonly number[], ordinary: Ordinary): number {
  const n = late.length - 1
  let [best, bestFit] = [n, -Infinity]
  for (let k = 1; k <= n; k++) {
    const before = { bad: late[k]!, n: k }
    const after = { bad: late[n]! - late[k]! + ordinary.bad, n: n - k + ordinary.n }
    const fit = logLikelihood(before) + logLikelihood(after)
    if (fit > bestFit && before.bad * after.n >= after.bad * before.n) [best, bestFit] = [k, fit]
  }
  return best
}

function logLikelihood({ bad, n }: Bad): number {
  const part = (count: number): number => (count === 0 ? 0 : count * Math.log(count / n))
  return part(bad) + part(n - bad)
}

/**
 * Each task that was held up says by its delay when it was let go. Where the last three of them agree on that, and what began
 * afterwards is on time, the outage ended then. A task that was lost meanwhile may be an ordinary loss.
 */
function letGo({ begun, late, ordinary, window }: AfterOnset, last: number): Restored | undefined {
  const { limitMs, medianLagMs } = ordinary
  const heldUp = begun.slice(0, last).filter(({ lagMs }) => lagMs > limitMs && lagMs < Infinity)
  const times = heldUp.slice(-fewest).map(({ at, lagMs }) => at + lagMs - medianLagMs)
  const ms = quantile(times, 0.5)!
  if (times.length < fewest || times.some((time) => Math.abs(time - ms) > limitMs)) return undefined
  const from = begun.filter(({ at }) => at <= ms).length
  const arrivals = { begun, late, ordinary, window }
  return from >= fewest && isWatched(arrivals, ms) && staysOnTime(arrivals, from) ? { kind: 'restored', ms } : undefined
}

/** Where delays do not tell: from the first task on time, if what follows it is better than the outage beyond chance. */
function endByShares(arrivals: AfterOnset, last: number): Restored {
  const { begun, late, ordinary, window } = arrivals
  const n = begun.length
  const from = begun[last]?.at
  if (from === undefined || !isWatched(arrivals, from) || !staysOnTime(arrivals, last))
    return beyond(begun, late, window)
  const atLatest = begun[last + onTimeByLuck(between(late, 0, last))]?.at
  if (atLatest === undefined) return tooFew
  const [during, after] = [between(late, 0, last), between(late, last, n)]
  if (worseThan(during, after) <= alphaOfEnd / Math.sqrt(n)) return { kind: 'restored', ms: atLatest, atMost: true }
  return worseThan(after, ordinary) <= alphaOfHold ? beyond(begun, late, window) : tooFew
}

/** An outage that spares a share of the tasks may have gone on for so many that were on time, with a chance of 5 %. */
function onTimeByLuck({ bad, n }: Bad): number {
  return bad === n ? 0 : Math.max(0, Math.ceil(Math.log(alphaOfSpared) / Math.log(1 - bad / n)) - 1)
}

function isWatched({ window }: AfterOnset, from: number): boolean {
  return window.untilMs - from >= window.holdMs
}

/** The next 20 tasks, or those of the time to hold if they are more, are no worse than the ordinary. */
function staysOnTime({ begun, late, ordinary, window }: AfterOnset, from: number): boolean {
  const first = begun[from]
  if (!first) return false
  const held = begun.findIndex(({ at }, i) => i >= from + many && at > first.at + window.holdMs)
  return worseThan(between(late, from, held < 0 ? begun.length : held), ordinary) > alphaOfHold
}

function between(late: readonly number[], from: number, to: number): Bad {
  return { bad: late[to]! - late[from]!, n: to - from }
}

/** Until the last task that was late it was not restored. */
function beyond(begun: readonly Begun[], late: readonly number[], { untilMs }: Window): Restored {
  const lastLate = begun[late.indexOf(late.at(-1)!) - 1]
  return { kind: 'beyond', ms: Math.min(untilMs, lastLate?.at ?? untilMs) }
}
