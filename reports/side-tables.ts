import type { RunResults, CellResult, FaultResult } from '../harness/model/results.ts'
import { count, duration, shareWithInterval } from './numbers.ts'
import { armGroups, rowName } from './arm-groups.ts'

const callbackHeads = ['under', 'pattern', 'tasks', 'posts', 'per task', 'most', 'one alone'] as const

/** One line for under the table: what its words mean. */
const callbackMeaning =
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

/** What it took clients to learn the end: a row per cell, of the arms in which something was cut. */
function requestRows(results: RunResults): readonly (readonly string[])[] {
  const groups = armGroups(results).filter(({ cells }) => cells.some(({ requests }) => requests.cuts > 0))
  return groups.flatMap(({ arm, cells }) => {
    return cells.map((cell, i) => [i === 0 ? arm : '', rowName(results, cell), ...fieldsOf(cell)])
  })
}

function fieldsOf({ requests }: CellResult): readonly string[] {
  const { tasks, submissions, requests: all, cuts, mostCuts, tasksCut } = requests
  if (tasks === 0) return ['–', '–', '–', '–', '–']
  const mean = (sum: number): string => (sum / tasks).toFixed(2)
  return [mean(submissions), mean(all), mean(cuts), count(mostCuts), `${count(tasksCut)}/${count(tasks)}`]
}

const controlHeads = [
  'under',
  'pattern',
  'cancelled',
  'in',
  'steps begun after',
  'commands',
  'lost',
  'doubled',
  'stopped in',
  'budgets',
  'steps beyond',
  'patches, bytes',
  'tools refused',
  'attempts refused',
  'rogue agents',
] as const

/** One line for under the table: what its words mean. */
const controlMeaning =
  'Tasks beside the load. Cancelled: cancellations acknowledged, of those sent; in: from the first request until then, median; steps begun after: of these tasks. ' +
  'Commands: acknowledged, of those sent; lost: without an answer in the log; doubled: with more than one. Stopped in: from the request to interrupt until the agent was seen to stand still, median. ' +
  'Budgets: tasks that stopped for want of credits, of those with too few; steps beyond: begun without being covered. Patches: their bytes, and those of whole memories in their place. ' +
  'Tools refused: tasks that asked for a tool that they lack and did not get it, of those that lack one. Attempts refused: forged tokens and the like, of those that were tried. ' +
  'Rogue agents: those that were cancelled, with the sub-tasks that were at work, and the steps of all of them begun after.'

/** How control fared: a row per cell with controlled tasks. */
export function controlRows(results: RunResults): readonly (readonly string[])[] {
  return rowsWhere(results, ({ control }) => control !== undefined, controlFields)
}

function controlFields({ control }: CellResult): readonly string[] {
  if (!control) return Array.from({ length: controlHeads.length - 2 }, () => '–')
  const { cancel, commands, budget, context, permission, rogue } = control
  const of = (some: number, all: number): string => `${count(some)}/${count(all)}`
  const time = (ms: number | undefined): string => (ms === undefined ? '–' : duration(ms))
  return [
    of(cancel.acknowledged, cancel.sent),
    time(cancel.acknowledgedMs),
    count(cancel.begunAfter),
    of(commands.acknowledged, commands.sent),
    count(commands.lost),
    count(commands.doubled),
    time(commands.stoppedMs),
    of(budget.stopped, budget.tasks),
    count(budget.beyond),
    `${count(context.patchBytes)} for ${count(context.wholeBytes)}`,
    permission ? of(permission.refused, permission.tasks) : '–',
    permission ? of(permission.turnedAway, permission.attempts) : '–',
    rogue ? `${count(rogue.tasks)} with ${count(rogue.subTasks)}: ${count(rogue.begunAfter)}` : '–',
  ]
}

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
      id: 'control',
      head: 'Control',
      heads: controlHeads,
      rows: controlRows(results),
      meaning: controlMeaning,
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
