import { clopperPearson, type Interval } from '../stats/intervals.ts'
import type { Counts } from './run-view.ts'

/** Success of a cell that is under way: provisional, whatever its interval says. */
export interface SoFar {
  /** Tasks with the right result before their deadline. */
  readonly right: number
  /** Tasks that ended, either way. */
  readonly ended: number
  /** Sent, and not ended. */
  readonly open: number
  /** Undefined where nothing was sent. */
  readonly interval?: Interval
}

/**
 * Success so far, by the definition of the report: the right result before the deadline. A failure is known much later than a
 * success, so the share among ended tasks flatters. The interval does not: below it counts all open tasks as lost, above as
 * right (Clopper-Pearson either way). It takes tasks as independent, which those that share a fault are not: a report's
 * interval is over faults then, and wider.
 */
export function successSoFar({ started, ok, failed, right }: Counts): SoFar {
  const ended = ok + failed
  const open = started - ended
  if (started === 0) return { right, ended, open }
  const [low] = clopperPearson(right, started)
  const [, high] = clopperPearson(right + open, started)
  return { right, ended, open, interval: [low, high] }
}
