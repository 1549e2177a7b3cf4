import type { RecoveryResult, WaitingTime } from '../../model/judgements.ts'
import type { CellResult } from '../../model/results.ts'
import type { Interval } from '../../stats/intervals.ts'
import { smallestForQuantile } from '../../stats/quantiles.ts'
import { summarizeOverhead } from '../overhead.ts'
import { isUntouching, summarizeRecovery } from '../recovery.ts'
import type { Evidence, EvidenceOf, Seen } from './evidence.ts'

const levels = { p50: 0.5, p95: 0.95, p99: 0.99 } as const

/** As the report has it of a cell, over all repetitions. */
export function evidenceOfOverhead(name: keyof typeof levels): EvidenceOf {
  return (_, { usable, confidence }) => {
    const { n, quotable, intervals, [name]: observed } = summarizeOverhead(usable, confidence)
    const interval = intervals?.[name]
    if (!quotable) return { observed: orNever(observed), n: 0, note: 'milliseconds are quoted at timeScale 1 alone' }
    if (!interval) return { observed: orNever(observed), n, note: whyNone(levels[name], n, 'tasks', confidence) }
    return { observed: orNever(observed), n, interval: ends(interval) }
  }
}

export function evidenceOfTakeover(_: unknown, seen: Seen): Evidence {
  const found = recoveryIn(seen)
  if (!found || found.interrupted === 0) return { observed: 0, n: 0, note: 'no outage cut a step in flight' }
  return evidenceOfWaiting(
    {
      time: found.takeover?.p90,
      ends: found.intervals?.takeoverP90,
      n: found.interrupted,
      of: 'interrupted tasks',
      q: 0.9,
    },
    seen,
  )
}

export function evidenceOfRestored(_: unknown, seen: Seen): Evidence {
  const found = recoveryIn(seen)
  const { outages = 0, tooFew = 0, untouching = 0 } = found ?? {}
  const told = outages - tooFew - untouching
  if (!found || told === 0)
    return { observed: 0, n: 0, note: 'no outage that could tell when the service was restored' }
  const evidence = evidenceOfWaiting(
    { time: found.restored, ends: found.intervals?.restored, n: told, of: 'outages', q: 0.5 },
    seen,
  )
  const touchless = untouching > 0 ? [`${untouching} more outages touched no task, and say nothing`] : []
  const note = [...(evidence.note === undefined ? [] : [evidence.note]), ...touchless].join('; ')
  return { ...evidence, ...(note !== '' && { note }), ...whyLateAllTheSame(seen, outages) }
}

/** Their tasks were late, and nobody knows that these outages touched them: no reason to blame anybody, and none to pass. */
function whyLateAllTheSame({ usable }: Seen, outages: number): Pick<Evidence, 'cannotPass'> {
  const odd = usable.flatMap(({ episodes }) =>
    episodes.filter(
      (one) => isUntouching(one) && (one.restored?.kind === 'restored' || one.restored?.kind === 'beyond'),
    ),
  )
  if (odd.length <= mostOdd * outages) return {}
  return { cannotPass: `after ${odd.length} of ${outages} outages tasks were late, though these touched none` }
}

const mostOdd = 0.05

function recoveryIn({ usable, confidence }: Seen): RecoveryResult | undefined {
  return summarizeRecovery(usable, confidence)[0]
}

interface Waited {
  readonly time: WaitingTime | undefined
  readonly ends: readonly [number | null, number | null] | undefined
  readonly n: number
  readonly of: string
  readonly q: number
}

function evidenceOfWaiting({ time, ends: found, n, of, q }: Waited, { usable, confidence }: Seen): Evidence {
  const observed = time && 'ms' in time ? orNever(time.ms) : Infinity
  const longer = found?.[0] === null ? undefined : whyLonger(usable)
  return {
    observed,
    n,
    ...(found && { interval: ends(found) }),
    ...(!found && { note: whyNone(q, n, of, confidence) }),
    ...(longer !== undefined && { cannotFail: longer }),
  }
}

/**
 * In compressed time what does not shrink, as the start of a node or a lease on its floor, makes a wait longer than at full length: it
 * may pass there, and cannot be blamed here. Who never goes on does not at any length.
 */
function whyLonger(cells: readonly CellResult[]): string | undefined {
  if (cells.every(({ cell }) => cell.timeScale === 1)) return undefined
  const [floor] = cells.flatMap(({ cell }) => cell.floored ?? [])
  const what = floor ? `, such as ${floor.name} (${floor.why})` : ', such as the start of a node'
  return `time is compressed, and what does not shrink with it${what} makes this longer than at full length`
}

function whyNone(q: number, n: number, of: string, confidence: number): string {
  const least = smallestForQuantile(q, confidence)
  if (n < least) return `${n} ${of}: too few for an interval, which takes ${least}`
  return `${n} ${of}, and too few faults that share them for an interval over faults`
}

function ends([low, high]: readonly [number | null, number | null]): Interval {
  return [orNever(low), orNever(high)]
}

function orNever(ms: number | null): number {
  return ms ?? Infinity
}
