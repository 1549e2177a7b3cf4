/**
 * What an engine's timeouts are set to: as shipped by whoever makes the engine, or to one budget for all engines, by which
 * a dead worker is noticed within five seconds at full length.
 */
export const tunings = ['default', 'tuned'] as const
export type Tuning = (typeof tunings)[number]

/** A timeout of an engine, in milliseconds at full length. `Infinity`: there is none. */
export interface Timeout {
  readonly default: number
  readonly tuned: number
  /** Real milliseconds below which it does not go, however far time is compressed, and why. */
  readonly floorMs: number
  readonly why: string
}

/** A timeout that compression did not divide as it divides the work; `wantedMs` would be in proportion. Real milliseconds. */
export interface Floored {
  readonly name: string
  readonly wantedMs: number
  readonly ms: number
  readonly why: string
}

/** All of an engine's timeouts as it gets them, by name, in whole real milliseconds. */
export function timeoutsAt(
  timeouts: Readonly<Record<string, Timeout>>,
  tuning: Tuning,
  timeScale: number,
): Readonly<Record<string, number>> {
  const real = Object.entries(timeouts).map(([name, timeout]) => {
    return [name, Math.max(timeout.floorMs, Math.round(timeout[tuning] / timeScale))]
  })
  return Object.fromEntries(real) as Record<string, number>
}

/** The timeouts that are longer than in proportion to the work, because they stand on their floors. */
export function flooredAt(
  timeouts: Readonly<Record<string, Timeout>>,
  tuning: Tuning,
  timeScale: number,
): readonly Floored[] {
  return Object.entries(timeouts).flatMap(([name, { floorMs, why, ...timeout }]) => {
    const wantedMs = Math.round(timeout[tuning] / timeScale)
    return wantedMs < floorMs ? [{ name, wantedMs, ms: floorMs, why }] : []
  })
}
