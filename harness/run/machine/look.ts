import { availableParallelism } from 'node:os'
import type { MachineLook } from '../../model/machine.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { readCpuTimes, readPressureUs } from '../../os/proc.ts'

const lookMs = 2_000

/** Two seconds of the machine before anything of a run is started; undefined where the kernel does not tell. */
export async function lookAtMachine(signal: AbortSignal): Promise<MachineLook | undefined> {
  const before = { at: performance.now(), times: readCpuTimes(), waitedUs: readPressureUs('cpu') }
  if (!before.times) return undefined
  await sleep(lookMs, signal).catch(() => {})
  const passedMs = performance.now() - before.at
  const times = readCpuTimes()
  const waitedUs = readPressureUs('cpu')
  if (!times || passedMs < lookMs / 2) return undefined
  const cores = availableParallelism()
  const busy = Math.min(cores, (times.busyMs - before.times.busyMs) / passedMs)
  const pressure =
    waitedUs === undefined || before.waitedUs === undefined ? undefined : (waitedUs - before.waitedUs) / 1000 / passedMs
  return { cores, busy, ...(pressure !== undefined && { pressure: Math.min(1, pressure) }) }
}
