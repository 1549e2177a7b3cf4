import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { expect, test } from 'vitest'
import type { RunResults, TaskRow } from '../../../harness/model/results.ts'
import parquet from '../../../reports/formats/parquet.ts'
import { study } from './study.ts'

const results = study(12)

/** A copy: a view of a shared buffer has other bytes around it. */
function fileOf(of: RunResults): ArrayBuffer {
  return Uint8Array.from(parquet.render(of)).buffer
}

async function records(of: RunResults): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return parquetReadObjects({ file: fileOf(of) })
}

test('there is a row per task, and the shares of a cell can be counted again from them', async () => {
  const rows = await records(results)
  expect(rows).toHaveLength(results.cells.reduce((sum, { tasks }) => sum + tasks.length, 0))
  for (const { cell, outcomes, tasks } of results.cells) {
    const own = rows.filter((row) => row['cell'] === cell.id)
    expect(own.filter((row) => row['outcome'] === 'ok')).toHaveLength(outcomes.ok)
    expect(own.filter((row) => row['exposed'] === true)).toHaveLength(tasks.filter((task) => task.exposed).length)
  }
})

test('a row has the figures of its task with their types; what there is not is null', async () => {
  const task: TaskRow = { ordinal: 3, task: 't-00003', intendedAt: 100.5, idealMs: 1000, outcome: 'ok', exposed: false }
  const cell = results.cells[0]!
  const of = { ...results, cells: [{ ...cell, tasks: [{ ...task, seenAt: 1110.25, requests: 4 }, task] }] }
  const [seen, unseen] = await records(of)
  expect(seen).toMatchObject({ ordinal: 3, intended_at_ms: 100.5, seen_at_ms: 1110.25, overhead_ms: 9.75, requests: 4 })
  expect(unseen).toMatchObject({ task: 't-00003', seen_at_ms: null, overhead_ms: null, requests: null, exposed: false })
})

test('a text is the text: neither a formula nor characters that act', async () => {
  const plan = { ...results.plan, scenario: '=1+1,"a"\r\nb\u001B[2J ü 日本' }
  const [first] = await records({ ...results, plan })
  expect(first).toMatchObject({ scenario: '=1+1,"a"\\r\\nb\\x1b[2J ü 日本' })
})

test('a run without tasks has the columns, and no rows', async () => {
  const none = { ...results, cells: [] }
  expect(await records(none)).toEqual([])
  const columns = (of: RunResults) => parquetMetadata(fileOf(of)).schema.map(({ name, type }) => [name, type])
  expect(columns(none)).toEqual(columns(results))
})
