import type { ControlFigures } from '../../model/results.ts'
import { clopperPearson, type Interval } from '../../stats/intervals.ts'
import { occasionsOf } from '../proportion.ts'
import type { Evidence, EvidenceOf, Seen } from './evidence.ts'

/** How many of how many are not as they should be; undefined where the run is older than the figure. */
type Count = (figures: ControlFigures) => readonly [bad: number | undefined, all: number]

/** What had ended before begins no step. */
export const afterCancel: Count = ({ cancel: { tasksBegunAfter, atWork } }) => {
  return [atWork === undefined ? undefined : tasksBegunAfter, Math.max(atWork ?? 0, tasksBegunAfter ?? 0)]
}
/** A command whose log is gone with its task is lost as well: nobody will answer it. */
export const commandsLost: Count = ({ commands: { acknowledged, judged, lost, doubled } }) => {
  return [judged === undefined ? undefined : lost + doubled + (acknowledged - judged), acknowledged]
}
/** Who never came to the end of its budget tells nothing of it. */
export const overBudget: Count = ({ budget: { stopped, tasksBeyond } }) => {
  return [tasksBeyond, Math.max(stopped, tasksBeyond ?? 0)]
}

/**
 * Repetitions are pooled. Who were controlled under the same faults are not independent, and nobody recorded which of them a
 * fault met: under faults there are no more observations than faults (Clopper-Pearson over these). A share that is no whole
 * number of them has the upper end of the next one above, and the lower end of the next one below.
 */
export function evidenceOfControls(count: Count): EvidenceOf {
  return (_, { usable, confidence }) => {
    const counted = figuresOf(usable).map(count)
    const [bad, n] = [0, 1].map((i) => counted.reduce((sum, one) => sum + (one[i] ?? 0), 0)) as [number, number]
    if (counted.length < usable.length || counted.some(([some]) => some === undefined) || n === 0) return nothing
    const faults = faultsOf(usable)
    const observations = faults > 0 ? Math.min(n, faults) : n
    return {
      observed: bad / n,
      n,
      interval: intervalAround((bad / n) * observations, observations, confidence),
      ...(observations < n && { faults, note: `no more than ${faults} faults, so as many observations` }),
    }
  }
}

/** A hair of rounding makes no other whole number of it. */
function intervalAround(bad: number, n: number, confidence: number): Interval {
  const whole = Math.round(bad)
  const [below, above] = Math.abs(bad - whole) < 1e-9 ? [whole, whole] : [Math.floor(bad), Math.ceil(bad)]
  return [clopperPearson(below, n, confidence)[0], clopperPearson(above, n, confidence)[1]]
}

/** The median of a time, and its interval. */
type Time = (figures: ControlFigures) => {
  readonly median: number | undefined
  readonly interval: Interval | undefined
  readonly n: number
}

export const cancelledTime: Time = ({ cancel: { acknowledgedMs, acknowledgedIn, sent } }) => {
  return { median: acknowledgedMs, interval: acknowledgedIn, n: sent }
}
export const stoppedTime: Time = ({ commands: { stoppedMs, stoppedIn, tasksStopped = 0 } }) => {
  return { median: stoppedMs, interval: stoppedIn, n: tasksStopped }
}

/** Intervals of all repetitions together, as far as any of them reaches (intersection-union test: Berger 1982). */
export function evidenceOfControlTime(time: Time): EvidenceOf {
  return (_, { usable }): Evidence => {
    const times = figuresOf(usable).map(time)
    const n = times.reduce((sum, one) => sum + one.n, 0)
    const medians = times.flatMap(({ median }) => median ?? [])
    if (n === 0 || medians.length < usable.length) return nothing
    const known = times.flatMap(({ interval }) => (interval ? [interval] : []))
    const observed = Math.max(...medians)
    if (known.length < times.length) return { observed, n, note: whyNoInterval(usable) }
    return {
      observed,
      n,
      interval: [Math.min(...known.map(([low]) => low)), Math.max(...known.map(([, high]) => high))],
    }
  }
}

const nothing: Evidence = {
  observed: 0,
  n: 0,
  note: 'in a repetition nothing of the kind was seen, or not of half of the tasks',
}

function figuresOf(usable: Seen['usable']): readonly ControlFigures[] {
  return usable.flatMap(({ control }) => control ?? [])
}

/** What never took effect is no observation; where none of them did, all that was seen is one. */
function faultsOf(usable: Seen['usable']): number {
  if (!usable.some(({ cell }) => cell.faults.length > 0)) return 0
  return Math.max(
    1,
    usable.map(effectiveIn).reduce((a, b) => a + b, 0),
  )
}

function effectiveIn({ cell, faults }: Seen['usable'][number]): number {
  const vain = new Set(faults.filter(({ proven }) => !proven).map(({ id }) => id))
  const ids = cell.faults.map(({ id }) => id).filter((id) => !vain.has(id))
  return new Set(ids.map(occasionsOf(cell))).size
}

function whyNoInterval(usable: Seen['usable']): string {
  return faultsOf(usable) > 0
    ? 'tasks that share a fault have no interval of times'
    : 'too few tasks in a repetition, or too many of which it never came, for an interval'
}
