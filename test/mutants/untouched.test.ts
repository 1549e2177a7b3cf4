import { describe, expect, test } from 'vitest'
import type { Op } from '../../harness/core/history.ts'
import type { CellResult } from '../../harness/store/schema.ts'
import { judgeCell } from '../../harness/verdict/cell.ts'
import { loadCheckers } from '../../harness/verdict/load-checkers.ts'
import { withUntouchedCompared } from '../../harness/verdict/untouched.ts'
import { loseTask, rewrite } from './mutations.ts'
import { broken, calm, polling, stopAfterHeal, streaming, webhook } from './worlds.ts'

const checkers = await loadCheckers()

/** Patterns promise what they promise, whatever the arm: one name for both. */
function judged(history: readonly Op[], promises?: readonly []): CellResult {
  const renamed = rewrite(history, (op) =>
    op.f === 'cell' ? [{ ...op, value: { ...op.value, pattern: 'it', ...(promises && { promises }) } }] : [op],
  )
  return judgeCell(renamed, checkers)
}

function untouched({ tasks }: CellResult): readonly string[] {
  return tasks.filter(({ exposed }) => !exposed).map(({ task }) => task)
}

/** Every other one of these tasks is lost by everybody. */
function loseHalf(history: readonly Op[], tasks: readonly string[]): readonly Op[] {
  return tasks
    .filter((_, i) => i % 2 === 0)
    .reduce((rest, task) => loseTask(rest, task, { taskId: `id-${task}`, found: false }), history)
}

/** Every result is seen so much later. */
function slow(history: readonly Op[], byMs: number): readonly Op[] {
  return rewrite(history, (op) => (op.f === 'task' && op.type === 'ok' ? [{ ...op, at: op.at + byMs }] : [op]))
}

const verdicts = (cells: readonly CellResult[]) => withUntouchedCompared(cells).map(({ verdict }) => verdict)

describe('tasks that no fault touched', () => {
  test.each([
    ['polling', polling],
    ['sse-polling', streaming],
    ['webhook', webhook],
  ] as const)('fare alike in honest cells of %s', (_, simulated) => {
    const cells = [judged(simulated(calm)), judged(simulated(broken))]
    expect(withUntouchedCompared(cells)).toEqual(cells)
  })

  test('half of them lost under the fault, and none in the control: INVALID, whatever was promised', () => {
    const control = judged(polling(calm), [])
    const harmed = judged(loseHalf(polling(broken), untouched(judged(polling(broken)))), [])
    const [, found] = withUntouchedCompared([control, harmed])
    expect(harmed.verdict).not.toBe('INVALID')
    expect(found!.verdict).toBe('INVALID')
    expect(found!.reasons[0]).toMatch(
      /^polling-durable\.kill\.1: the machine or the harness, not the pattern: \d+ of \d+ tasks that no fault touched failed; with the same seeds 0 of \d+ did in the control$/,
    )
  })

  test('a promise that only the sick cell broke is broken by nobody: INVALID wins over FAIL', () => {
    const history = loseHalf(polling(broken), untouched(judged(polling(broken))))
    expect(judged(history).verdict).toBe('FAIL')
    expect(verdicts([judged(polling(calm)), judged(history)])).toEqual(['PASS', 'INVALID'])
  })

  test('half of them lost in the control alone: then the control is INVALID', () => {
    const control = judged(loseHalf(polling(calm), untouched(judged(polling(calm)))), [])
    const found = withUntouchedCompared([control, judged(polling(broken))])
    expect(found.map(({ verdict }) => verdict)).toEqual(['INVALID', 'PASS'])
    expect(found[0]!.reasons[0]).toMatch(
      /tasks of the control failed; with the same seeds 0 of \d+ did in the arm kill/,
    )
  })

  test('a second later in one of them: INVALID; the same in both says nothing', () => {
    const late = judged(slow(polling(broken), 1000), [])
    expect(verdicts([judged(polling(calm)), late])).toEqual(['PASS', 'INVALID'])
    expect(verdicts([judged(slow(polling(calm), 1000)), judged(polling(broken))])).toEqual(['INVALID', 'PASS'])
    expect(verdicts([judged(slow(polling(calm), 1000), []), late])).not.toContain('INVALID')
  })

  test('a system that does not come back after the heal is the pattern: FAIL stands', () => {
    const stuck = judged(stopAfterHeal(polling(broken)))
    expect(stuck.verdict).not.toBe('PASS')
    expect(verdicts([judged(polling(calm)), stuck])).toEqual(['PASS', stuck.verdict])
  })

  test('without a control, or with an invalid one, nothing is compared', () => {
    const harmed = judged(loseHalf(polling(broken), untouched(judged(polling(broken)))), [])
    expect(verdicts([harmed])).toEqual([harmed.verdict])
    const sick = { ...judged(polling(calm)), verdict: 'INVALID' } as const
    expect(verdicts([sick, harmed])).toEqual(['INVALID', harmed.verdict])
  })

  test('other arrivals are no pairs', () => {
    const other = judged(polling({ ...calm, seed: 8 }))
    const harmed = judged(loseHalf(polling(broken), untouched(judged(polling(broken)))), [])
    expect(verdicts([other, harmed])).toEqual(['PASS', harmed.verdict])
  })
})
