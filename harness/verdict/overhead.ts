import { defaultConfidence } from '../stats/intervals.ts'
import { quantileOverEpisodes, type SharedValues, sorted, sortedQuantile } from '../stats/quantiles.ts'
import type { Overhead, TaskRow } from '../model/results.ts'
import { firingsOf, occasionsOf, type Rows } from './proportion.ts'

const levels = { p50: 0.5, p95: 0.95, p99: 0.99 } as const

/** Milliseconds beyond the ideal duration at which the client saw the right result; Infinity for never. */
export function overheadOf({ outcome, seenAt, intendedAt, idealMs }: TaskRow): number {
  if ((outcome !== 'ok' && outcome !== 'late') || seenAt === undefined) return Infinity
  return seenAt - intendedAt - idealMs
}

/** Percentiles with intervals over all tasks, ended or not: losing slow tasks makes no pattern fast. Repetitions are pooled. */
export function summarizeOverhead(cells: readonly Rows[], confidence = defaultConfidence): Overhead {
  const values = sorted(cells.flatMap(({ tasks }) => tasks.map(overheadOf)))
  const at = (q: number): number | null => finite(sortedQuantile(values, q) ?? Infinity)
  const names = Object.keys(levels) as (keyof typeof levels)[]
  const [shared, firings] = [sharedOf(cells), firingsOf(cells)]
  const found = names.map((name) => [name, quantileOverEpisodes(shared, levels[name], firings, confidence)] as const)
  return {
    p50: at(levels.p50),
    p95: at(levels.p95),
    p99: at(levels.p99),
    intervals: Object.fromEntries(found.flatMap(([name, ends]) => (ends ? [[name, ends.map(finite)]] : []))),
    n: values.length,
    quotable: cells.every(({ cell }) => cell.timeScale === 1),
    tooFew: found.flatMap(([name, ends]) => (ends ? [] : [name])),
  }
}

function sharedOf(cells: readonly Rows[]): SharedValues {
  const alone = cells.flatMap(({ tasks }) => tasks.filter(({ episode }) => episode === undefined))
  const episodes = cells.flatMap(({ cell, tasks }) => {
    const occasion = occasionsOf(cell)
    const groups = Map.groupBy(tasks, ({ episode }) => episode && occasion(episode))
    groups.delete(undefined)
    return [...groups.values()]
  })
  return { alone: alone.map(overheadOf), episodes: episodes.map((members) => members.map(overheadOf)) }
}

/** JSON knows no infinity. */
function finite(value: number): number | null {
  return value === Infinity ? null : value
}
