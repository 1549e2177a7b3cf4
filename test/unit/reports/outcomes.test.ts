import { expect, test } from 'vitest'
import { outcomes, type CellResult, type Outcome, type RunResults } from '../../../harness/model/results.ts'
import { headline, outcomeText, promisesLine } from '../../../reports/outcomes.ts'

function counts(over: Partial<Record<Outcome, number>>): CellResult['outcomes'] {
  const none = Object.keys(outcomes).map((name) => [name, 0])
  return { ...(Object.fromEntries(none) as Record<Outcome, number>), ...over }
}

function run(
  ...cells: readonly { verdict?: string; outcomes: CellResult['outcomes']; checks?: unknown }[]
): RunResults {
  const made = cells.map((cell) => {
    const n = Object.values(cell.outcomes).reduce((sum, one) => sum + one, 0)
    return { verdict: 'PASS', checks: [], success: { n, successes: cell.outcomes.ok }, ...cell }
  })
  return { cells: made as unknown as CellResult[] } as unknown as RunResults
}

test('late is not lost, and lost is not failed', () => {
  expect(outcomeText(counts({ ok: 34, late: 6 }))).toBe('34 ok, 6 late')
  expect(outcomeText(counts({ late: 12 }))).toBe('0 ok, 12 late')
  expect(outcomeText(counts({ lost_result: 1, stuck: 2, lost_everywhere: 3, failed_known: 4, wrong: 5 }))).toBe(
    '0 ok, 6 lost, 4 failed, 5 wrong',
  )
})

test('no outcome is left out of the words', () => {
  for (const name of Object.keys(outcomes) as Outcome[])
    expect(outcomeText(counts({ ok: 1, [name]: 7 }))).toMatch(/\b7\b/)
})

test('the headline counts results, and says which of them were late', () => {
  expect(headline(run({ outcomes: counts({ ok: 34, late: 6 }) }))).toBe('40 of 40 tasks with a result, 6 late')
  const both = run({ outcomes: counts({ ok: 1, lost_result: 2 }) }, { outcomes: counts({ failed_known: 3 }) })
  expect(headline(both)).toBe('1 of 6 tasks with a result, 2 lost, 3 failed')
})

test('what an invalid cell counted is no headline', () => {
  const sick = { verdict: 'INVALID', outcomes: counts({ lost_everywhere: 50 }) }
  expect(headline(run(sick, { outcomes: counts({ ok: 2 }) }))).toBe(
    '2 of 2 tasks with a result, 1 invalid cell left out',
  )
  expect(headline(run(sick))).toBeUndefined()
  expect(headline(run())).toBeUndefined()
})

test('promises are counted by what became of them', () => {
  const check = (status: string) => [{ judges: 'no-lost-task', promised: true, status }]
  const cells = [
    { outcomes: counts({}), checks: check('pass') },
    { outcomes: counts({}), checks: check('fail') },
    { outcomes: counts({}), checks: check('pass') },
    { outcomes: counts({}), checks: check('pass'), verdict: 'INVALID' },
  ]
  expect(promisesLine(run(...cells))).toBe('promises kept in 2, broken in 1, INVALID in 1 of 4 cells')
  expect(promisesLine(run())).toBeUndefined()
})
