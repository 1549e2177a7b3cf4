import { sleep } from '../../../patterns/contract/types/timer.ts'

const pauseMs = 100
const calmInARow = 5
const atMost = 100
/** Above this share of its time a process still suffers from what started beside it. */
const calmShare = 0.1

/**
 * Resolves when no process waited for a processor for half a second, or after ten: systems that start at once are their
 * own burst, and its tail is not to fall on the first tasks. A machine that never calms down is judged by what happens
 * under load. Never rejects.
 *
 * @param readWaits how many milliseconds each process waited since the reading before
 */
export async function untilCalm(
  readWaits: () => ReadonlyMap<string, number>,
  signal: AbortSignal,
  pause = () => sleep(pauseMs, signal).catch(() => {}),
): Promise<void> {
  readWaits()
  for (let reading = 0, calm = 0; reading < atMost && calm < calmInARow && !signal.aborted; reading++) {
    await pause()
    calm = Math.max(0, ...readWaits().values()) <= calmShare * pauseMs ? calm + 1 : 0
  }
}
