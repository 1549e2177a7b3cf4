import { writeFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { sleep } from '../../patterns/contract/types/timer.ts'

/**
 * Put a process below the harness: a starved load generator would blame the system under test for its own lag.
 *
 * Under Linux's autogroup scheduling a child in a session of its own is a group. It has as much right to the processor
 * as all of ours together, whatever its nice value. There the group's own value counts (sched(7)). Best effort: where
 * there is no such file, nice is what there is.
 */
export async function yieldToHarness(pid: number, nice: number): Promise<void> {
  try {
    setPriority(pid, nice)
  } catch {
    return
  }
  // Without privileges the kernel takes one such write in 100 ms and answers EAGAIN to the others.
  for (let tries = 0; tries < 100; tries++) {
    const error = await writeFile(`/proc/${pid}/autogroup`, String(nice)).catch(
      (thrown: NodeJS.ErrnoException) => thrown,
    )
    if (error?.code !== 'EAGAIN') return
    await sleep(50)
  }
}
