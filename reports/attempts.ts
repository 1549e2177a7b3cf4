import type { CellResult, RunResults } from '../harness/model/results.ts'
import { armGroups, rowName } from './arm-groups.ts'
import { count, duration, shareWithInterval } from './numbers.ts'

export const callbackHeads = ['under', 'pattern', 'tasks', 'posts', 'per task', 'most', 'one alone'] as const

/** One line for under the table: what its words mean. */
export const callbackMeaning =
  'Callbacks that the system posted and the receiver read, also where their answer was lost; tasks: those with one. Posts, their mean and the most of one task are counts. ' +
  'One alone: the share of these tasks that was posted once. Posts that a fault made of them are not counted.'

/** A row per cell, of the arms in which some task was posted twice. */
export function callbackRows(results: RunResults): readonly (readonly string[])[] {
  return rowsWhere(results, ({ callbacks }) => (callbacks?.most ?? 0) > 1, callbackFields)
}

function callbackFields({ callbacks }: CellResult): readonly string[] {
  if (!callbacks) return ['–', '–', '–', '–', '–']
  const { single, posts, most } = callbacks
  return [count(single.n), count(posts), (posts / single.n).toFixed(2), count(most), shareWithInterval(single)]
}

export const overlapHeads = ['under', 'pattern', 'tasks', 'never two at once', 'in all', 'longest'] as const

/** One line for under the table: what its words mean. */
export const overlapMeaning =
  'Two executions of one task at work at once, by the ledger: a second attempt beside a first one that lives. Never: the share of tasks without any. ' +
  'The times, in all and of one task, are sums. An execution that left no effect is not known, so all are lower bounds.'

/** A row per cell, of the arms in which two attempts overlapped. */
export function overlapRows(results: RunResults): readonly (readonly string[])[] {
  return rowsWhere(results, ({ overlap }) => overlap !== undefined, overlapFields)
}

function overlapFields({ overlap }: CellResult): readonly string[] {
  if (!overlap) return ['–', 'none seen', '–', '–']
  const { never, totalMs, mostMs } = overlap
  return [count(never.n), shareWithInterval(never), duration(totalMs), duration(mostMs)]
}

function rowsWhere(
  results: RunResults,
  isTold: (cell: CellResult) => boolean,
  fieldsOf: (cell: CellResult) => readonly string[],
): readonly (readonly string[])[] {
  const groups = armGroups(results).filter(({ cells }) => cells.some(isTold))
  return groups.flatMap(({ arm, cells }) =>
    cells.map((cell, i) => [i === 0 ? arm : '', rowName(results, cell), ...fieldsOf(cell)]),
  )
}
