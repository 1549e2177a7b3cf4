import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, type TestContext, vi } from 'vitest'
import type { CellResult, RunResults } from '../../../harness/model/results.ts'
import { requireQuiet, starvation } from '../../support/undisturbed.ts'

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

test('a starved test is tried once more, then skipped; where three were, the next one is skipped at once', () => {
  const skip = vi.fn<(why: string) => never>()
  const attempt = (retryCount: number) =>
    ({ task: { name: 'it', result: { retryCount } }, skip }) as unknown as TestContext
  try {
    requireQuiet(attempt(0), undefined)
    for (let i = 1; i <= 3; i++) {
      expect(() => requireQuiet(attempt(0), starved)).toThrow('this machine is too busy')
      expect(skip).toHaveBeenCalledTimes(i - 1)
      expect(() => requireQuiet(attempt(1), starved)).toThrow()
      expect(skip).toHaveBeenCalledTimes(i)
    }
    expect(() => requireQuiet(attempt(0), starved)).toThrow()
    expect(skip).toHaveBeenLastCalledWith(expect.stringContaining('3 other tests found it so twice'))
  } finally {
    rmSync(join(tmpdir(), 'starved-tests'), { force: true })
  }
})
