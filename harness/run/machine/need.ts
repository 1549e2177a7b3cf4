import { availableParallelism } from 'node:os'
import type { MachineLook } from '../../model/machine.ts'
import type { CellPlan } from '../../model/plan.ts'
import type { Engine } from '../../../patterns/contract/types/engine.ts'
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

/**
 * What a block needs of the machine, roughly. A waiting process costs a hundredth of a processor. A step of a task
 * costs some milliseconds of one, with all messages about it between clients, nodes, links, ledger and store. It tells
 * a plan that cannot fit from one that does, and no more: what happened is measured while it happens. The figures are
 * those of the quickstart: webhook and durable-postgres side by side, 80 steps a second together, took 0.44 processors.
 */
export function processorsFor(
  block: readonly CellPlan[],
  engines: ReadonlyMap<string, Engine>,
  stepsOf: StepsOf,
): number {
  return block.reduce((sum, cell) => sum + processorsForCell(cell, engines.get(cell.engine)!, stepsOf(cell)), 0)
}

export type StepsOf = (cell: CellPlan) => number

const idleProcess = 0.01
const stepMs = { inMemory: 3, durable: 8 }
/** The links' and the ledger's. */
const besideNodes = 2

function processorsForCell({ load, replicas }: CellPlan, { services }: Engine, steps: number): number {
  const nodes = services.reduce((sum, { replicas: n }) => sum + (typeof n === 'number' ? n : replicas[n]), 0)
  const alone = services.every(({ role }) => role === 'api')
  const perStepMs = alone ? stepMs.inMemory : stepMs.durable
  return (nodes + besideNodes) * idleProcess + (load.ratePerSec * steps * perStepMs) / 1000
}

/** A plan may take this share of what is idle: bursts, as of nodes that start, need the rest. */
const fits = 0.75

/** Why a plan will not fit on the machine as it was found, or undefined. */
export function whyTooMuch(
  blocks: readonly (readonly CellPlan[])[],
  engines: ReadonlyMap<string, Engine>,
  stepsOf: StepsOf,
  { cores, busy }: MachineLook,
): string | undefined {
  const need = Math.max(0, ...blocks.map((block) => processorsFor(block, engines, stepsOf)))
  const idle = cores - busy
  if (need <= fits * idle) return undefined
  return (
    `this plan keeps about ${need.toFixed(1)} processors busy at once, and ${idle.toFixed(1)} of ${cores} were idle in the two seconds before it: ` +
    `expect INVALID cells; end what else runs here, or run fewer patterns at once (sideBySide), or compress time less (timeScale)`
  )
}
