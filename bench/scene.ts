import type { Sweeper } from '../harness/run/sweepers.ts'
import { labelRun } from '../harness/os/label.ts'
import { removeRun } from '../harness/run/cleanup.ts'
import { claimTemp } from '../harness/run/temp-folder.ts'

/** Where a benchmark starts real systems: labelled and claimed as a run's, so that `outlast clean` finds what a dead one left. */
export interface Scene extends AsyncDisposable {
  readonly run: string
  readonly temp: string
}

export function openScene(sweepers: readonly Sweeper[]): Scene {
  const run = `${process.pid}-bench`
  const temp = claimTemp(run)
  labelRun(run)
  return {
    run,
    temp,
    async [Symbol.asyncDispose]() {
      labelRun(undefined)
      for (const left of await removeRun(run, temp, sweepers)) console.error(`left behind: ${left}`)
    },
  }
}
