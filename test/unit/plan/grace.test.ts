import { expect, test } from 'vitest'
import { graceWarnings } from '../../../harness/model/plan-remarks.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { previewPlan } from '../../../harness/plan/preview.ts'
import { cellPlan, plannedFault } from '../stats/cells.ts'
import { catalog, scenario } from './catalog.ts'

const ms = (value: number): string => `${value} ms`
const one = [plannedFault({})]
const two = [plannedFault({}), plannedFault({ id: 'kill-1#2' })]

test.each([
  ['enough for two', { graceMs: 200, takeoverMs: 100, faults: two }, undefined],
  ['for one, but not for two', { graceMs: 199, takeoverMs: 100, faults: two }, /for two; grace is 199 ms: .* twice/],
  ['for one, and there is one', { graceMs: 100, takeoverMs: 100, faults: one }, undefined],
  ['not for one', { graceMs: 99, takeoverMs: 100, faults: one }, /100 ms for one .* once may be late\.$/],
  ['given up before', { graceMs: 49, takeoverMs: 100, faults: one }, /may have given up\.$/],
  ['nobody takes over', { graceMs: 1, faults: two }, undefined],
])('grace is %s', (_, over, said) => {
  const warnings = graceWarnings({ cells: [cellPlan({ engine: 'x', ...over })] }, ms)
  if (said) expect(warnings.join()).toMatch(said)
  else expect(warnings).toEqual([])
})

test('an engine is named once, with its worst cell', () => {
  const cells = [10, 90, 50].map((graceMs) => cellPlan({ engine: 'x', takeoverMs: 100, graceMs, faults: one }))
  expect(graceWarnings({ cells }, ms)).toHaveLength(1)
  expect(graceWarnings({ cells }, ms)[0]).toContain('grace is 10 ms')
})

test('a takeover costs the timeouts, and the longest step again; a link costs none', () => {
  const kill = 'kill: [{ fault: kill, target: executor-0, at: 1m, for: 20s }]'
  const slow = 'slow: [{ fault: latency, target: client->api, at: 1m, for: 1m, delay: 2s }]'
  const made = scenario({ arms: `none: []\n${kill}\n${slow}`, tail: 'grace: 1m' })
  const plan = compilePlan(made, catalog, { runtime: 'process' })
  const costs = plan.cells
    .map(({ id, takeoverMs }) => [id, takeoverMs] as const)
    .filter(([, cost]) => cost !== undefined)
  // A lease of 60 s and a step of 52.5 s; in memory nobody goes on.
  expect(costs).toEqual([['durable-postgres.kill.1', 112_500]])
  expect(previewPlan(plan)).toMatch(/Warning: postgres \(default\) may need up to 1m5\S+ for one takeover/)
})
