import { quantileOverEpisodes, type SharedValues, quantile } from '../stats/quantiles.ts'
import type { Overhead, TaskRow } from '../model/results.ts'
import { firingsOf, occasionsOf, type Rows } from './proportion.ts'

const levels = { p50: 0.5, p95: 0.95, p99: 0.99 } as const

/** Milliseconds beyond the ideal duration at which the client saw the right result; Infinity for never. */
export function overheadOf({ outcome, seenAt, intendedAt, idealMs }: TaskRow): number {
  if ((outcome !== 'ok' && outcome !== 'late') || seenAt === undefined) return Infinity
  return seenAt - intendedAt - idealMs
}

/** Percentiles with intervals over all tasks, ended or not: losing slow tasks makes no pattern fast. */
export function summarizeOverhead(rows: Rows): Overhead {
  const values = rows.tasks.map(overheadOf)
  const at = (q: number): number | null => finite(quantile(values, q) ?? Infinity)
  const names = Object.keys(levels) as (keyof typeof levels)[]
  const [shared, firings] = [sharedOf(rows), firingsOf([rows])]
  const found = names.map((name) => [name, quantileOverEpisodes(shared, levels[name], firings)] as const)
  return {
    p50: at(levels.p50),
    p95: at(levels.p95),
    p99: at(levels.p99),
    intervals: Object.fromEntries(found.flatMap(([name, ends]) => (ends ? [[name, ends.map(finite)]] : []))),
    n: values.length,
    quotable: rows.cell.timeScale === 1,
    tooFew: found.flatMap(([name, ends]) => (ends ? [] : [name])),
  }
}

function sharedOf({ cell, tasks }: Rows): SharedValues {
  const occasion = occasionsOf(cell)
  const groups = Map.groupBy(tasks, ({ episode }) => episode && occasion(episode))
  const alone = groups.get(undefined) ?? []
  groups.delete(undefined)
  return { alone: alone.map(overheadOf), episodes: [...groups.values()].map((members) => members.map(overheadOf)) }
}

/** JSON knows no infinity. */
function finite(value: number): number | null {
  return value === Infinity ? null : value
}
