import type { Engine } from '../../contract/types/engine.ts'
import { durableAccounts, durableTasks } from '../../contract/engine/promises.ts'
import { type StoreTiming, storeTimeouts, storeTimingAt } from '../../contract/engine/store-timeouts.ts'
import {
  busyMachine,
  type Pace,
  type TakeoverBounds,
  type Timeouts,
  type TimeoutsAt,
  timeoutsAt,
} from '../../contract/types/timeouts.ts'

/** Defaults are what a queue on a database commonly has: a minute's lease, a quarter of it between heartbeats. */
export const timeouts = {
  /** Ownership of a task by a worker: renewed every heartbeat, void after the lease. */
  leaseMs: { default: 60_000, tuned: 5_000, floorMs: 1000, why: busyMachine },
  ...storeTimeouts,
} as const satisfies Timeouts

/** The lease runs out, which was renewed a heartbeat before the end at most; with its next heartbeat another one sees that. */
function takeover({ leaseMs, leaseHeartbeatMs }: TimeoutsAt<typeof timeouts>): TakeoverBounds {
  return { earliestMs: leaseMs - leaseHeartbeatMs, latestMs: leaseMs + leaseHeartbeatMs }
}

/** The contract's durations and this engine's timeouts, in real milliseconds. */
export type PostgresTiming = StoreTiming & TimeoutsAt<typeof timeouts>

export function timingOf(pace: Pace): PostgresTiming {
  return { ...storeTimingAt(pace), ...timeoutsAt(timeouts, pace) }
}

const engine: Engine = {
  name: 'postgres',
  summary: 'a journal in PostgreSQL: event log, leases with fencing, resume after the last completed step, outbox',
  promises: [...durableTasks, ...durableAccounts, 'spawn-once'],
  durable: true,
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts,
  takeover,
  services: [
    { role: 'store', program: 'postgres', replicas: 1, dials: [] },
    { role: 'worker', program: 'work', replicas: 'executor', dials: ['store', 'tools', 'receiver'] },
    { role: 'api', program: 'serve', replicas: 'api', dials: ['store'] },
  ],
}
export default engine
