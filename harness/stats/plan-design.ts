import { isPerConnection } from '../analysis/exposure.ts'
import { couldBeFelt } from '../analysis/impact.ts'
import { gateLabel } from '../model/gate-text.ts'
import type { ControlKind } from '../model/control.ts'
import { traitsOf } from '../model/cell-traits.ts'
import { metricOf } from '../model/metrics.ts'
import type { CellPlan, Gate, Plan, PlannedFault } from '../model/plan.ts'
import { percentOf } from '../core/numbers.ts'
import { clopperPearson } from './intervals.ts'
import { fewestEpisodes } from './episodes.ts'
import { type Design, highestLimit, neededForGate } from './power.ts'
import { areFiringsDrawn } from './prediction.ts'
import { smallestForQuantile } from './quantiles.ts'
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
  const { load, replicas, executors = replicas.executor } = cell
  const perMs = load.ratePerSec / 1000
  const busyMs = Math.min(idealMs, loadMs(cell))
  const atMs = trigger.kind === 'time' ? trigger.atMs : busyMs
  const inFlight = perMs * Math.max(0, Math.min(atMs, loadMs(cell)) - Math.max(0, atMs - idealMs))
  if (target.ordinal === 'all') return inFlight + (target.kind === 'link' ? perMs * durationMs : 0)
  if (target.kind === 'link')
    return (inFlight + perMs * durationMs) / (target.link === 'client->api' ? replicas.api : 1)
  const executes = target.role === 'executor' || target.role === traitsOf(cell).executor
  return inFlight / (executes ? executors : target.role === 'api' ? replicas.api : 1)
}

function loadMs({ tasks, load }: CellPlan): number {
  return (tasks / load.ratePerSec) * 1000
}

export interface Outlook {
  readonly gate: Gate
  readonly design: Design
  /** Of a share of tasks: the highest share of good ones that a study without a loss would show; absent with too few faults. */
  readonly highest?: number
  /** Of such a study; absent where the plan has it. */
  readonly needed?: Needed
  /** Why its evidence can be too little, whatever happens. */
  readonly never?: string
}

/** One per gate whose cells are planned. */
export function outlooksOf(
  plan: Pick<Plan, 'cells' | 'gates'>,
  idealMs: (cell: CellPlan) => number,
): readonly Outlook[] {
  return plan.gates.flatMap((gate) => {
    const cells = plan.cells.filter(({ pattern, arm }) => pattern === gate.pattern && arm === gate.arm)
    if (cells.length === 0 || gate.leftOut !== undefined) return []
    const design = narrowed(designOf(cells, idealMs(cells[0]!)), gate)
    const share = goodShare(gate)
    const never = whyNever(gate, cells) ?? (share === undefined ? whyNoInterval(gate, design) : undefined)
    return [{ gate, design, ...(share !== undefined && canShow(gate, design, share)), ...(never && { never }) }]
  })
}

/** The least share of good tasks; undefined of a metric that is none. */
export function goodShare({ metric, min, max }: Gate): number | undefined {
  if (metricOf(metric).unit !== 'share') return undefined
  return min ?? 1 - max!
}

function canShow({ confidence }: Gate, design: Design, share: number): Pick<Outlook, 'highest' | 'needed'> {
  const highest = highestLimit(design, confidence)
  const needed = highest !== undefined && highest >= share ? undefined : neededForGate(design, 1, share, confidence)
  return { ...(highest !== undefined && { highest }), ...(needed && { needed }) }
}

function whyNever(gate: Gate, cells: readonly CellPlan[]): string | undefined {
  return (
    whyUntouched(gate, cells) ??
    whyTooFewFaults(gate, cells) ??
    whyNoQuantile(gate, cells) ??
    whyTooFewControlled(gate, cells)
  )
}

/** Commands that a controlled task is given, where they are what is counted. */
const commandsOf: Partial<Record<ControlKind, number>> = { steer: 3, budget: 1 }

/** Even without any breach an interval over few of them reaches beyond the limit. */
function whyTooFewControlled(
  { metric, max = Infinity, confidence }: Gate,
  cells: readonly CellPlan[],
): string | undefined {
  const { controls, unit, over } = metricOf(metric)
  if (!controls) return undefined
  const each = (kind: ControlKind): number => (metric === 'commands-lost' ? (commandsOf[kind] ?? 0) : 1)
  const probes = cells.flatMap((cell) => cell.control ?? []).filter(({ kind }) => controls.includes(kind))
  const n = probes.reduce((sum, { kind }) => sum + each(kind), 0)
  const faults = instantsIn(cells, () => true)
  if (unit === 'ms') {
    if (faults > 0) return 'tasks that share a fault have no interval of times'
    const least = smallestForQuantile(0.5, confidence)
    return n < least ? `its interval takes ${least} ${over}, and there are ${n}` : undefined
  }
  const observations = faults > 0 ? Math.min(n, faults) : n
  const highest = observations > 0 ? clopperPearson(0, observations, confidence)[1] : 1
  if (highest <= max) return undefined
  const few = observations < n ? `${observations} faults, each of which is one observation` : `${n} ${over}`
  return `without any of it, it would show at most ${percentOf(highest)}, by ${few}`
}

