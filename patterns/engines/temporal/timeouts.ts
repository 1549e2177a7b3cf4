import type { Timing } from '../../contract/timing.ts'

/**
 * Tuned to one budget: a dead worker is noticed within five seconds at full length. As shipped an activity has no
 * heartbeat at all, so that a crash is noticed when `startToClose` is over. The floors are for a busy machine: below
 * them it would be taken for a dead one.
 */
export function timeoutsAt(timeScale: number) {
  const scaled = (ms: number, floorMs: number): number => Math.max(floorMs, Math.round(ms / timeScale))
  return {
    heartbeatMs: scaled(1000, 200),
    /** Silence after which a try of a step is lost. */
    heartbeatTimeoutMs: scaled(5000, 2000),
    /** Beside three times its duration, how long a step may take: its tool may be away for that long. */
    stepSlackMs: scaled(120_000, 30_000),
    notifyMs: scaled(3_600_000, 600_000),
    retryMs: scaled(500, 50),
    retryCapMs: scaled(10_000, 500),
    /** A worker that decides what comes next is dead after this. */
    workflowTaskMs: scaled(5000, 2000),
    /** How long a decision waits for the worker that has the workflow in its cache. */
    stickyMs: scaled(2000, 500),
  }
}

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
