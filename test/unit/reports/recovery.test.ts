import { expect, test } from 'vitest'
import type { RecoveryResult } from '../../../harness/model/judgements.ts'
import type { CellResult, RunResults } from '../../../harness/model/results.ts'
import { recoveryRows, waitingTime } from '../../../reports/recovery.ts'

function run(...recovery: readonly Partial<RecoveryResult>[]): RunResults {
  const none = { arm: 'kill', outages: 3, interrupted: 0, resubmitted: 0, unbroken: 0, tooFew: 0 }
  const cells = [...new Set(recovery.map(({ arm = 'kill' }) => arm))].flatMap((arm) =>
    ['a', 'b'].map((pattern) => ({
      cell: { pattern, arm, repetition: 1, faults: [{}] },
      verdict: 'PASS',
      success: { successes: pattern === 'a' ? 2 : 1, n: 2 },
    })),
  )
  return {
    cells: cells as unknown as CellResult[],
    plan: { patterns: ['b', 'a'], cells: [], notApplicable: [] },
    recovery: recovery.map((one) => ({ ...none, ...one })),
  } as unknown as RunResults
}

test('rows are by arm, patterns as the scenario lists them', () => {
  const rows = recoveryRows(run({ pattern: 'a' }, { pattern: 'b' }, { pattern: 'a', arm: 'cut' }))
  expect(rows.map(([arm, pattern]) => [arm, pattern])).toEqual([
    ['kill', 'b'],
    ['', 'a'],
    ['cut', 'a'],
  ])
})

test('never, not known and no later than are told apart', () => {
  expect(waitingTime({ ms: null })).toBe('∞')
  expect(waitingTime({ beyondMs: 4_000 })).toBe('> 4.00 s')
  expect(waitingTime({ ms: 1_350, atMost: true })).toBe('≤ 1.35 s')
})

test('a service that was never away, and one of which nothing can be told', () => {
  const last = (one: Partial<RecoveryResult>) => recoveryRows(run({ pattern: 'a', ...one }))[0]!.at(-1)
  expect(last({ restored: { ms: 0 }, unbroken: 3 })).toBe('none seen')
  expect(last({ restored: { ms: 0 }, unbroken: 2 })).toBe('none seen in 2/3')
  expect(last({ restored: { ms: 0 }, unbroken: 1, tooFew: 1 })).toBe('none seen in 1/2 (2/3 tell)')
  expect(last({ restored: { ms: 0 }, unbroken: 1, untouching: 2 })).toBe('none seen (1/3 tell)')
  expect(last({ tooFew: 3 })).toBe('too few')
  expect(last({ restored: { ms: 7_000 }, tooFew: 1 })).toBe('7.00 s (2/3 tell)')
})

test('who went on is counted, and resubmissions by the client are named', () => {
  const wentOn = {
    successes: 13,
    n: 14,
    wilson: [0.7, 1],
    clopperPearson: [0.7, 1],
    interval: [0.7, 1],
    method: '',
  } as const
  const [row] = recoveryRows(run({ pattern: 'a', interrupted: 14, wentOn, resubmitted: 13 }))
  expect([row![4], row![5]]).toEqual(['13/14, 92.9% [70.0, 100]', '13'])
})
