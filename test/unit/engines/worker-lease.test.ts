import { expect, test } from 'vitest'
import { connectLimitMs } from '../../../patterns/contract/engine/workplace.ts'
import { comebackMs } from '../../../patterns/engines/postgres/worker-lease.ts'
import { timingOf } from '../../../patterns/engines/postgres/engine.ts'

const paces = [1, 10, 60, 100].flatMap((timeScale) => [
  { timeScale, tuning: 'default' as const },
  { timeScale, tuning: 'tuned' as const },
])

test.each(paces)('after an outage nobody is evicted who still waits for a dead connection, %o', (pace) => {
  const timing = timingOf(pace)
  const { queryTimeoutMs, leaseMs, leaseHeartbeatMs } = timing
  expect(comebackMs(timing)).toBeGreaterThan(queryTimeoutMs + connectLimitMs(timing) + leaseHeartbeatMs)
  expect(comebackMs(timing)).toBeGreaterThanOrEqual(leaseMs)
})

test('at full length a lease as shipped is enough for that', () => {
  const timing = timingOf({ timeScale: 1, tuning: 'default' })
  expect(comebackMs(timing)).toBe(timing.leaseMs)
})
