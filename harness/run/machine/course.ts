import type { Course } from '../../model/machine.ts'

/** A share of time, followed while it happens. */
export interface CourseTracker {
  /** @param total what has come together since some moment, in milliseconds; never less than before */
  add(at: number, totalMs: number): void
  /** Undefined before two readings. */
  course(): Course | undefined
}

const windowMs = 10_000

/** Mean and worst ten seconds of a count that grows by at most a millisecond per millisecond. */
export function trackCourse(): CourseTracker {
  const readings: { readonly at: number; readonly totalMs: number }[] = []
  let first: { readonly at: number; readonly totalMs: number } | undefined
  let worst: Pick<Course, 'worst' | 'at'> | undefined
  return {
    add(at, totalMs) {
      first ??= { at, totalMs }
      readings.push({ at, totalMs })
      while (readings.length > 2 && at - readings[1]!.at >= windowMs) readings.shift()
      const from = readings[0]!
      if (at - from.at < windowMs) return
      const share = shareOf(from, { at, totalMs })
      if (!worst || share > worst.worst) worst = { worst: share, at: Math.round(from.at) }
    },
    course() {
      const last = readings.at(-1)
      if (!first || !last || last.at <= first.at) return undefined
      const mean = shareOf(first, last)
      return { mean, ...(worst ?? { worst: mean, at: Math.round(first.at) }) }
    },
  }
}

/** The kernel brings its counts up to date now and then, so that a window may seem to hold more than its length. */
function shareOf(from: { at: number; totalMs: number }, to: { at: number; totalMs: number }): number {
  return round(Math.min(1, Math.max(0, to.totalMs - from.totalMs) / (to.at - from.at)))
}

function round(share: number): number {
  return Math.round(share * 1e4) / 1e4
}
