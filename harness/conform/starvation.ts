import { percentOf } from '../core/numbers.ts'
import { openThreads, type ThreadTimes } from '../os/proc.ts'

/** Beyond this share of the time in which it had work, who waits does not tell a slow service from a machine that is too busy. */
const starvedShare = 0.6

/** How long this process ran, and waited for a processor; undefined where nobody counts. */
export type OwnTimes = () => ThreadTimes | undefined

/**
 * Begins to watch this process, and returns what tells: the sentence when it waited for a processor for most of the time
 * since in which it had work (`/proc/PID/task/PID/schedstat`), else undefined. Others on this machine waited like it. What
 * waits for the whole machine (`/proc/pressure/cpu`) would count work of the lowest priority too.
 */
export function watchStarvation(times: OwnTimes = ownTimes): () => string | undefined {
  const began = times()
  return () => {
    const now = times()
    if (!now || !began) return undefined
    const [ranMs, waitedMs] = [now.ranMs - began.ranMs, now.waitedMs - began.waitedMs]
    const share = waitedMs / Math.max(1, ranMs + waitedMs)
    if (share <= starvedShare) return undefined
    return `this process waited for a processor for ${percentOf(share, 2)} of the time in which it had work, so this machine was too busy to tell`
  }
}

function ownTimes(): ThreadTimes | undefined {
  using threads = openThreads(process.pid)
  return threads.read().get(process.pid)
}
