import { expect, test } from 'vitest'
import type { RunResults, TaskRow } from '../../../harness/model/results.ts'
import csv from '../../../reports/formats/csv.ts'
import { study } from './study.ts'

const results = study(12)

/** By RFC 4180, character by character, so that the reader shares nothing with the writer. */
function read(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [['']]
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const row = rows.at(-1)!
    if (quoted && text.startsWith('""', i)) row[row.length - 1] += text[i++]!
    else if (text[i] === '"') quoted = !quoted
    else if (!quoted && text[i] === ',') row.push('')
    else if (!quoted && text[i] === '\n') rows.push([''])
    else row[row.length - 1] += text[i]!
  }
  return rows.slice(0, -1)
}

function records(of: RunResults): readonly Readonly<Record<string, string>>[] {
  const [heads, ...rows] = read(csv.render(of))
  return rows.map((row) => {
    expect(row).toHaveLength(heads!.length)
    return Object.fromEntries(row.map((field, i) => [heads![i]!, field]))
  })
}

test('there is a row per task, and the shares of a cell can be counted again from them', () => {
  const rows = records(results)
  expect(rows).toHaveLength(results.cells.reduce((sum, { tasks }) => sum + tasks.length, 0))
  for (const { cell, outcomes, tasks } of results.cells) {
    const own = rows.filter((row) => row['cell'] === cell.id)
    expect(own.filter((row) => row['outcome'] === 'ok')).toHaveLength(outcomes.ok)
    expect(own.filter((row) => row['exposed'] === 'true')).toHaveLength(tasks.filter((task) => task.exposed).length)
  }
})

test('a row has the figures of its task; what there is not is empty', () => {
  const task: TaskRow = { ordinal: 3, task: 't-00003', intendedAt: 100.5, idealMs: 1000, outcome: 'ok', exposed: false }
  const cell = results.cells[0]!
  const [seen, unseen] = records({ ...results, cells: [{ ...cell, tasks: [{ ...task, seenAt: 1110.25 }, task] }] })
  expect(seen).toMatchObject({ intended_at_ms: '100.5', seen_at_ms: '1110.25', overhead_ms: '9.75', requests: '' })
  expect(unseen).toMatchObject({
    seen_at_ms: '',
    overhead_ms: '',
    outcome: 'ok',
    run_verdict: 'FAIL',
    time_scale: '100',
  })
})

test('names are text: neither more fields, nor more rows, nor formulas', () => {
  const plan = { ...results.plan, scenario: '=1+1,"a"\r\nb' }
  const cells = results.cells.map((cell) => ({ ...cell, cell: { ...cell.cell, arm: '@SUM(A1)', pattern: 'a, "b"' } }))
  const [first] = records({ ...results, plan, cells })
  expect(first).toMatchObject({ scenario: `'=1+1,"a"\\r\\nb`, arm: `'@SUM(A1)`, pattern: 'a, "b"' })
})

test.each(['＝1+1', '＋1', '－1', '＠SUM(A1)', '﹦1', ' =1+1', '\u00a0=1+1', '\u3000＝1+1', '−1'])(
  'a spreadsheet may take %j for a formula, too',
  (arm) => {
    const cells = results.cells.map((cell) => ({ ...cell, cell: { ...cell.cell, arm } }))
    expect(records({ ...results, cells })[0]).toMatchObject({ arm: `'${arm}` })
  },
)
