/** All processes of a machine read one clock, in microseconds: what is beyond this is not rounding. */
export const resolutionMs = 1
