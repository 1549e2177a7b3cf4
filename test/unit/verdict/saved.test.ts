import { expect, test } from 'vitest'
import type { RunResults } from '../../../harness/model/results.ts'
import { judgeCell } from '../../../harness/verdict/cell.ts'
import { judgeRun } from '../../../harness/verdict/run.ts'
import { otherFigure } from '../../../harness/verdict/saved.ts'
import { broken, webhook } from '../../mutants/worlds.ts'

const cell = judgeCell(webhook(broken), [])
const gate = { pattern: cell.cell.pattern, arm: 'kill', metric: 'success', min: 0.5, exposed: 1 } as const
const plan = { cells: [cell.cell], gates: [gate], published: [], notApplicable: [], scenario: 's' } as never
const judged = judgeRun({ run: 'r', plan, environment: {} as never, cells: [cell] })
const stored = (): RunResults => JSON.parse(JSON.stringify(judged)) as RunResults

test('what was saved and what its files give are the same', () => {
  expect(otherFigure(stored(), judged)).toBeUndefined()
})

test('another figure is named, with both values', () => {
  const { successes, n } = judged.cells[0]!.success
  const better = stored()
  Object.assign(better.cells[0]!.success, { successes: n })
  expect(otherFigure(better, judged)).toBe(
    `success of ${cell.cell.id} is ${n} of ${n}, and its files give ${successes} of ${n}`,
  )
})

test('a verdict, a gate and a cell more or less are, too', () => {
  expect(otherFigure({ ...stored(), verdict: 'INVALID' }, judged)).toBe(
    `the verdict is INVALID, and its files give ${judged.verdict}`,
  )
  expect(otherFigure({ ...stored(), gates: [] }, judged)).toContain('the gates')
  expect(otherFigure({ ...stored(), cells: [] }, judged)).toContain('the cells')
  const slower = stored()
  Object.assign(slower.cells[0]!.overhead, { p50: 1 })
  expect(otherFigure(slower, judged)).toContain(`overhead of ${cell.cell.id}`)
})

test.each<[string, (results: RunResults) => void]>([
  ['the check no-such of', ({ cells }) => Object.assign(cells[0]!.checks[0]!, { status: 'pass' })],
  ['success at the server of', ({ cells }) => Object.assign(cells[0]!.serverSuccess, { successes: 0 })],
  ['the requests of', ({ cells }) => Object.assign(cells[0]!.requests, { requests: 0 })],
  ['work done again of', ({ cells }) => Object.assign(cells[0]!.rework, { ratio: 7 })],
  ['the faults of', ({ cells }) => Object.assign(cells[0]!.faults[0]!, { proven: false })],
  ['the plan of', ({ cells }) => Object.assign(cells[0]!.cell, { tasks: 9 })],
  ['the gates', ({ gates }) => Object.assign(gates[0]!.gate, { min: 0.1 })],
  ['the gates of the plan', (results) => Object.assign(results.plan, { gates: [] })],
  ['the claims', (results) => Object.assign(results, { claims: [] })],
])('so is what was changed elsewhere: %s', (name, change) => {
  const check = { checker: 'no-such', promised: true, status: 'fail', summary: 'x', counts: {}, witnesses: [] } as const
  const claimed = {
    ...(plan as object),
    published: [{ pattern: gate.pattern, arm: 'kill', source: 's', success: 0.5 }],
  }
  const made = judgeRun({
    run: 'r',
    plan: claimed as never,
    environment: {} as never,
    cells: [{ ...cell, checks: [check as never] }],
  })
  const edited = JSON.parse(JSON.stringify(made)) as RunResults
  expect(otherFigure(edited, made)).toBeUndefined()
  change(edited)
  expect(otherFigure(edited, made)).toContain(name)
})
