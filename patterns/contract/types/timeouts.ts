import { timingAt } from './timing.ts'

/** `default`: as the engine's makers ship it. `tuned`: a dead worker is noticed within five seconds at full length. */
export const tunings = ['default', 'tuned'] as const
export type Tuning = (typeof tunings)[number]

/** What makes timeouts real: which set, divided by how much. */
export interface Pace {
  readonly tuning: Tuning
  readonly timeScale: number
}

/** One timeout of an engine, in milliseconds at full length. `Infinity`: there is none. */
export interface Timeout {
  readonly default: number
  readonly tuned: number
  /** Real milliseconds below which it does not go, however far time is compressed, and why. */
  readonly floorMs: number
  readonly why: string
}

/** By name, each name ending in `Ms`. */
export type Timeouts = Readonly<Record<string, Timeout>>

/** By name, of one tuning at one time scale, in whole real milliseconds. */
export type TimeoutsAt<T extends Timeouts> = { readonly [K in keyof T]: number }

/** When the tasks of a killed worker go on, in real milliseconds. */
export interface TakeoverBounds {
  /** After its end, at the earliest. */
  readonly earliestMs: number
  /** At the latest, after another one is there; or itself, where tasks wait for its name. */
  readonly latestMs: number
}

/** Why most floors are there. */
export const busyMachine = 'below it a busy machine would be taken for a dead one'

export function timeoutsAt<T extends Timeouts>(timeouts: T, { tuning, timeScale }: Pace): TimeoutsAt<T> {
  const real = Object.entries(timeouts).map(([name, timeout]) => [
    name,
    Math.max(timeout.floorMs, Math.round(timeout[tuning] / timeScale)),
  ])
  return Object.fromEntries(real) as TimeoutsAt<T>
}

/** A timeout that compression did not divide as it divides the work; `wantedMs` would be in proportion. Real milliseconds. */
export interface Floored {
  readonly name: string
  readonly wantedMs: number
  readonly ms: number
  readonly why: string
}

/** The timeouts that are longer than in proportion to the work, because they are at their floors. */
export function flooredAt(timeouts: Timeouts, { tuning, timeScale }: Pace): readonly Floored[] {
  return Object.entries(timeouts).flatMap(([name, { floorMs, why, ...timeout }]) => {
    const wantedMs = Math.round(timeout[tuning] / timeScale)
    return wantedMs < floorMs ? [{ name, wantedMs, ms: floorMs, why }] : []
  })
}

/** A pattern, as far as its patience depends on it. */
interface Patient {
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
