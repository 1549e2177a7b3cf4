import { expect, test } from 'vitest'
import { timingAt } from '../../../patterns/contract/timing.ts'
import { storeLimits } from '../../../patterns/engines/postgres/store.ts'
import { comebackMs, leaseLimits } from '../../../patterns/engines/postgres/tenure.ts'

test.each([1, 10, 60, 100])('after an outage nobody is evicted who still waits for a dead connection, %ix', (scale) => {
  const timing = timingAt(scale)
  const { queryTimeoutMs, connectTimeoutMs } = storeLimits(timing)
  const { leaseMs, heartbeatMs } = leaseLimits(timing)
  expect(comebackMs(timing)).toBeGreaterThan(queryTimeoutMs + connectTimeoutMs + heartbeatMs)
  expect(comebackMs(timing)).toBeGreaterThanOrEqual(leaseMs)
})

test('at full length a lease is enough for that', () => {
  const timing = timingAt(1)
  expect(comebackMs(timing)).toBe(leaseLimits(timing).leaseMs)
})
