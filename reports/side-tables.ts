import type { RunResults, CellResult, FaultResult } from '../harness/model/results.ts'
import { count, duration, shareWithInterval } from './numbers.ts'
import { armGroups, rowName } from './arm-groups.ts'
import { controlTable } from './control-table.ts'
import { rowsWhere, type SideTable } from './side-table.ts'

const callbackHeads = ['under', 'pattern', 'tasks', 'posts', 'per task', 'most', 'one alone'] as const

/** One line for under the table: what its words mean. */
const callbackMeaning =
  'Callbacks that the system posted and the receiver read, also where their answer was lost; tasks: those with one. Posts, their mean and the most of one task are counts. ' +
  'One alone: the share of these tasks that was posted once. Posts that a fault made of them are not counted.'

/** A row per cell, of the arms in which callbacks were posted. */
export function callbackRows(results: RunResults): readonly (readonly string[])[] {
  return rowsWhere(results, ({ callbacks }) => (callbacks?.posts ?? 0) > 0, callbackFields)
}

function callbackFields({ callbacks }: CellResult): readonly string[] {
  if (!callbacks) return ['–', '–', '–', '–', '–']
  const { single, posts, most } = callbacks
  return [count(single.n), count(posts), (posts / single.n).toFixed(2), count(most), shareWithInterval(single)]
}

const overlapHeads = ['under', 'pattern', 'tasks', 'never two at once', 'in all', 'longest'] as const

/** One line for under the table: what its words mean. */
const overlapMeaning =
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

const momentHeads = ['under', 'pattern', 'fault', 'window', 'firings', 'in it', 'median', 'latest'] as const

/** One line for under the table: what its words mean. */
const momentMeaning =
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

const requestHeads = ['under', 'pattern', 'submissions', 'requests', 'cuts', 'most cuts', 'tasks cut'] as const

/** One line for under the table: what its words mean. */
const requestMeaning =
  'Means over the tasks that were sent; the most cuts of one task; and tasks that met a cut. Requests: submissions, reads of the status and streams. Cuts: those of them that no server answered ' +
  '(no connection, a broken one, a gateway’s 502 or 504, a stream that ended before its last event).'

/** What it took clients to learn the end: a row per cell, of the arms in which a task was sent. */
export function requestRows(results: RunResults): readonly (readonly string[])[] {
  return rowsWhere(results, ({ requests }) => requests.tasks > 0, fieldsOf)
}

function fieldsOf({ requests }: CellResult): readonly string[] {
  const { tasks, submissions, requests: all, cuts, mostCuts, tasksCut } = requests
  if (tasks === 0) return ['–', '–', '–', '–', '–']
  const mean = (sum: number): string => (sum / tasks).toFixed(2)
  return [mean(submissions), mean(all), mean(cuts), count(mostCuts), `${count(tasksCut)}/${count(tasks)}`]
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
    controlTable(results),
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
