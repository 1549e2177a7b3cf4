/**
 * Every duration that a pattern uses, for a task of minutes at `timeScale` 1. Compression divides them all together,
 * so that the ratios that decide (heartbeat to idle limit, lease to restart) stay what they are in production.
 */
const atFullLength = {
  /** SSE comment when nothing else was sent: well under the 60 s idle limit of common load balancers. */
  heartbeatMs: 15_000,
  /** The client's watchdog: 2.5 heartbeats of silence is a dead stream. */
  watchdogMs: 37_500,
  /** Advice on 202 and on every non-terminal status. */
  retryAfterMs: 5_000,
  /** Longest wait of a long poll: stays under 29 s gateways. */
  longPollMs: 25_000,
  /** Client-side limits and backoff (the base, doubled per failure and capped, with jitter). */
  connectTimeoutMs: 10_000,
  requestTimeoutMs: 40_000,
  backoffBaseMs: 1_000,
  backoffCapMs: 20_000,
  /** The same for streams that bring nothing: each costs the server more than a read. */
  streamBackoffCapMs: 30_000,
  /** A client sends at most two requests about a task in this time, and one where nothing is new. */
  paceMs: 1_000,
  /** The longest wait that a server can ask of a client, and a tool server of an executor. */
  adviceCapMs: 600_000,
  /** So much of what a server asks for is kept even where the job ends before that. */
  patienceMs: 30_000,
  /** Before its job ends a client asks once more, so long before. */
  lastTryMs: 5_000,
  /** A task that was accepted and is not known may be so for this long: replicas lag. */
  unknownMs: 10_000,
  /** A webhook sender waits this long for the receiver's answer. */
  webhookTimeoutMs: 15_000,
  /** The longest that asking an endpoint, before its first task, may hold up the submission. */
  webhookTestMs: 5_000,
  /** So long an endpoint that refused our messages is not asked again. */
  consentRefusedMs: 60_000,
  /** A webhook that failed is sent again: after the base, doubled per failure up to the cap, until the horizon. */
  webhookRetryBaseMs: 5_000,
  webhookRetryCapMs: 4 * 3_600_000,
  webhookHorizonMs: 72 * 3_600_000,
  /** A receiver that refuses, and does nothing else for so long, means it: longer than a deployment that went wrong. */
  webhookRefusalMs: 3_600_000,
  /** A client that waits for a callback begins to ask so long after the estimated end, and asks so often. */
  reconcileMs: 60_000,
  /** A tool call: longest wait for the answer, then retried by the executor. */
  toolTimeoutMs: 30_000,
  /** After SIGTERM: how long answers in progress may take before their connections are cut. */
  drainMs: 10_000,
} as const
/** Beyond these nothing is what it was, and the longest durations would be longer than a timer waits. */
export const timeScales = { least: 0.1, most: 1000 } as const

export type Timing = { readonly [K in keyof typeof atFullLength]: number }

/** The durations at a time scale, in whole real milliseconds, at least 1: `AbortSignal.timeout` takes no fractions. */
export function timingAt(timeScale: number): Timing {
  const scaled = Object.entries(atFullLength).map(([name, ms]) => [name, Math.max(1, Math.round(ms / timeScale))])
  return Object.fromEntries(scaled) as Timing
}
