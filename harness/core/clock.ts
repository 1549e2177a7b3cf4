/**
 * Milliseconds on the machine's monotonic clock, with microsecond digits.
 * All processes of one host share it (CLOCK_MONOTONIC), so readings of different processes can be subtracted.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

/** All processes of a machine read one clock, in microseconds: what is beyond this is not rounding. */
export const resolutionMs = 1
