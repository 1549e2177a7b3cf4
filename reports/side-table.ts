import type { CellResult, RunResults } from '../harness/model/results.ts'
import { armGroups, rowName } from './arm-groups.ts'

/** A table that a report has only where it has something to say. */
export interface SideTable {
  readonly id: string
  readonly head: string
  readonly heads: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** One line for under it: what its words mean. */
  readonly meaning: string
  /** As `Column.spare`, in the order of the heads; absent: none is left out. */
  readonly spares?: readonly number[]
}

/** A row per cell, of the arms in which some cell has something to tell. */
export function rowsWhere(
  results: RunResults,
  isTold: (cell: CellResult) => boolean,
  fieldsOf: (cell: CellResult) => readonly string[],
): readonly (readonly string[])[] {
  const groups = armGroups(results).filter(({ cells }) => cells.some(isTold))
  return groups.flatMap(({ arm, cells }) =>
    cells.map((cell, i) => [i === 0 ? arm : '', rowName(results, cell), ...fieldsOf(cell)]),
  )
}
