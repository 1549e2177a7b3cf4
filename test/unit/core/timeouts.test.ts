import { expect, test } from 'vitest'
import { flooredAt, timeoutsAt } from '../../../patterns/contract/types/timeouts.ts'

const timeouts = {
  leaseMs: { default: 60_000, tuned: 5_000, floorMs: 1000, why: 'a busy machine' },
  heartbeatTimeoutMs: { default: Infinity, tuned: 5_000, floorMs: 2000, why: 'a busy machine' },
} as const

test('timeouts are divided like the work, down to their floors', () => {
  expect(timeoutsAt(timeouts, { tuning: 'default', timeScale: 10 })).toEqual({
    leaseMs: 6000,
    heartbeatTimeoutMs: Infinity,
  })
  expect(timeoutsAt(timeouts, { tuning: 'tuned', timeScale: 4 })).toEqual({ leaseMs: 1250, heartbeatTimeoutMs: 2000 })
})

test('those that stand on their floors are named, with what they would be', () => {
  expect(flooredAt(timeouts, { tuning: 'default', timeScale: 1 })).toEqual([])
  expect(flooredAt(timeouts, { tuning: 'tuned', timeScale: 4 })).toEqual([
    { name: 'heartbeatTimeoutMs', wantedMs: 1250, ms: 2000, why: 'a busy machine' },
  ])
  expect(flooredAt(timeouts, { tuning: 'default', timeScale: 80 })).toEqual([
    { name: 'leaseMs', wantedMs: 750, ms: 1000, why: 'a busy machine' },
  ])
})
