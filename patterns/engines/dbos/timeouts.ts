import {
  busyMachine,
  type Pace,
  type Takeover,
  type Timeouts,
  type TimeoutsAt,
  timeoutsAt,
} from '../../contract/types/timeouts.ts'
import { type StoreTiming, timeouts as storeTimeouts, timingOf as storeTimingOf } from '../postgres/timeouts.ts'

/** Of the way to the database that it shares with the postgres engine: for reads and hints, not for what the library asks. */
const { queryTimeoutMs, storeRetryCapMs, claimPollMs, leaseHeartbeatMs } = storeTimeouts

const fixed = 'the library has no setting for it'

/** Defaults are those of the library, 5.3.0. What is fixed there stands on a floor, so that reports name it. */
export const timeouts = {
  /** How often an executor asks its queue for work, and so also how soon what was recovered goes on. */
  queuePollMs: { default: 1_000, tuned: 100, floorMs: 100, why: 'more often the asking itself would be the load' },
  /** Of the library, for a connection to the database. It counts whole seconds. */
  libraryConnectMs: { default: 10_000, tuned: 2_000, floorMs: 1000, why: busyMachine },
  /** Pauses of the library between two tries of a call while the database is out of reach: the first, and the longest. */
  reconnectMs: { default: 1_000, tuned: 1_000, floorMs: 1000, why: fixed },
  reconnectCapMs: { default: 60_000, tuned: 60_000, floorMs: 60_000, why: fixed },
  /** How soon a step in flight hears of its cancellation. */
  cancelNoticeMs: { default: 1_000, tuned: 1_000, floorMs: 1000, why: fixed },
  queryTimeoutMs,
  storeRetryCapMs,
  claimPollMs,
  leaseHeartbeatMs,
} as const satisfies Timeouts

/** At its launch an executor puts what its name had back into the queue, and claims it with its next poll. */
export function takeover({ queuePollMs }: TimeoutsAt<typeof timeouts>): Takeover {
  return { earliestMs: 0, latestMs: queuePollMs }
}

/** The contract's durations and this engine's timeouts, in real milliseconds. */
export type DbosTiming = StoreTiming & TimeoutsAt<typeof timeouts>

export function timingOf(pace: Pace): DbosTiming {
  return { ...storeTimingOf(pace), ...timeoutsAt(timeouts, pace) }
}
