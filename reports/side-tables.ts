import type { RunResults } from '../harness/model/results.ts'
import { callbackHeads, callbackMeaning, callbackRows, overlapHeads, overlapMeaning, overlapRows } from './attempts.ts'
import { momentHeads, momentMeaning, momentRows } from './moments.ts'
import { requestHeads, requestMeaning, requestRows } from './requests.ts'

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

/** Those of this run, in their order. */
export function sideTables(results: RunResults): readonly SideTable[] {
  const tables: readonly SideTable[] = [
    {
      id: 'requests',
      head: 'Requests per task',
      heads: requestHeads,
      rows: requestRows(results),
      meaning: requestMeaning,
      spares: [0, 0, 0, 2, 0, 3, 1],
    },
    {
      id: 'callbacks',
      head: 'Callbacks per task',
      heads: callbackHeads,
      rows: callbackRows(results),
      meaning: callbackMeaning,
    },
    {
      id: 'overlaps',
      head: 'Attempts at once',
      heads: overlapHeads,
      rows: overlapRows(results),
      meaning: overlapMeaning,
    },
    {
      id: 'moments',
      head: 'Windows after a moment',
      heads: momentHeads,
      rows: momentRows(results),
      meaning: momentMeaning,
    },
  ]
  return tables.filter(({ rows }) => rows.length > 0)
}
