import { expect, test } from 'vitest'
import type { CellResult, Episode, RunResults } from '../../../harness/store/schema.ts'
import { recoveryTable } from '../../../reports/recovery.ts'

const outage: Episode = {
  fault: 'kill-1#1',
  startedAt: 0,
  endedAt: 10,
  affectedTasks: 3,
  lostTasks: 0,
  reworkedSteps: 0,
  duplicateEffects: 0,
}

function run(...cells: readonly (readonly [string, string, ...Partial<Episode>[]])[]): RunResults {
  const made = cells.map(([pattern, arm, ...episodes]) => ({
    cell: { pattern, arm, repetition: 1, faults: [{}] },
    verdict: 'PASS',
    success: { successes: 1, n: 1 },
    episodes: episodes.map((one) => ({ ...outage, ...one })),
  }))
  return { cells: made as unknown as CellResult[], plan: { notApplicable: [] } } as unknown as RunResults
}

test('one row per pattern, one field per arm in which somebody took over', () => {
  const results = run(
    ['a', 'kill', { takenOverTasks: 2, takeoverMsMedian: 1350, reworkedSteps: 2 }],
    ['b', 'kill', { takenOverTasks: 0, lostTasks: 3 }],
    ['a', 'latency', { takenOverTasks: 0 }],
    ['b', 'latency', { takenOverTasks: 0 }],
  )
  expect(recoveryTable(results)).toEqual({
    arms: ['kill'],
    rows: [
      ['a', '1.35 s, 2 again'],
      ['b', 'none, 0 again, 3 lost'],
    ],
  })
})

test('several outages are told by the middle of their medians, and by sums', () => {
  const times = [900, 100, 200].map((takeoverMsMedian) => ({ takenOverTasks: 1, takeoverMsMedian, reworkedSteps: 5 }))
  expect(recoveryTable(run(['a', 'kill', ...times]))!.rows).toEqual([['a', '200 ms, 15 again']])
})

test('what is no outage, met nobody, or is invalid says nothing', () => {
  const condition = { condition: true as const, takenOverTasks: 4, takeoverMsMedian: 1 }
  expect(recoveryTable(run(['a', 'kill', condition, { affectedTasks: 0, takenOverTasks: 1 }]))).toBeUndefined()
})
