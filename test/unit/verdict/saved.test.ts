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
