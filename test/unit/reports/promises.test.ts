import { expect, test } from 'vitest'
import type { CellResult, CheckResult, RunResults, RunVerdict } from '../../../harness/model/results.ts'
import { checkWord, promisesOf, verdictMeaning } from '../../../reports/outcomes.ts'

function check(status: string, promised = true, judges: string | undefined = 'effect-once'): CheckResult {
  return { checker: 'x', promised, status, summary: '', counts: {}, witnesses: [], judges } as unknown as CheckResult
}

function word(checks: readonly CheckResult[], verdict: RunVerdict = 'PASS') {
  return promisesOf({ verdict, checks } satisfies Pick<CellResult, 'verdict' | 'checks'>)
}

test('kept is said only where something was put to the test', () => {
  expect(word([check('pass'), check('unexercised')])).toBe('kept')
  expect(word([check('unexercised')])).toBe('not tested')
  expect(word([check('fail'), check('pass')], 'FAIL')).toBe('broken')
})

test('what a pattern did not promise is neither kept nor broken', () => {
  expect(word([check('fail', false), check('pass', false)])).toBe('none made')
  expect(word([check('pass', false), check('unexercised')])).toBe('not tested')
})

test('a check of the run itself is no promise', () => {
  expect(word([check('pass', false, undefined)])).toBe('none made')
})

test('a cell that cannot tell says that instead', () => {
  expect(word([check('pass')], 'INVALID')).toBe('INVALID')
  expect(word([check('pass')], 'INCONCLUSIVE')).toBe('INCONCLUSIVE')
})

test('a check holds, is broken, unknown or not tested', () => {
  expect(['pass', 'fail', 'unknown', 'unexercised'].map((status) => checkWord(check(status)))).toEqual([
    'holds',
    'broken',
    'unknown',
    'not tested',
  ])
  expect(checkWord(check('fail', false))).toBe('not promised, does not hold')
})

test('a pass is about promises and gates, and says so', () => {
  const gates = [{ verdict: 'PASS' }] as unknown as RunResults['gates']
  const of = (verdict: RunVerdict, some: RunResults['gates']) => verdictMeaning({ verdict, gates: some } as RunResults)
  expect(of('PASS', gates)).toBe('about promises and gates, not success: no promise was broken, every gate holds')
  expect(of('PASS', [])).toContain('there was no gate')
})
