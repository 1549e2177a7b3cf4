import { readPressureUs } from '../os/proc.ts'
import { percentOf } from '../core/numbers.ts'

/** Beyond this share of a case's time it does not tell a slow service from a machine that was too busy. */
const starvedShare = 0.8

/** Where the kernel tells how long work had to wait for a processor. */
export interface PressureClock {
  nowMs(): number
  /** Of the time since boot, so much had work that waited; undefined where nobody counts. */
  waitedUs(): number | undefined
}

const ownClock: PressureClock = { nowMs: () => performance.now(), waitedUs: () => readPressureUs('cpu') }

/**
 * Begins to watch this machine, and returns what tells: the sentence when processes had to wait for most of the time
 * since, else undefined. It counts `some` of `/proc/pressure/cpu`. Where there is none, nobody is excused.
 */
export function watchStarvation({ nowMs, waitedUs }: PressureClock = ownClock): () => string | undefined {
  const began = { atMs: nowMs(), waitedUs: waitedUs() }
  return () => {
    const now = waitedUs()
    if (now === undefined || began.waitedUs === undefined) return undefined
    const share = Math.min(1, (now - began.waitedUs) / 1000 / Math.max(1, nowMs() - began.atMs))
    if (share <= starvedShare) return undefined
    return `work had to wait for a processor in ${percentOf(share, 2)} of that time, so this machine was too busy to tell`
  }
}
