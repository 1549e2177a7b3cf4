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

/** Of our own connections, for reads and hints. The library has others. */
const { queryTimeoutMs, storeRetryCapMs, claimPollMs, leaseHeartbeatMs } = storeTimeouts

const fixed = 'the library has no setting for it'

/** Defaults are those of the library, 5.3.0. What is fixed there has a floor, so that reports name it. */
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
function takeover({ queuePollMs }: TimeoutsAt<typeof timeouts>): TakeoverBounds {
  return { earliestMs: 0, latestMs: queuePollMs }
}

/** Of our supervisor, no part of DBOS: by default the minute of the vendor's own, and beats in proportion. */
export const supervisedTimeouts = {
  ...timeouts,
  /** Silence after which an executor is dead. */
  silenceMs: { default: 60_000, tuned: 5_000, floorMs: 1000, why: busyMachine },
  beatMs: { default: 15_000, tuned: 1_000, floorMs: 200, why: 'five in the shortest silence' },
} as const satisfies Timeouts

/** The silence, which began a beat before the end at most; then another one's beat hands back, and its poll claims. */
function supervisedTakeover(at: TimeoutsAt<typeof supervisedTimeouts>): TakeoverBounds {
  const { silenceMs, beatMs, queuePollMs } = at
  return { earliestMs: silenceMs - beatMs, latestMs: silenceMs + beatMs + queuePollMs }
}

/** The contract's durations and this engine's timeouts, in real milliseconds. */
export type DbosTiming = StoreTiming & TimeoutsAt<typeof timeouts>

export function timingOf(pace: Pace): DbosTiming {
  return { ...storeTimingAt(pace), ...timeoutsAt(timeouts, pace) }
}

const declared: Engine = {
  name: 'dbos',
  summary: 'workflows of the DBOS library in PostgreSQL; an executor recovers its own when it comes back by its name',
  // Not 'no-lost-task': what an executor had that never comes back, no other one takes over.
  promises: ['effect-once', 'idempotency', ...soundTasks, ...durableAccounts, 'spawn-once'],
  durable: true,
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts,
  takeover,
  services: [
    { role: 'store', program: 'postgres', replicas: 1, dials: [] },
    {
      role: 'worker',
      program: 'work',
      packages: ['@dbos-inc/dbos-sdk'],
      replicas: 'executor',
      dials: ['store', 'tools', 'receiver'],
    },
    { role: 'api', program: 'serve', replicas: 'api', dials: ['store'] },
  ],
}

export const supervised: Engine = {
  ...declared,
  name: 'dbos-supervised',
  summary: 'the dbos engine with a supervisor of ours: heartbeats, and a silent executor’s workflows go to the others',
  promises: ['no-lost-task', ...declared.promises],
  timeouts: supervisedTimeouts,
  takeover: supervisedTakeover,
}

const engine: Engine = { ...declared, variants: [supervised] }
export default engine
