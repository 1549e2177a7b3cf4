import type { CellPlan, Plan } from '../model/plan.ts'

/** A task's duration in a cell's own time, at the longest. */
export type IdealMs = (cell: CellPlan) => number

/** What comes before the load: servers and nodes start, and the system is warmed up. Measured on two cores. */
const startMs = 4_000
/** What comes after the last task: final reads, and nodes end. */
const finishMs = 1_500
/** The cases of the contract, held against one pattern of four that are side by side. */
const verifyMs = 12_000
const verifiedSideBySide = 4

/**
 * How long a run takes on a machine that is not busy, in real milliseconds. It is meant to be within a factor of two of the
 * truth: `test/unit/plan/estimate.test.ts` holds it against recorded runs.
 */
export function estimateRunMs({ cells }: Pick<Plan, 'cells'>, idealMs: IdealMs, isVerified: boolean): number {
  const blocks = [...Map.groupBy(cells, ({ block }) => block).values()]
  const patterns = new Set(cells.map(({ pattern }) => pattern)).size
  const beforeMs = isVerified ? Math.ceil(patterns / verifiedSideBySide) * verifyMs : 0
  return blocks.reduce((sum, block) => sum + Math.max(...block.map((cell) => estimateCellMs(cell, idealMs))), beforeMs)
}

/** The same of one cell, with its start and its end. */
export function estimateCellMs(cell: CellPlan, idealMs: IdealMs): number {
  return startMs + estimateLoadMs(cell, idealMs) + finishMs
}

/** From the first arrival to the last client that knows. Where a fault may cost a task its result, somebody waits for it. */
export function estimateLoadMs(cell: CellPlan, idealMs: IdealMs): number {
  const { tasks, load, faults, control = [] } = cell
  const arrivedMs = (tasks / load.ratePerSec) * 1000
  const workMs = cell.idealRangeMs?.[1] ?? idealMs(cell)
  const healedMs = Math.max(0, ...faults.map((fault) => healedAt(fault, arrivedMs)))
  // Beside the load, work that a rate slows down.
  const slowedMs = Math.max(0, ...control.map(({ atMs, lastsMs = 0 }) => atMs + lastsMs))
  const calmMs = Math.max(arrivedMs + workMs, slowedMs)
  if (faults.length === 0) return calmMs
  const lastHarmedMs = Math.min(arrivedMs, healedMs)
  return Math.max(calmMs, healedMs, lastHarmedMs + workMs + waitMs(cell))
}

/** A fault that waits for a task is there before the load is over, or never. */
function healedAt({ trigger, durationMs }: CellPlan['faults'][number], arrivedMs: number): number {
  return (trigger.kind === 'time' ? trigger.atMs : Math.min(arrivedMs, trigger.withinMs)) + durationMs
}

/** How long a client waits beyond the work. One that asks hears of a loss; one that was to be called waits for all its patience. */
function waitMs({ axes, promises, graceMs, takeoverMs = 0 }: CellPlan): number {
  const asks = (axes?.delivery ?? promises).includes('no-lost-task')
  return asks ? Math.min(takeoverMs, 2 * graceMs) : 2 * graceMs
}
