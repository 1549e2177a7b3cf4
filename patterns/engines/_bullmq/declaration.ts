import type { Engine } from '../../contract/types/engine.ts'
import { durableAccounts, soundTasks } from '../../contract/engine/promises.ts'
import { type StoreTiming, storeTimeouts, storeTimingAt } from '../../contract/engine/store-timeouts.ts'
import {
  busyMachine,
  type Pace,
  type TakeoverBounds,
  type Timeouts,
  type TimeoutsAt,
  timeoutsAt,
} from '../../contract/types/timeouts.ts'

/** Timeouts of the library. Defaults are those of BullMQ 6.7.0. */
const queueTimeouts = {
  /** A job without a renewal for so long is not being worked on; renewed at half of it. */
  lockMs: { default: 30_000, tuned: 5_000, floorMs: 1000, why: busyMachine },
  /** Between two looks for such jobs: the first one marks what is active, the next one takes what is marked. */
  stalledCheckMs: { default: 30_000, tuned: 2_000, floorMs: 400, why: 'two of them in the shortest lock' },
  /** How long an idle worker waits to be woken before it looks for itself. */
  drainDelayMs: { default: 5_000, tuned: 1_000, floorMs: 100, why: 'more often the asking itself would be the load' },
  /** A fetch for which the database refuses the connection is repeated after so long. */
  refusedRetryMs: { default: 15_000, tuned: 500, floorMs: 100, why: 'more often the retries would be the load' },
} as const satisfies Timeouts

/** How often a job may lose its worker: once more, and the queue fails it. */
export const mostStalls = { default: 1, tuned: 1000 } as const

export const timeouts = {
  ...queueTimeouts,
  claimPollMs: storeTimeouts.claimPollMs,
  leaseHeartbeatMs: storeTimeouts.leaseHeartbeatMs,
  queryTimeoutMs: storeTimeouts.queryTimeoutMs,
  storeRetryCapMs: storeTimeouts.storeRetryCapMs,
} as const satisfies Timeouts

/** The lock runs out, which was renewed half of it before the end at most; the first look after that finds the job. */
function takeover({ lockMs, stalledCheckMs }: TimeoutsAt<typeof timeouts>): TakeoverBounds {
  return { earliestMs: lockMs / 2, latestMs: lockMs + stalledCheckMs }
}

/** The contract's durations and these, in real milliseconds. */
export type QueueTiming = StoreTiming & TimeoutsAt<typeof queueTimeouts>

export function timingOf(pace: Pace): QueueTiming {
  return { ...storeTimingAt(pace), ...timeoutsAt(queueTimeouts, pace) }
}

export function declareQueue(store: 'postgres' | 'redis'): Omit<Engine, 'name' | 'summary'> {
  return {
    promises: ['no-lost-task', 'idempotency', ...soundTasks, ...durableAccounts, 'spawn-once'],
    durable: true,
    executor: 'worker',
    notifier: 'worker',
    sticky: false,
    timeouts,
    takeover,
    services: [
      { role: 'store', program: store, replicas: 1, dials: [] },
      {
        role: 'worker',
        program: 'work',
        packages: store === 'redis' ? ['bullmq', 'ioredis'] : ['bullmq'],
        replicas: 'executor',
        dials: ['store', 'tools', 'receiver'],
      },
      { role: 'api', program: 'serve', replicas: 'api', dials: ['store'] },
    ],
  }
}
