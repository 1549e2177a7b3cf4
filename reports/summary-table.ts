import type { CellResult, RunResults } from '../harness/model/results.ts'
import { count, reworkWithInterval, shareWithInterval, timeWithInterval } from './numbers.ts'
import { outcomeText, promisesOf } from './outcomes.ts'
import { armGroups, rowName } from './arm-groups.ts'
import type { Column, TableRow } from '../harness/core/text-table.ts'

/** Every number with its interval: what finds no room is left out as a whole. */
const columns: readonly Column[] = [
  { head: 'under', align: 'left', spare: 0 },
  { head: 'pattern', align: 'left', spare: 0 },
  { head: 'tasks', align: 'right', spare: 5 },
  { head: 'of them', align: 'left', spare: 0 },
  { head: 'success', align: 'left', spare: 0 },
  { head: 'overhead p50', align: 'left', spare: 1 },
  { head: 'p95', align: 'left', spare: 4 },
  { head: 'p99', align: 'left', spare: 3 },
  { head: 're-executed', align: 'left', spare: 2 },
  { head: 'promises', align: 'left', spare: 0 },
]

/** Where the one above has no room: a line for each arm, and what became of the tasks on a line of its own. */
const narrowColumns: readonly Column[] = [
  { head: 'pattern', align: 'left', spare: 0 },
  { head: 'success', align: 'left', spare: 0 },
  { head: 'overhead p50', align: 'left', spare: 1 },
  { head: 're-executed', align: 'left', spare: 2 },
  { head: 'promises', align: 'left', spare: 0 },
]

export interface FirstTable {
  readonly columns: readonly Column[]
  readonly rows: readonly TableRow[]
}

/** The patterns side by side under every arm, for text of this width. */
export function firstTable(results: RunResults, width: number): FirstTable {
  const groups = armGroups(results).filter(({ cells }) => cells.length > 0)
  const rows = groups.flatMap(({ arm, cells }, i): TableRow[] => [
    ...(i > 0 ? (['rule'] as const) : []),
    ...cells.map((cell, k) => [k === 0 ? arm : '', ...cellFields(results, cell)]),
  ])
  if (leastWidth(rows) <= width) return { columns, rows }
  const narrow = groups.flatMap(({ arm, cells }, i): TableRow[] => [
    ...(i > 0 ? (['rule'] as const) : []),
    [`under ${arm}`],
    ...cells.flatMap((cell) => narrowRows(results, cell)),
  ])
  return { columns: narrowColumns, rows: narrow }
}

/** Of the columns that are never left out. */
function leastWidth(rows: readonly TableRow[]): number {
  const kept = columns.map(({ spare }, i) => (spare === 0 ? i : -1)).filter((i) => i >= 0)
  const widths = kept.map((i) =>
    rows.reduce((most, row) => (row === 'rule' ? most : Math.max(most, row[i]!.length)), 0),
  )
  return widths.reduce((sum, one) => sum + one + 2, -2)
}

export function cellFields(results: RunResults, cell: CellResult): readonly string[] {
  const { success, outcomes, overhead, rework } = cell
  return [
    rowName(results, cell),
    count(success.n),
    success.n === 0 && outcomes.cut === 0 ? '–' : outcomeText(outcomes),
    unlessInvalid(cell, shareWithInterval(success)),
    timeWithInterval(overhead, 'p50'),
    timeWithInterval(overhead, 'p95'),
    timeWithInterval(overhead, 'p99'),
    reworkWithInterval(rework),
    promisesOf(cell),
  ]
}

function narrowRows(results: RunResults, cell: CellResult): readonly TableRow[] {
  const [pattern = '', , outcomes = '', success = '', p50 = '', , , rework = '', promises = ''] = cellFields(
    results,
    cell,
  )
  return [[`  ${pattern}`, success, p50, rework, promises], [`    ${outcomes}`]]
}

/** The heads that belong to `cellFields`. */
export const cellHeads: readonly string[] = columns.slice(1).map(({ head }) => head)

/** What an invalid cell shows is no measurement, and must not read like one. */
function unlessInvalid({ verdict }: CellResult, text: string): string {
  return verdict === 'INVALID' && text !== '–' ? `(${text})` : text
}
