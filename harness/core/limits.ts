/** The longest duration that can be written, a year: a longer one is a mistake in a unit. */
export const longestMs = 365 * 24 * 3_600_000

/** No load is offered faster: arrivals per second of real time. */
export const highestRatePerSec = 1_000_000

/** Divides every duration: beyond these nothing is what it was. */
export const timeScales = { least: 0.1, most: 1000 } as const
