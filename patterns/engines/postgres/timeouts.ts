import {
  busyMachine,
  type Pace,
  type Takeover,
  type Timeouts,
  type TimeoutsAt,
  timeoutsAt,
} from '../../contract/types/timeouts.ts'
import { type Timing, timingAt } from '../../contract/types/timing.ts'

/** Defaults are what a queue on a database commonly has: a minute's lease, a quarter of it between heartbeats. */
export const timeouts = {
  /** Ownership of a task by a worker: renewed every heartbeat, void after the lease. */
  leaseMs: { default: 60_000, tuned: 5_000, floorMs: 1000, why: busyMachine },
  leaseHeartbeatMs: { default: 15_000, tuned: 1_000, floorMs: 250, why: 'four in the shortest lease' },
  /** How often an idle worker looks for work, beside being woken. */
  claimPollMs: { default: 5_000, tuned: 1_000, floorMs: 100, why: 'more often the asking itself would be the load' },
  /** A statement without an answer is given up, well within a lease. */
  queryTimeoutMs: { default: 20_000, tuned: 1_600, floorMs: 1000, why: busyMachine },
  storeRetryCapMs: { default: 3_000, tuned: 200, floorMs: 100, why: 'more often the retries would be the load' },
} as const satisfies Timeouts

/** The lease runs out, which was renewed a heartbeat before the end at most; with its next heartbeat another one sees that. */
export function takeover({ leaseMs, leaseHeartbeatMs }: TimeoutsAt<typeof timeouts>): Takeover {
  return { earliestMs: leaseMs - leaseHeartbeatMs, latestMs: leaseMs + leaseHeartbeatMs }
}

/** The contract's durations and this engine's timeouts, in real milliseconds. */
export type StoreTiming = Timing & TimeoutsAt<typeof timeouts>

export function timingOf(pace: Pace): StoreTiming {
  return { ...timingAt(pace.timeScale), ...timeoutsAt(timeouts, pace) }
}
