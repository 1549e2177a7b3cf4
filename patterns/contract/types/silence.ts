import { busyMachine, timeoutsAt, type Pace, type Timeouts } from './timeouts.ts'
import { timingAt } from './timing.ts'

/** A pattern, as far as its patience depends on it. */
export interface Patient {
  readonly delivery: { readonly callback: boolean }
  readonly engine: { readonly timeouts: Timeouts }
  readonly tuning: Pace['tuning']
}

/**
 * How long a part of this pattern waits before it takes a silence for death, by name and in real milliseconds. It has
 * what the contract says for clients, tools and callbacks, and those of the engine's timeouts below which a busy
 * machine would look dead.
 */
export function silencesAt(pattern: Patient, timeScale: number): Readonly<Record<string, number>> {
  const { watchdogMs, requestTimeoutMs, toolTimeoutMs, webhookTimeoutMs } = timingAt(timeScale)
  const { timeouts } = pattern.engine
  const engine = Object.entries(timeoutsAt(timeouts, { tuning: pattern.tuning, timeScale }))
  return {
    watchdogMs,
    requestTimeoutMs,
    toolTimeoutMs,
    ...(pattern.delivery.callback && { webhookTimeoutMs }),
    ...Object.fromEntries(engine.filter(([name, ms]) => timeouts[name]!.why === busyMachine && isSilence(name, ms))),
  }
}

/** How often a part asks, and how long a cache is preferred, ends no life. */
const harmless: ReadonlySet<string> = new Set(['keepAliveTimeMs', 'keepAliveIntervalMs', 'stickyMs'])

function isSilence(name: string, ms: number): boolean {
  return Number.isFinite(ms) && !harmless.has(name)
}
