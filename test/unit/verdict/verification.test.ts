import { expect, test } from 'vitest'
import type { Verification } from '../../../harness/model/verification.ts'
import { unmeasuredBy } from '../../../harness/model/verification.ts'
import { judgeRun } from '../../../harness/verdict/run.ts'
import type { RunResults } from '../../../harness/model/results.ts'
import { caveatsOf } from '../../../reports/caveats.ts'
import { armGroups } from '../../../reports/arm-groups.ts'
import { study } from '../reports/study.ts'

const results = study(60)
const [first] = results.cells
const { pattern } = first!.cell
const reason = 'tasks of ten submissions of one key: 10, must be 1'
const broken: Verification = {
  version: 1,
  patterns: [
    {
      pattern,
      cases: [
        { case: 'task/log', outcome: 'pass' },
        { case: 'idempotency/concurrent', outcome: 'fail', reason },
        { case: 'streaming/ended', outcome: 'n/a', reason: 'it streams no events' },
      ],
    },
  ],
}

/** The study, in which the cells of the broken pattern were not run. */
function judged(verification: Verification | undefined): RunResults {
  const { run, plan, environment } = results
  const cells = results.cells.filter(({ cell }) => cell.pattern !== pattern)
  return judgeRun({ run, plan: { ...plan, gates: [] }, environment, verification, cells })
}

test('a pattern that fails a case is not measured, and the first failure is why', () => {
  expect(unmeasuredBy(broken)).toEqual([{ pattern, reason: `not measured: fails idempotency/concurrent: ${reason}` }])
  expect(unmeasuredBy(undefined)).toEqual([])
  const undecided = { case: 'start', outcome: 'undecided', reason: 'no server' } as const
  expect(unmeasuredBy({ version: 1, patterns: [{ pattern, cases: [undecided] }] })).toEqual([])
})

test('it fails the run with one reason, where its cells would otherwise be missing', () => {
  const { verdict, reasons } = judged(broken)
  expect([verdict, reasons.filter((one) => one.startsWith(pattern))]).toEqual([
    expect.stringMatching(/FAIL|INVALID/),
    [`${pattern}: not measured: fails idempotency/concurrent: ${reason}`],
  ])
  const missing = judged({ version: 1, patterns: [] }).reasons
  expect(missing.filter((one) => one.includes('it was planned and has no result')).length).toBeGreaterThan(0)
})

test('nothing but broken patterns is a failure, not a run without evidence', () => {
  const { run, plan, environment } = results
  const only = { ...plan, gates: [], cells: plan.cells.filter((cell) => cell.pattern === pattern) }
  expect(judgeRun({ run, plan: only, environment, verification: broken, cells: [] }).verdict).toBe('FAIL')
})

test('reports show null cells under every arm, and say when nothing was verified', () => {
  const groups = armGroups(judged(broken)).flatMap(({ notApplicable }) => notApplicable.filter((one) => one.broken))
  const arms = new Set(results.plan.cells.filter((cell) => cell.pattern === pattern).map(({ arm }) => arm))
  expect(new Set(groups.map(({ arm }) => arm))).toEqual(arms)
  expect(caveatsOf(judged(undefined))[0]).toMatch(/not held against the task contract/)
  expect(caveatsOf(judged(broken)).join()).not.toMatch(/not held against/)
})
