import type { ControlKind } from '../harness/model/control.ts'
import type { CellResult, ControlFigures, RunResults } from '../harness/model/results.ts'
import { count, duration } from './numbers.ts'
import { rowsWhere, type SideTable } from './side-table.ts'

/** A column of the table, for the runs that put one of these kinds to the test. */
interface Column {
  readonly of: readonly ControlKind[]
  readonly head: string
  /** As `Column.spare`. */
  readonly spare: number
  readonly field: (figures: ControlFigures) => string
}

const cancelled = ['cancel', 'rogue'] as const
const steered = ['steer', 'budget'] as const

const columns: readonly Column[] = [
  { of: cancelled, head: 'cancelled', spare: 0, field: ({ cancel }) => part(cancel.acknowledged, cancel.sent) },
  { of: cancelled, head: 'in', spare: 6, field: ({ cancel }) => time(cancel.acknowledgedMs) },
  { of: cancelled, head: 'steps begun after', spare: 1, field: ({ cancel }) => count(cancel.begunAfter) },
  { of: steered, head: 'commands', spare: 0, field: ({ commands }) => part(commands.acknowledged, commands.sent) },
  { of: steered, head: 'lost', spare: 1, field: ({ commands }) => count(commands.lost) },
  { of: steered, head: 'doubled', spare: 1, field: ({ commands }) => count(commands.doubled) },
  { of: ['steer'], head: 'stopped in', spare: 6, field: ({ commands }) => time(commands.stoppedMs) },
  { of: ['budget'], head: 'budgets', spare: 0, field: ({ budget }) => part(budget.stopped, budget.tasks) },
  { of: ['budget'], head: 'steps beyond', spare: 1, field: ({ budget }) => count(budget.beyond) },
  {
    of: ['steer'],
    head: 'patches, bytes',
    spare: 5,
    field: ({ context }) => `${count(context.patchBytes)} for ${count(context.wholeBytes)}`,
  },
  {
    of: ['permission'],
    head: 'tools refused',
    spare: 0,
    field: ({ permission: one }) => (one ? part(one.refused, one.tasks) : '–'),
  },
  {
    of: ['permission'],
    head: 'attempts refused',
    spare: 2,
    field: ({ permission: one }) => (one ? part(one.turnedAway, one.attempts) : '–'),
  },
  {
    of: ['rogue'],
    head: 'rogue agents',
    spare: 0,
    field: ({ rogue: one }) =>
      one ? `${count(one.tasks)} with ${count(one.subTasks)}: ${count(one.begunAfter)}` : '–',
  },
  {
    of: ['balance'],
    head: 'balance spent',
    spare: 0,
    field: ({ balance: one }) => (one ? part(one.spent, one.given) : '–'),
  },
  {
    of: ['balance'],
    head: 'for want of it',
    spare: 3,
    field: ({ balance: one }) => (one ? part(one.refused, one.tasks) : '–'),
  },
  { of: ['rate'], head: 'rates felt', spare: 0, field: ({ rate: one }) => (one ? part(one.felt, one.tasks) : '–') },
  { of: ['rate'], head: 'calls beyond', spare: 1, field: ({ rate: one }) => (one ? count(one.beyond) : '–') },
]

/** What the columns of a kind mean. */
const meanings: readonly { readonly of: readonly ControlKind[]; readonly text: string }[] = [
  {
    of: cancelled,
    text: 'Cancelled: cancellations acknowledged, of those sent; in: from the first request until then, median; steps begun after: of these tasks.',
  },
  {
    of: steered,
    text: 'Commands: acknowledged, of those sent; lost: without an answer in the log; doubled: with more than one.',
  },
  {
    of: ['steer'],
    text: 'Stopped in: from the request to interrupt until the agent was seen to stand still, median. Patches: their bytes, and those of whole memories in their place.',
  },
  {
    of: ['budget'],
    text: 'Budgets: tasks that stopped for want of credits, of those with too few; steps beyond: begun without being covered.',
  },
  {
    of: ['permission'],
    text: 'Tools refused: tasks that asked for a tool that they lack and did not get it, of those that lack one. Attempts refused: forged tokens and the like, of those that were tried.',
  },
  {
    of: ['rogue'],
    text: 'Rogue agents: those that were cancelled, with the sub-tasks that were at work, and the steps of all of them begun after.',
  },
  {
    of: ['balance'],
    text: 'Balance spent: credits that the steps in the ledger cost, of those that their principal had; for want of it: tasks that ended so, of those that shared it.',
  },
  {
    of: ['rate'],
    text: 'Rates felt: tasks that came to the rate of tool calls, of those that wanted more; calls beyond: of all tasks and principals, more than rate and burst allow.',
  },
]

function part(some: number, all: number): string {
  return `${count(some)}/${count(all)}`
}

function time(ms: number | undefined): string {
  return ms === undefined ? '–' : duration(ms)
}

/** How control fared: a row per cell with controlled tasks, and columns for the kinds that any of them has. */
export function controlTable(results: RunResults): SideTable {
  const isTried = (kind: ControlKind): boolean => results.cells.some((cell) => hasKind(cell, kind))
  const shown = columns.filter(({ of }) => of.some(isTried))
  const fieldsOf = (cell: CellResult): readonly string[] => shown.map((column) => fieldOf(column, cell))
  return {
    id: 'control',
    head: 'Control',
    heads: ['under', 'pattern', ...shown.map(({ head }) => head)],
    rows: rowsWhere(results, ({ control }) => control !== undefined, fieldsOf),
    meaning: [
      'Tasks beside the load.',
      ...meanings.filter(({ of }) => of.some(isTried)).map(({ text }) => text),
      ...(results.cells.some(({ cell }) => cell.uncontrolled) ? [`n/a: ${whyNot(results)}.`] : []),
    ].join(' '),
    spares: [0, 0, ...shown.map(({ spare }) => spare)],
  }
}

function hasKind({ cell }: CellResult, kind: ControlKind): boolean {
  return cell.control?.some((probe) => probe.kind === kind) ?? false
}

function fieldOf({ of, field }: Column, cell: CellResult): string {
  if (cell.control && of.some((kind) => hasKind(cell, kind))) return field(cell.control)
  return cell.cell.uncontrolled?.some(({ kind }) => of.includes(kind)) ? 'n/a' : '–'
}

/** Each reason once. */
function whyNot({ cells }: RunResults): string {
  return [...new Set(cells.flatMap(({ cell }) => (cell.uncontrolled ?? []).map(({ reason }) => reason)))].join('; ')
}
