import { busyMachine, type Pace, type Timeouts, type TimeoutsAt, timeoutsAt } from '../types/timeouts.ts'
import { type Timing, timingAt } from '../types/timing.ts'

/** The way to a store of tasks, for engines that reach one through a client of ours. */
export const storeTimeouts = {
  /** A connection that only listens is probed so often. */
  leaseHeartbeatMs: { default: 15_000, tuned: 1_000, floorMs: 250, why: 'four in the shortest lease' },
  /** How often an idle node looks for what no notification announced. */
  claimPollMs: { default: 5_000, tuned: 1_000, floorMs: 100, why: 'more often the asking itself would be the load' },
  /** A statement without an answer is given up, well within a lease. */
  queryTimeoutMs: { default: 20_000, tuned: 1_600, floorMs: 1000, why: busyMachine },
  storeRetryCapMs: { default: 3_000, tuned: 200, floorMs: 100, why: 'more often the retries would be the load' },
} as const satisfies Timeouts

/** The contract's durations and these, in real milliseconds. */
export type StoreTiming = Timing & TimeoutsAt<typeof storeTimeouts>

export function storeTimingAt(pace: Pace): StoreTiming {
  return { ...timingAt(pace.timeScale), ...timeoutsAt(storeTimeouts, pace) }
}
