import type { Engine } from '../../contract/types/engine.ts'
import { durableAccounts, durableTasks } from '../../contract/engine/promises.ts'
import { busyMachine, type TakeoverBounds, type Timeouts, type TimeoutsAt } from '../../contract/types/timeouts.ts'

/** Defaults of server 1.7.12: silence of 11 minutes ends a step. Tuned, both are far above any step. */
export const timeouts = {
  retryInitialMs: { default: 500, tuned: 100, floorMs: 50, why: 'more often the retries would be the load' },
  /** The longest pause between two attempts is what a worker's return costs at most. */
  retryCapMs: { default: 60_000, tuned: 2_000, floorMs: 250, why: 'more often the retries would be the load' },
  inactivityMs: { default: 60_000, tuned: 3_600_000, floorMs: 2000, why: busyMachine },
  abortMs: { default: 600_000, tuned: 3_600_000, floorMs: 2000, why: busyMachine },
  /** Of the server, towards workers: a connection that answers no ping is dead. */
  keepAliveIntervalMs: { default: 40_000, tuned: 3_000, floorMs: 1000, why: busyMachine },
  keepAliveTimeoutMs: { default: 20_000, tuned: 2_000, floorMs: 1000, why: busyMachine },
  connectTimeoutMs: { default: 10_000, tuned: 2_000, floorMs: 1000, why: busyMachine },
} as const satisfies Timeouts

/** The server sees the connection close and tries again and again, with pauses that become longer. */
function takeover({ retryCapMs }: TimeoutsAt<typeof timeouts>): TakeoverBounds {
  return { earliestMs: 0, latestMs: retryCapMs }
}

/** A live worker is given up when it answers no ping, and an ended one when its connection closes. */
function patience({ keepAliveTimeoutMs }: TimeoutsAt<typeof timeouts>): number {
  return keepAliveTimeoutMs
}

/** Attempts of a step before its invocation is paused, and waits for a human. */
export const mostAttempts = { default: 70, tuned: 1_000_000_000 } as const

const engine: Engine = {
  name: 'restate',
  summary: 'a workflow per task on a Restate server, which pushes the work to a service node and journals every step',
  promises: [...durableTasks, ...durableAccounts, 'spawn-once'],
  durable: true,
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts,
  takeover,
  patience,
  services: [
    { role: 'engine', program: 'restate', replicas: 1, dials: ['worker'] },
    // One: a deployment is one address. Several need a load balancer that speaks HTTP/2 in front of them.
    {
      role: 'worker',
      program: 'work',
      packages: ['@restatedev/restate-sdk', '@restatedev/restate-server'],
      replicas: 1,
      dials: ['tools', 'receiver'],
    },
    { role: 'api', program: 'serve', replicas: 'api', dials: ['engine'] },
  ],
}
export default engine
