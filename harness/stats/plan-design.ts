import { couldBeFelt } from '../analysis/impact.ts'
import { type CellPlan, type Gate, metricName, type Plan, type PlannedFault } from '../model/plan.ts'
import { percentOf } from '../core/numbers.ts'
import { fewestEpisodes } from './episodes.ts'
import { type Design, highestLimit, neededForGate } from './power.ts'
import { areFiringsDrawn } from './prediction.ts'
import type { Needed } from './sample-size.ts'

/** From this share of the load on a fault is the condition of a cell and has no before: its tasks are not one episode. */
const conditionShare = 0.9

/**
 * What the planned faults will touch on average: the tasks in flight at each instant. A fault on one node touches that
 * node's tasks. A fault on a link also touches those that begin under it. A guess of the mean, for power; what was
 * touched is measured. `idealMs` is a task's real duration in the cells' own time. For one pattern in one arm, all
 * repetitions.
 */
export function designOf(cells: readonly CellPlan[], idealMs: number): Design {
  const tasks = cells.reduce((sum, cell) => sum + cell.tasks, 0)
  const touched = cells.flatMap((cell) => touchedByInstant(cell, idealMs)).filter((size) => size >= 1.5)
  const share = tasks === 0 ? 0 : Math.min(1, touched.reduce((a, b) => a + b, 0) / tasks)
  return { tasks, faults: touched.length, touched: share, firings: cells.some(areFiringsDrawn) ? 'drawn' : 'fixed' }
}

function touchedByInstant(cell: CellPlan, idealMs: number): readonly number[] {
  const sizes = new Map<string, number>()
  for (const fault of cell.faults.filter((one) => isOutage(one, cell))) {
    const instant = JSON.stringify(fault.trigger)
    sizes.set(instant, (sizes.get(instant) ?? 0) + touchedBy(fault, cell, idealMs))
  }
  return [...sizes.values()]
}

function isOutage({ durationMs, target, params }: PlannedFault, cell: CellPlan): boolean {
  if (target.kind === 'link' && typeof params.probability === 'number' && params.probability < 1) return false
  return durationMs < conditionShare * loadMs(cell)
}

function touchedBy({ target, trigger, durationMs }: PlannedFault, cell: CellPlan, idealMs: number): number {
  const { load, replicas, executors = replicas.executor, engine } = cell
  const perMs = load.ratePerSec / 1000
  const busyMs = Math.min(idealMs, loadMs(cell))
  const atMs = trigger.kind === 'time' ? trigger.atMs : busyMs
  const inFlight = perMs * Math.max(0, Math.min(atMs, loadMs(cell)) - Math.max(0, atMs - idealMs))
  if (target.ordinal === 'all') return inFlight + (target.kind === 'link' ? perMs * durationMs : 0)
  if (target.kind === 'link')
    return (inFlight + perMs * durationMs) / (target.link === 'client->api' ? replicas.api : 1)
  const executes = target.role === 'executor' || target.role === (engine === 'memory' ? 'api' : 'worker')
  return inFlight / (executes ? executors : target.role === 'api' ? replicas.api : 1)
}

function loadMs({ tasks, load }: CellPlan): number {
  return (tasks / load.ratePerSec) * 1000
}

export interface Outlook {
  readonly gate: Gate
  readonly design: Design
  /** The highest limit that a study without a loss would show; absent with too few faults. */
  readonly highest?: number
  /** Of such a study; absent where the plan has it. */
  readonly needed?: Needed
  /** Why its faults can touch too few tasks, whatever happens. */
  readonly untouched?: string
}

/** One per gate whose cells are planned. */
export function outlooksOf(
  plan: Pick<Plan, 'cells' | 'gates'>,
  idealMs: (cell: CellPlan) => number,
): readonly Outlook[] {
  return plan.gates.flatMap((gate) => {
    const cells = plan.cells.filter(({ pattern, arm }) => pattern === gate.pattern && arm === gate.arm)
    if (cells.length === 0) return []
    const design = narrowed(designOf(cells, idealMs(cells[0]!)), gate)
    const highest = highestLimit(design)
    const needed = highest !== undefined && highest >= gate.min ? undefined : neededForGate(design, 1, gate.min)
    const untouched = whyUntouched(gate, cells)
    const found = {
      ...(highest !== undefined && { highest }),
      ...(needed && { needed }),
      ...(untouched && { untouched }),
    }
    return [{ gate, design, ...found }]
  })
}

/** The gate asks for tasks that a fault touches. So there must be faults that can be felt, and as many tasks. */
function whyUntouched({ metric, exposed = 0 }: Gate, cells: readonly CellPlan[]): string | undefined {
  const faults = cells.flatMap((cell) => cell.faults)
  const tasks = cells.reduce((sum, cell) => sum + cell.tasks, 0)
  if (faults.length === 0)
    return metric !== 'exposed-success' && exposed === 0 ? undefined : 'no fault is planned that could touch a task'
  if (!faults.some((fault) => couldBeFelt({ ...fault, armedAt: 0, healedAt: fault.durationMs }, 0)))
    return 'its faults are too short or too small to be felt'
  return tasks < exposed ? `it asks for ${exposed} touched tasks of ${tasks}` : undefined
}

/** A cell of exposed tasks alone counts all as touched. */
function narrowed(design: Design, { metric }: Gate): Design {
  if (metric !== 'exposed-success' || design.faults === 0) return design
  return { ...design, tasks: Math.max(1, Math.round(design.tasks * design.touched)), touched: 1 }
}

/** Why this plan can never let the gate PASS, even without a loss; undefined where it can. */
export function whyHopeless({ gate, design, highest, needed, untouched }: Outlook): string | undefined {
  const name = `${gate.pattern} under ${gate.arm}: ${metricName(gate)} >= ${percentOf(gate.min, 9)}`
  if (untouched !== undefined) return `${name} can never pass: ${untouched}`
  if (highest !== undefined && highest >= gate.min) return undefined
  const seen =
    highest === undefined ? `${design.faults} of at least ${fewestEpisodes} faults` : `at most ${percentOf(highest)}`
  const without = highest === undefined ? 'too few faults for an interval' : 'without any loss it would show'
  const more =
    needed === undefined ? '' : `; ${'tasks' in needed ? `${needed.tasks} tasks` : `${needed.faults} faults`} would do`
  return `${name} can never pass: ${without}, ${seen}${more}`
}
