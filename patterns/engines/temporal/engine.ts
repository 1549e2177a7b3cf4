import type { Engine } from '../../contract/types/engine.ts'
import { durableTasks } from '../../contract/engine/promises.ts'
import { busyMachine, type TakeoverBounds, type Timeouts, type TimeoutsAt } from '../../contract/types/timeouts.ts'
import type { Timing } from '../../contract/types/timing.ts'

/** Defaults of server 1.31.2, SDK 1.24.0, without heartbeats: a crash is noticed when `startToClose` is over. */
export const timeouts = {
  /** Between two heartbeats of a step. A cancellation comes with the answer to one. */
  heartbeatMs: { default: 30_000, tuned: 1_000, floorMs: 200, why: 'more often the heartbeats would be the load' },
  /** Silence after which a try of a step is lost. */
  heartbeatTimeoutMs: { default: Infinity, tuned: 5_000, floorMs: 2000, why: busyMachine },
  /** Beside three times its duration, how long a try of a step may take: its tool may be away for that long. */
  stepSlackMs: { default: 120_000, tuned: 120_000, floorMs: 5_000, why: busyMachine },
  /** One attempt to post a callback, which gives up by itself well before. */
  notifyMs: { default: 60_000, tuned: 60_000, floorMs: 30_000, why: 'receivers live in real time' },
  retryMs: { default: 1_000, tuned: 500, floorMs: 50, why: 'more often the retries would be the load' },
  retryCapMs: { default: 100_000, tuned: 10_000, floorMs: 500, why: 'more often the retries would be the load' },
  /** A worker that decides what comes next is dead after this. */
  workflowTaskMs: { default: 10_000, tuned: 5_000, floorMs: 2000, why: busyMachine },
  /** How long a decision waits for the worker that has the workflow in its cache. */
  stickyMs: { default: 10_000, tuned: 2_000, floorMs: 500, why: busyMachine },
  /** Of the server, towards workers and clients: a connection that answers no ping is dead. */
  keepAliveTimeMs: { default: 60_000, tuned: 5_000, floorMs: 1000, why: busyMachine },
  keepAliveTimeoutMs: { default: 10_000, tuned: 3_000, floorMs: 1000, why: busyMachine },
} as const satisfies Timeouts

/** Heartbeats that are missed, or else the time that a try of a step may take; then the pause before the next try. */
function takeover(at: TimeoutsAt<typeof timeouts>, stepMs: number): TakeoverBounds {
  const { heartbeatMs, heartbeatTimeoutMs, stepSlackMs, retryMs } = at
  return {
    earliestMs: Math.min(heartbeatTimeoutMs - heartbeatMs, 2 * stepMs + stepSlackMs),
    latestMs: Math.min(heartbeatTimeoutMs, 3 * stepMs + stepSlackMs) + retryMs,
  }
}

/** Every retry of a step waits this much longer than the one before. */
export const backoffCoefficient = { default: 2, tuned: 1.5 } as const

/** Of a client's calls, in real milliseconds. */
export function patienceOf(timing: Timing) {
  return {
    answerMs: Math.max(5000, timing.requestTimeoutMs / 4),
    patienceMs: Math.max(5000, timing.requestTimeoutMs / 2),
    /** The server holds a long poll for 20 s, at any scale. */
    waitMs: 30_000,
    retryCapMs: Math.max(100, timing.backoffBaseMs),
    /** A connection that answers no ping is dead. The server's setting allows no faster pings than one a second. */
    pingMs: Math.max(1000, Math.round(timing.heartbeatMs / 3)),
  }
}

const declared: Engine = {
  name: 'temporal',
  summary: 'a workflow per task on a Temporal server, which keeps its history in PostgreSQL; workers poll for steps',
  promises: [...durableTasks, 'spawn-once'],
  withoutAccounts: 'a workflow per principal would be a signal and an event of history for each step',
  durable: true,
  executor: 'worker',
  notifier: 'worker',
  sticky: false,
  timeouts,
  takeover,
  services: [
    { role: 'store', program: 'postgres', schema: 'temporal', replicas: 1, dials: [] },
    { role: 'engine', program: 'temporal', replicas: 1, dials: ['store'] },
    {
      role: 'worker',
      program: 'work',
      packages: ['activity', 'client', 'common', 'proto', 'worker', 'workflow'].map((part) => `@temporalio/${part}`),
      replicas: 'executor',
      dials: ['engine', 'tools', 'receiver'],
    },
    { role: 'api', program: 'serve', replicas: 'api', dials: ['engine'] },
  ],
}

const devServer: Engine = {
  ...declared,
  name: 'temporal-dev',
  summary: 'the temporal engine on the dev server of the Temporal CLI, which keeps its history in one SQLite file',
  services: [
    { role: 'engine', program: 'temporal-dev', replicas: 1, dials: [] },
    ...declared.services.filter(({ role }) => role === 'worker' || role === 'api'),
  ],
}

const engine: Engine = { ...declared, variants: [devServer] }
export default engine
