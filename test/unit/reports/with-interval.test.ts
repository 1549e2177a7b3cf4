import { expect, test } from 'vitest'
import type { Proportion } from '../../../harness/model/judgements.ts'
import type { Overhead, Rework } from '../../../harness/model/results.ts'
import { reworkWithInterval, shareWithInterval, timeWithInterval } from '../../../reports/numbers.ts'

test('a share has its interval, or how many faults there were', () => {
  const share = { successes: 34, n: 40, interval: [0.702, 0.943], method: 'Clopper-Pearson' } satisfies Proportion
  expect(shareWithInterval(share)).toBe('85.0% [70.2, 94.3]')
  expect(shareWithInterval({ successes: 34, n: 40, method: 'too few', faults: 3 })).toBe('85.0% (3 faults)')
  expect(shareWithInterval({ successes: 0, n: 0, method: 'no task' })).toBe('–')
})

test('a percentile says when it is not to be relied on', () => {
  const overhead: Overhead = {
    p50: 12,
    p95: 950,
    p99: null,
    intervals: { p50: [10.2, 14], p95: [800, 1_200] },
    n: 300,
    quotable: true,
    tooFew: ['p99'],
  }
  expect(timeWithInterval(overhead, 'p50')).toBe('12 ms [10, 14]')
  expect(timeWithInterval(overhead, 'p95')).toBe('950 ms [800 ms, 1.20 s]')
  expect(timeWithInterval(overhead, 'p99')).toBe('~∞')
  const open = { ...overhead, intervals: { p50: [10, null] as const } }
  expect(timeWithInterval(open, 'p50')).toBe('12 ms [10, ∞]')
  expect(timeWithInterval({ ...overhead, n: 0 }, 'p50')).toBe('–')
})

test('so has the work that was done again', () => {
  const rework: Rework = { plannedSteps: 12, executedSteps: 12, duplicateEffects: 0, ratio: 0, wastedMs: 0 }
  expect(reworkWithInterval({ ...rework, interval: [0, 0.036] })).toBe('0% [0, 3.6]')
  expect(reworkWithInterval({ ...rework, faults: 1 })).toBe('0% (1 fault)')
  expect(reworkWithInterval({ ...rework, plannedSteps: 0 })).toBe('–')
})
