import { isSudden, stopsRequests } from '../analysis/impact.ts'
import { longestNoticeMs } from '../analysis/lateness.ts'
import { type CellTraits, traitsOf } from '../model/cell-traits.ts'
import type { CellPlan, PlannedFault } from '../model/plan.ts'

/**
 * Success in closed form, for cells whose faults it covers. Undefined for all others, never a guess.
 *
 * - Executors killed as a Poisson process with a mean gap M per node (`params.meanGapMs`). An engine that keeps its
 *   tasks in memory alone keeps one of duration D with probability exp(-D/M), if its client does not send it again. An
 *   engine that promises `no-lost-task` keeps them all. They are in time where `grace` has room for as many takeovers
 *   as a task may meet.
 * - Callbacks stopped independently with probability p (a fault that lets no request
 *   through, from the first task's start to the last one's deadline). A delivery that does not promise `no-lost-task` tries once and loses p. A delivery that does asks when
 *   no callback came. That is in time where `grace` is longer than its wait.
 *
 * Under a rate of tool calls tasks wait for their turn: how long is in no formula.
 *
 * `idealsMs` are the durations of the cell's tasks, and the prediction is the mean over them. Without `axes` in the
 * plan, which axis keeps what is unknown, unless the pattern promises it: then both do.
 */
export function predictSuccess(cell: CellPlan, idealsMs: readonly number[]): number | undefined {
  const kept = keepers(cell)
  if (!kept || idealsMs.length === 0 || cell.limits?.toolRates) return undefined
  const kills = cell.faults.filter((fault) => isDrawnKill(fault, traitsOf(cell)))
  const stops = cell.faults.filter((fault) => isCallbackStop(fault, loadMs(cell, idealsMs)))
  if (kills.length + stops.length < cell.faults.length) return undefined
  if (kills.length > 0 && !kept.engine && !diesForGood(cell)) return undefined
  if (kept.engine && mayBeLate(cell, killsPerMs(kills), Math.max(...idealsMs))) return undefined
  if (kept.delivery && stops.length > 0 && asksTooLate(cell)) return undefined
  const perMs = kept.engine ? 0 : killsPerMs(kills)
  const delivered = kept.delivery ? 1 : stops.reduce((share, { params }) => share * (1 - Number(params.probability)), 1)
  return (idealsMs.reduce((sum, ideal) => sum + Math.exp(-ideal * perMs), 0) / idealsMs.length) * delivered
}

/**
 * Whether these repetitions name all faults of their arm alike. A rate is known by its firings alone: a repetition in which it
 * drew none would be predicted as if there was no such fault.
 */
export function nameSameFaults(cells: readonly Pick<CellPlan, 'faults'>[]): boolean {
  const named = cells.map(({ faults }) => [...new Set(faults.map(({ id }) => faultOf(id)))].toSorted().join())
  return new Set(named).size <= 1
}

/** `kill-1` of `kill-1#3`. */
function faultOf(firing: string): string {
  return firing.replace(/#\d+$/, '')
}

/** The firings of a cell are draws from a rate: another seed would give another number of them. */
export function areFiringsDrawn(cell: CellPlan): boolean {
  return cell.faults.some(({ params }) => typeof params.meanGapMs === 'number')
}

function keepers(cell: CellPlan): { engine: boolean; delivery: boolean } | undefined {
  if (cell.promises.includes('no-lost-task')) return { engine: true, delivery: true }
  if (!cell.axes) return undefined
  const { engine, delivery } = cell.axes
  return { engine: engine.includes('no-lost-task'), delivery: delivery.includes('no-lost-task') }
}

/**
 * The task dies with its node, and no client begins it anew. Another engine that promises nothing may find the task
 * when the node is back. A client that holds its request open sends it again. No formula says how many of these are in
 * time.
 */
function diesForGood(cell: CellPlan): boolean {
  const { inOneProcess, resubmits } = traitsOf(cell)
  return inOneProcess && !resubmits
}

/** Less than this is not seen in any study. */
const unseen = 0.001

/** A task may meet more takeovers than its grace has room for: how late it is then is in no formula. */
function mayBeLate({ takeoverMs, graceMs }: CellPlan, perMs: number, idealMs: number): boolean {
  if (perMs === 0 || takeoverMs === undefined) return false
  const mean = perMs * (idealMs + graceMs)
  let [term, upTo] = [Math.exp(-mean), 0]
  for (let n = 0; n * takeoverMs <= graceMs && upTo < 1 - unseen; n++) {
    upTo += term
    term *= mean / (n + 1)
  }
  return upTo < 1 - unseen
}

function asksTooLate(cell: CellPlan): boolean {
  return traitsOf(cell).callback && cell.graceMs <= longestNoticeMs / cell.timeScale
}

/** Of those who run the steps: what becomes of a task whose other nodes are killed is not in the formula. */
function isDrawnKill(fault: PlannedFault, { executor }: CellTraits): boolean {
  const { target, params } = fault
  if (!isSudden(fault) || target.kind !== 'node' || typeof params.meanGapMs !== 'number') return false
  return target.role === 'executor' || target.role === executor
}

/** Each callback draws by itself, and each within the window: for a part of the load the share would be another. */
function isCallbackStop(fault: PlannedFault, wholeMs: number): boolean {
  const { target, trigger, durationMs, params } = fault
  if (!stopsRequests(fault) || target.kind !== 'link' || target.link !== 'sender->receiver') return false
  const whole = trigger.kind === 'time' && trigger.atMs === 0 && durationMs + 1 >= wholeMs
  return whole && typeof params.probability === 'number'
}

/** As long as `for: load` lasts at least: until the last task's deadline, on average. */
function loadMs({ tasks, load, graceMs }: CellPlan, idealsMs: readonly number[]): number {
  return (tasks / load.ratePerSec) * 1000 + idealsMs.reduce((a, b) => Math.min(a, b)) + graceMs
}

/** Every firing of one rate carries the same mean gap; the rates of different faults in the file add up. */
function killsPerMs(kills: readonly PlannedFault[]): number {
  const gaps = new Map(kills.map(({ id, params }) => [faultOf(id), Number(params.meanGapMs)]))
  return [...gaps.values()].reduce((rate, gapMs) => rate + 1 / gapMs, 0)
}
