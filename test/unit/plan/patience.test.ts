import { expect, test } from 'vitest'
import { timeoutsAt } from '../../../patterns/contract/types/timeouts.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import restate from '../../../patterns/engines/restate/engine.ts'
import { catalog, scenario } from './catalog.ts'

test('the plan says how long an engine waits for a silent executor, where it waits for any', () => {
  const plan = compilePlan(scenario({ arms: 'none: []', tail: 'grace: 1m' }), catalog, { runtime: 'process' })
  const waits = Object.fromEntries(plan.cells.map(({ engine, patienceMs }) => [engine, patienceMs]))
  // The earliest takeover of this catalogue's postgres; in memory nobody goes on.
  expect(waits).toMatchObject({ postgres: 30_000, memory: undefined })
})

test('restate gives a live worker up by its pings, though an ended one at once', () => {
  const at = timeoutsAt(restate.timeouts, { tuning: 'default', timeScale: 1 })
  expect(restate.patience?.(at as never)).toBe(20_000)
  expect(restate.takeover?.(at as never, 1000).earliestMs).toBe(0)
})