/** The gate asks for tasks that a fault touches. So there must be faults that can be felt, and as many tasks. */
function whyUntouched({ metric, exposed = 0 }: Gate, cells: readonly CellPlan[]): string | undefined {
  const faults = cells.flatMap((cell) => cell.faults)
  const tasks = tasksOf(cells)
  if (faults.length === 0)
    return metricOf(metric).needsFaults || exposed > 0 ? 'no fault is planned that could touch a task' : undefined
  if (!faults.some((fault) => couldBeFelt({ ...fault, armedAt: 0, healedAt: fault.durationMs }, 0)))
    return 'its faults are too short or too small to be felt'
  return tasks < exposed ? `it asks for ${exposed} touched tasks of ${tasks}` : undefined
}

/** Firings of one instant are one; what draws per connection may fire as often as it likes. */
function whyTooFewFaults({ metric, minFaults = 0, confidence }: Gate, cells: readonly CellPlan[]): string | undefined {
  const [outages, fewest] = [outagesIn(cells), metric === 'restored' ? smallestForQuantile(0.5, confidence) : 0]
  if (outages < fewest) return `it takes ${fewest} outages, and ${outages} are planned`
  const planned = instantsIn(cells, () => true)
  if (planned >= minFaults || cells.some(({ faults }) => faults.some(isPerConnection))) return undefined
  return `it takes ${minFaults} faults, and ${planned} are planned`
}

/** Planned faults with a before and an after. */
export function outagesIn(cells: readonly CellPlan[]): number {
  return instantsIn(cells, isOutage)
}

function instantsIn(cells: readonly CellPlan[], counts: (fault: PlannedFault, cell: CellPlan) => boolean): number {
  const all = cells.map((cell) => cell.faults.filter((one) => counts(one, cell)))
  return all.reduce((sum, faults) => sum + new Set(faults.map(({ trigger }) => JSON.stringify(trigger))).size, 0)
}

const levels: Partial<Record<Gate['metric'], number>> = {
  'takeover p90': 0.9,
  'overhead p50': 0.5,
  'overhead p95': 0.95,
  'overhead p99': 0.99,
}

function whyNoQuantile({ metric, confidence }: Gate, cells: readonly CellPlan[]): string | undefined {
  const q = levels[metric]
  if (q === undefined) return undefined
  const [least, tasks] = [smallestForQuantile(q, confidence), tasksOf(cells)]
  return tasks < least
    ? `its interval takes ${least} ${metricOf(metric).over ?? 'tasks'}, and there are ${tasks} tasks`
    : undefined
}

/** Of a figure that is no share, over tasks that share their faults. Each outage by itself tells when the service was restored. */
function whyNoInterval({ metric, confidence }: Gate, { faults, touched, tasks }: Design): string | undefined {
  if (metric === 'restored' || metricOf(metric).controls || faults === 0) return undefined
  if (faults < fewestEpisodes) return tooFewFaults(faults)
  const [least, cut] = [smallestForQuantile(0.9, confidence), Math.round(tasks * touched)]
  const isFew = metric === 'takeover p90' && cut < least
  return isFew ? `its interval takes ${least} interrupted tasks, and its faults find about ${cut} at work` : undefined
}

function tooFewFaults(faults: number): string {
  return `too few faults for an interval, ${faults} of at least ${fewestEpisodes} faults`
}

function tasksOf(cells: readonly CellPlan[]): number {
  return cells.reduce((sum, cell) => sum + cell.tasks, 0)
}

/** A cell of exposed tasks alone counts all as touched. */
function narrowed(design: Design, { metric }: Gate): Design {
  if (metric !== 'exposed-success' || design.faults === 0) return design
  return { ...design, tasks: Math.max(1, Math.round(design.tasks * design.touched)), touched: 1 }
}

/** Why this plan can never let the gate PASS, even without a loss; undefined where it can. */
export function whyHopeless({ gate, design, highest, needed, never }: Outlook): string | undefined {
  const name = `${gate.pattern} under ${gate.arm}: ${gateLabel(gate)}`
  if (never !== undefined) return `${name} can never pass: ${never}`
  const share = goodShare(gate)
  if (share === undefined || (highest !== undefined && highest >= share)) return undefined
  const more =
    needed === undefined ? '' : `; ${'tasks' in needed ? `${needed.tasks} tasks` : `${needed.faults} faults`} would do`
  return `${name} can never pass: ${whatIsShown(gate, design, highest)}${more}`
}

function whatIsShown({ metric }: Gate, { faults }: Design, highest: number | undefined): string {
  if (highest === undefined) return tooFewFaults(faults)
  return metricOf(metric).good === 'high'
    ? `without any loss it would show, at most ${percentOf(highest)}`
    : `without any of it, it would show at most ${percentOf(1 - highest)}`
}
