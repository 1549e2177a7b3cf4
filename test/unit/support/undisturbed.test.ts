import { expect, test } from 'vitest'
import type { CellResult, RunResults } from '../../../harness/model/results.ts'
import { starvation } from '../../support/undisturbed.ts'

const starved = 'polling.none.1: harness-healthy failed: api-0 waited 900 ms of 1.0 s for a processor'
const cell = (verdict: CellResult['verdict'], ...reasons: readonly string[]) => ({ verdict, reasons }) as CellResult
const run = (...cells: readonly CellResult[]) => ({ verdict: 'INVALID', cells }) as unknown as RunResults

test('a run is starved where its machine alone made it INVALID', () => {
  expect(starvation(run(cell('PASS'), cell('INVALID', starved)))).toBe(starved)
  expect(
    starvation(run(cell('INVALID', 'polling.none.1: it could not be carried out: no'), cell('INVALID', starved))),
  ).toBe(undefined)
  expect(starvation(run(cell('FAIL', 'x'), cell('INVALID', starved)))).toBe(undefined)
  expect(starvation(run(cell('INVALID', starved, 'polling.none.1: no-lost-task failed: 3 of 20')))).toBe(undefined)
  expect(starvation({ ...run(cell('PASS')), verdict: 'PASS' })).toBe(undefined)
})
