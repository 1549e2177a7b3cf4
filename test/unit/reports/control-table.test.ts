import { expect, test } from 'vitest'
import type { ControlKind } from '../../../harness/model/control.ts'
import type { CellResult, ControlFigures, RunResults } from '../../../harness/model/results.ts'
import { controlTable } from '../../../reports/control-table.ts'

const figures: ControlFigures = {
  cancel: { sent: 2, acknowledged: 1, begunAfter: 0, endedAfter: 0 },
  commands: { sent: 0, acknowledged: 0, lost: 0, doubled: 0 },
  budget: { tasks: 0, stopped: 0, beyond: 0 },
  context: { memories: 0, patches: 0, patchBytes: 0, wholeBytes: 0 },
  balance: { tasks: 12, refused: 8, given: 114, spent: 112 },
  rate: { tasks: 9, felt: 7, calls: 350, beyond: 0 },
}
const cell = (pattern: string, kinds: readonly ControlKind[], without: readonly ControlKind[] = []): CellResult => {
  const control = kinds.map((kind) => ({ kind }))
  const uncontrolled = without.map((kind) => ({ kind, reason: `${pattern} keeps none` }))
  const plan = { arm: 'none', pattern, repetition: 1, faults: [], control, ...(without.length > 0 && { uncontrolled }) }
  return { cell: plan, control: figures } as unknown as CellResult
}
const tableOf = (...cells: CellResult[]) =>
  controlTable({ cells, plan: { notApplicable: [] } } as unknown as RunResults)

test('has the columns of the kinds that were tried, and of no other', () => {
  const { heads, rows, meaning, spares } = tableOf(cell('p', ['balance', 'rate']))
  expect(heads).toEqual(['under', 'pattern', 'balance spent', 'for want of it', 'rates felt', 'calls beyond'])
  expect(rows).toEqual([['none', 'p', '112/114', '8/12', '7/9', '0']])
  expect(meaning).toMatch(/^Tasks beside the load\. Balance spent: .* Rates felt: /)
  expect(spares).toHaveLength(heads.length)
})

test('a kind that could not be tried is n/a, and says why once', () => {
  const { rows, meaning } = tableOf(cell('p', ['cancel', 'rate']), cell('q', ['cancel'], ['balance', 'rate']))
  expect(rows.map((row) => row.slice(-2))).toEqual([
    ['7/9', '0'],
    ['n/a', 'n/a'],
  ])
  expect(meaning).toMatch(/n\/a: q keeps none\.$/)
})

test('a run without control has no row of it', () => {
  const { control: _, ...without } = cell('p', [])
  expect(tableOf(without as CellResult).rows).toEqual([])
})
