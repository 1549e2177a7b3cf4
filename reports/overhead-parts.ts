import { type Breakdown, type OverheadPart, partNames } from '../harness/model/overhead-parts.ts'
import type { CellResult, RunResults } from '../harness/model/results.ts'
import { armGroups, rowName } from './arm-groups.ts'

/** As heads of columns. */
export const partHeads: Readonly<Record<OverheadPart, string>> = {
  sending: 'sending',
  accept: 'accept',
  queueing: 'queueing',
  execution: 'execution',
  tools: 'tool calls',
  persistence: 'persistence*',
  interrupted: 'interruption',
  again: 'done again',
  delivery: 'delivery*',
  untold: 'not told apart',
}

/** One line for above the picture: what it shows, and of whom. */
export const breakdownMeaning =
  'Means that add up to the total. Above, the middle fifth of the tasks whose client saw the right result; below, the slowest twentieth of them. ' +
  'Tasks without a result have no such time and are not in it.'

export interface BreakdownRow {
  readonly cell: CellResult
  readonly name: string
  readonly breakdown: Breakdown
}

/** By arm, in the usual order; arms and cells without a result are left out. */
export function breakdownRows(
  results: RunResults,
): readonly { readonly arm: string; readonly rows: readonly BreakdownRow[] }[] {
  return armGroups(results)
    .map(({ arm, cells }) => ({
      arm,
      rows: cells.flatMap((cell): BreakdownRow[] => {
        const { breakdown } = cell.overhead
        return breakdown ? [{ cell, name: rowName(results, cell), breakdown }] : []
      }),
    }))
    .filter(({ rows }) => rows.length > 0)
}

/** Parts that are anything anywhere in these rows: the others would be columns of nothing. */
export function partsPresent(rows: readonly BreakdownRow[]): readonly OverheadPart[] {
  const smallestMs = 0.05
  return partNames.filter((name) =>
    rows.some(({ breakdown: { typical, slowest } }) =>
      [typical, slowest].some(({ parts }) => Math.abs(parts[name]) >= smallestMs),
    ),
  )
}
