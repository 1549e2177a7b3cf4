import { allVisible } from '../../harness/core/visible.ts'
import type { CellResult, RunResults, TaskRow } from '../../harness/model/results.ts'
import type { Format } from '../format.ts'

/** As RFC 4180 has it, but for the end of a line, which is `\n` as in every file here. Tasks that were cut are in no row: they were not decided. */
export default {
  name: 'csv',
  summary: 'one row per task, for a spreadsheet or a data frame',
  output: 'file',
  extension: 'csv',
  render(raw) {
    const results = allVisible(raw)
    const rows = results.cells.flatMap((cell) => cell.tasks.map((task) => rowOf(results, cell, task)))
    return [Object.keys(columns), ...rows].map((fields) => `${fields.join(',')}\n`).join('')
  },
} satisfies Format

type Value = string | number | boolean | undefined
type Column = (task: TaskRow, cell: CellResult, results: RunResults) => Value

/** Times are real milliseconds of the run, all divided by `time_scale` beforehand. Empty: there is none. */
const columns: Readonly<Record<string, Column>> = {
  run: (_task, _cell, { run }) => run,
  scenario: (_task, _cell, { plan }) => plan.scenario,
  run_verdict: (_task, _cell, { verdict }) => verdict,
  cell: (_task, { cell }) => cell.id,
  cell_verdict: (_task, { verdict }) => verdict,
  pattern: (_task, { cell }) => cell.pattern,
  delivery: (_task, { cell }) => cell.delivery,
  engine: (_task, { cell }) => cell.engine,
  arm: (_task, { cell }) => cell.arm,
  repetition: (_task, { cell }) => cell.repetition,
  time_scale: (_task, { cell }) => cell.timeScale,
  ordinal: ({ ordinal }) => ordinal,
  task: ({ task }) => task,
  outcome: ({ outcome }) => outcome,
  intended_at_ms: ({ intendedAt }) => intendedAt,
  ideal_ms: ({ idealMs }) => idealMs,
  seen_at_ms: ({ seenAt }) => seenAt,
  overhead_ms: ({ intendedAt, idealMs, seenAt }) => (seenAt === undefined ? undefined : seenAt - intendedAt - idealMs),
  via: ({ via }) => via,
  exposed: ({ exposed }) => exposed,
  episode: ({ episode }) => episode,
  requests: ({ requests }) => requests,
  callbacks: ({ posts }) => posts,
  executions: ({ executions }) => executions,
}

function rowOf(results: RunResults, cell: CellResult, task: TaskRow): readonly string[] {
  return Object.values(columns).map((column) => fieldOf(column(task, cell, results)))
}

function fieldOf(value: Value): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return String(Number(value.toFixed(3)))
  return typeof value === 'boolean' ? String(value) : quoted(harmless(value))
}

/** A spreadsheet takes such a text for a formula (https://owasp.org/www-community/attacks/CSV_Injection). */
function harmless(text: string): string {
  return /^[=+\-@]/.test(text) ? `'${text}` : text
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
