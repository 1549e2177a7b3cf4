import { allVisible } from '../harness/core/visible.ts'
import type { CellResult, RunResults, TaskRow } from '../harness/model/results.ts'

type Value = string | number | boolean

export interface Column {
  readonly name: string
  /** `count`: a whole number from 0. */
  readonly type: 'text' | 'number' | 'count' | 'flag'
  /** Undefined: there is none. */
  readonly value: (row: Row) => Value | undefined
}

/** One task that was decided, in its cell and its run. */
export interface Row {
  readonly task: TaskRow
  readonly cell: CellResult
  readonly results: RunResults
}

/** In the order of the cells, and of their tasks. Tasks that were cut are in no row: they were not decided. */
export function taskRows(raw: RunResults): readonly Row[] {
  const results = allVisible(raw)
  return results.cells.flatMap((cell) => cell.tasks.map((task) => ({ task, cell, results })))
}

/** Of a column in a row; numbers to a thousandth, as histories have them. */
export function valueIn({ value }: Column, row: Row): Value | undefined {
  const one = value(row)
  return typeof one === 'number' ? Number(one.toFixed(3)) : one
}

const text = (name: string, value: Column['value']): Column => ({ name, type: 'text', value })
const number = (name: string, value: Column['value']): Column => ({ name, type: 'number', value })
const count = (name: string, value: Column['value']): Column => ({ name, type: 'count', value })

/** What formats with a row per task have in common. Times are real milliseconds of the run, all divided by `time_scale` beforehand. */
export const taskColumns: readonly Column[] = [
  text('run', ({ results }) => results.run),
  text('scenario', ({ results }) => results.plan.scenario),
  text('run_verdict', ({ results }) => results.verdict),
  text('cell', ({ cell }) => cell.cell.id),
  text('cell_verdict', ({ cell }) => cell.verdict),
  text('pattern', ({ cell }) => cell.cell.pattern),
  text('delivery', ({ cell }) => cell.cell.delivery),
  text('engine', ({ cell }) => cell.cell.engine),
  text('arm', ({ cell }) => cell.cell.arm),
  count('repetition', ({ cell }) => cell.cell.repetition),
  number('time_scale', ({ cell }) => cell.cell.timeScale),
  count('ordinal', ({ task }) => task.ordinal),
  text('task', ({ task }) => task.task),
  text('outcome', ({ task }) => task.outcome),
  number('intended_at_ms', ({ task }) => task.intendedAt),
  number('ideal_ms', ({ task }) => task.idealMs),
  number('seen_at_ms', ({ task }) => task.seenAt),
  number('overhead_ms', ({ task }) => overheadOf(task)),
  text('via', ({ task }) => task.via),
  { name: 'exposed', type: 'flag', value: ({ task }) => task.exposed },
  text('episode', ({ task }) => task.episode),
  count('requests', ({ task }) => task.requests),
  count('callbacks', ({ task }) => task.posts),
  count('executions', ({ task }) => task.executions),
]

function overheadOf({ intendedAt, idealMs, seenAt }: TaskRow): number | undefined {
  return seenAt === undefined ? undefined : seenAt - intendedAt - idealMs
}
