import type { Format } from '../format.ts'
import { taskColumns, taskRows, valueIn } from '../task-columns.ts'

/** As RFC 4180 has it, but for the end of a line, which is `\n` as in every file here. Empty: there is none. */
export default {
  name: 'csv',
  summary: 'one row per task, for a spreadsheet or a data frame',
  output: 'file',
  extension: 'csv',
  render(results) {
    const heads = taskColumns.map(({ name }) => name)
    const rows = taskRows(results).map((row) => taskColumns.map((column) => fieldOf(valueIn(column, row))))
    return [heads, ...rows].map((fields) => `${fields.join(',')}\n`).join('')
  },
} satisfies Format

function fieldOf(value: ReturnType<typeof valueIn>): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? quoted(harmless(value)) : String(value)
}

/**
 * A spreadsheet takes such a text for a formula, some also a wide form of these characters, or one behind blanks
 * (https://owasp.org/www-community/attacks/CSV_Injection).
 */
function harmless(text: string): string {
  return /[=+\-−@]/.test(text.trimStart().slice(0, 1).normalize('NFKC')) ? `'${text}` : text
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
