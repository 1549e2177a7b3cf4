import type { Sweeper } from '../harness/cleanup/sweep.ts'
import { beginSupervised, type Supervised } from '../harness/cleanup/supervise.ts'

/** Where a benchmark starts real systems, as a run does: labelled, claimed, and with a reaper. */
export type BenchRun = AsyncDisposable & Pick<Supervised, 'run' | 'temp'>

export async function openBenchRun(sweepers: readonly Sweeper[] = []): Promise<BenchRun> {
  const { run, temp, end } = await beginSupervised(sweepers)
  return {
    run,
    temp,
    async [Symbol.asyncDispose]() {
      for (const left of await end()) console.error(`left behind: ${left}`)
    },
  }
}
