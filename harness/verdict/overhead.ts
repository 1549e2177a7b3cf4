import { quantile, quantileInterval, smallestForQuantile } from '../stats/quantiles.ts'
import type { Overhead, TaskRow } from '../store/schema.ts'

const levels = { p50: 0.5, p95: 0.95, p99: 0.99 } as const

/** Milliseconds beyond the ideal duration at which the client saw the right result; Infinity for never. */
export function overheadOf({ outcome, seenAt, intendedAt, idealMs }: TaskRow): number {
  if ((outcome !== 'ok' && outcome !== 'late') || seenAt === undefined) return Infinity
  return seenAt - intendedAt - idealMs
}

/** Percentiles with their intervals over all tasks given, also those that never ended: a pattern is not fast because it lost its slow tasks. */
export function summarizeOverhead(tasks: readonly TaskRow[], timeScale: number): Overhead {
  const values = tasks.map(overheadOf)
  const at = (q: number): number | null => finite(quantile(values, q) ?? Infinity)
  const names = Object.keys(levels) as (keyof typeof levels)[]
  const tooFew = names.filter((name) => values.length < smallestForQuantile(levels[name]))
  const told = names.filter((name) => !tooFew.includes(name))
  return {
    p50: at(levels.p50),
    p95: at(levels.p95),
    p99: at(levels.p99),
    intervals: Object.fromEntries(told.map((name) => [name, quantileInterval(values, levels[name])!.map(finite)])),
    n: values.length,
    quotable: timeScale === 1,
    tooFew,
  }
}

/** JSON knows no infinity. */
function finite(value: number): number | null {
  return value === Infinity ? null : value
}
