import type { CellResult, FaultResult, RunResults } from '../harness/model/results.ts'
import { armGroups, rowName } from './arm-groups.ts'
import { count, duration } from './numbers.ts'

export const momentHeads = ['under', 'pattern', 'fault', 'window', 'firings', 'in it', 'median', 'latest'] as const

/** One line for under the table: what its words mean. */
export const momentMeaning =
  'Faults that were to strike right after a task was accepted, or right after its first effect: how many of the firings took effect within the window, ' +
  'and how long after that moment. Counts, in real time. A firing after its window is a fault all the same, and tests less.'

/** How often the windows of a run were hit: a row per cell and fault. */
export function momentRows(results: RunResults): readonly (readonly string[])[] {
  return armGroups(results).flatMap(({ arm, cells }) => {
    const rows = cells.flatMap((cell) => rowsOf(cell).map((row) => [rowName(results, cell), ...row]))
    return rows.map((row, i) => [i === 0 ? arm : '', ...row])
  })
}

function rowsOf({ faults }: CellResult): readonly (readonly string[])[] {
  const aimed = faults.flatMap(({ id, moment }) => (moment ? [{ fault: id.replace(/#\d+$/, ''), ...moment }] : []))
  return [...Map.groupBy(aimed, ({ fault }) => fault)].map(([fault, firings]) => rowOf(fault, firings))
}

function rowOf(fault: string, firings: readonly NonNullable<FaultResult['moment']>[]): readonly string[] {
  const times = firings.flatMap(({ afterMs }) => afterMs ?? []).toSorted((a, b) => a - b)
  const hits = firings.filter(({ afterMs, windowMs }) => afterMs !== undefined && afterMs <= windowMs)
  const time = (ms: number | undefined): string => (ms === undefined ? '–' : duration(ms))
  const { windowMs } = firings[0]!
  const median = times[Math.floor((times.length - 1) / 2)]
  return [fault, duration(windowMs), count(firings.length), count(hits.length), time(median), time(times.at(-1))]
}
