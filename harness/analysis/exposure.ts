import { nodesAmong } from '../model/place.ts'
import { couldBeFelt } from './impact.ts'
import { overlap, roleOf, type Span } from './places.ts'
import { firstAtLeast } from '../core/numbers.ts'
import { isTouched, type Routes } from './touch.ts'
import { type CellTrace, type FaultTrace, lifeEndOf, type TaskTrace } from './trace.ts'

/**
 * The proven faults that touched each task, in the order of their onset; tasks without any are absent. A fault touches
 * a task on three conditions. The task's life overlaps the fault's window; that life ends when its client knew the end
 * or gave up. The fault lasted or delayed long enough to be felt. `isTouched` holds for a place that the fault reached.
 * A step that was cut short left no trace of where it ran: it may have been on a node that was hit then
 * (`mayHaveCutShort`).
 */
export function exposures(trace: CellTrace): ReadonlyMap<TaskTrace, readonly FaultTrace[]> {
  let made = known.get(trace)
  if (!made) known.set(trace, (made = findExposures(trace)))
  return made
}

const known = new WeakMap<CellTrace, ReadonlyMap<TaskTrace, readonly FaultTrace[]>>()

/**
 * Of these, those that may have decided what became of the task: they took effect before its deadline. A task that was
 * lost lingers until its client gives up, and meets faults that found it dead. An outage in time moves the rest of the
 * work: what came after it counts, too. Only what was so at the onset is asked, never how the task went on.
 */
export function exposuresInTime(trace: CellTrace): ReadonlyMap<TaskTrace, readonly FaultTrace[]> {
  let made = knownInTime.get(trace)
  if (!made) knownInTime.set(trace, (made = keepInTime(trace)))
  return made
}

const knownInTime = new WeakMap<CellTrace, ReadonlyMap<TaskTrace, readonly FaultTrace[]>>()

function keepInTime(trace: CellTrace): ReadonlyMap<TaskTrace, readonly FaultTrace[]> {
  const kept = new Map<TaskTrace, readonly FaultTrace[]>()
  for (const [task, faults] of exposures(trace)) {
    const inTime = faults.filter(({ armedAt }) => armedAt! < task.intent.deadlineAt)
    const all = inTime.length === faults.length || inTime.some((fault) => isOutage(fault, trace)) ? faults : inTime
    if (all.length > 0) kept.set(task, all)
  }
  return kept
}

interface Window {
  readonly fault: FaultTrace
  readonly span: Span
  readonly outage: boolean
  /** It acted on a node that may be a worker. */
  readonly onWorker: boolean
}

function findExposures(trace: CellTrace): ReadonlyMap<TaskTrace, readonly FaultTrace[]> {
  const all = listWindows(trace)
  const touched = new Map<TaskTrace, readonly FaultTrace[]>()
  if (all.length === 0) return touched
  const meeting = createIndex(all)
  const routes = routesOf(trace)
  for (const task of trace.tasks) {
    const windows = meeting([task.intent.intendedAt, lifeEndOf(task)])
    const faults = windows.length === 0 ? none : touching(task, windows, routes)
    if (faults.length > 0) touched.set(task, faults)
  }
  return touched
}

function listWindows(trace: CellTrace): readonly Window[] {
  return trace.faults
    .filter((fault) => fault.proven && fault.armedAt !== undefined && couldBeFelt(fault, trace.endAt))
    .sort((a, b) => a.armedAt! - b.armedAt!)
    .map((fault) => {
      const span = [fault.armedAt!, fault.healedAt ?? trace.endAt] as const
      const onWorker = nodesAmong(fault.places).some((node) => roleOf(node) === 'worker')
      return { fault, span, outage: isOutage(fault, trace), onWorker }
    })
}

/**
 * Those windows that overlap a life, in their own order. Outages are short: one that begins before this life ends can only
 * overlap it if it, or one before it, ends after the life began. Conditions are few, and each is looked at.
 */
function createIndex(windows: readonly Window[]): (life: Span) => readonly Window[] {
  const outages = windows.filter(({ outage }) => outage)
  const conditions = windows.filter(({ outage }) => !outage)
  const begins = outages.map(({ span }) => span[0])
  let latest = -Infinity
  const latestEnds = outages.map(({ span }) => (latest = Math.max(latest, span[1])))
  return (life) => {
    const found = conditions.filter(({ span }) => overlap(span, life))
    const lasting = found.length
    for (let i = firstAtLeast(begins, life[1]) - 1; i >= 0 && latestEnds[i]! > life[0]; i--)
      if (overlap(outages[i]!.span, life)) found.push(outages[i]!)
    return found.length > 1 && found.length > lasting ? found.sort((a, b) => a.span[0] - b.span[0]) : found
  }
}

/** Tasks that live in the API node are executed there, and the ledger says so. */
function routesOf({ tasks, cell, nodes }: CellTrace): Routes {
  const ran = tasks.find(({ effects }) => effects.length > 0)?.effects[0]?.value.executor
  const callbacks = tasks.some((task) => task.callbacks.length > 0)
  // Under a receiver that is down throughout no callback ever comes: then clients that streamed wait for none.
  const called = callbacks || !tasks.some(({ streams }) => streams.length > 0)
  const sticky = ran !== undefined && roleOf(ran) === 'api'
  // The reference patterns whose API executes keep each task in one node.
  const worksInApi = cell?.ownWork !== undefined && !nodes.some(({ value }) => roleOf(value.node) === 'worker')
  return { sticky, apis: cell?.replicas.api, callbacks, called, worksInApi }
}

const none: readonly FaultTrace[] = []

function touching(task: TaskTrace, windows: readonly Window[], routes: Routes): readonly FaultTrace[] {
  let certain = 0
  let doubtful = false
  const touched = windows.map(({ fault, span, onWorker }) => {
    const is = fault.places.some((place) => isTouched(place, task, span, routes))
    if (is) certain++
    else doubtful ||= onWorker
    return is
  })
  const gaps = doubtful ? interruptionsOf(task) : []
  if (certain === 0 && gaps.length === 0) return none
  const causes = windows.filter(({ outage }, i) => touched[i] && outage)
  return windows
    .filter((one, i) => touched[i] || (gaps.length > 0 && mayHaveCutShort(one, gaps, causes)))
    .map(({ fault }) => fault)
}

/**
 * When any worker may run a step, only the ledger says which one did. It has no entry for an interrupted step. A new
 * attempt may begin without a known cause: no outage that certainly touched the task, one of `causes`, was active since
 * the step before. Then each worker fault that was active in between counts as a possible cause.
 */
function mayHaveCutShort({ span, onWorker }: Window, gaps: readonly Span[], causes: readonly Window[]): boolean {
  return onWorker && gaps.some((gap) => overlap(span, gap) && !causes.some((one) => overlap(one.span, gap)))
}

/** From the end of the last execution of an attempt to the beginning of the next attempt. */
function interruptionsOf(task: TaskTrace): readonly Span[] {
  const { executions } = task
  return executions.flatMap((next, i): Span[] => {
    const before = executions[i - 1]
    return before && next.attempt > before.attempt ? [[before.endedAt, next.startedAt]] : []
  })
}

/** One draw per connection: each task has its own luck, so the firing is not an episode that tasks share. */
export function isPerConnection(fault: Pick<FaultTrace, 'params'>): boolean {
  const { probability } = fault.params
  return typeof probability === 'number' && probability < 1
}

/**
 * A fault with a before and an after. Excluded are faults that draw per connection, and faults under which nearly all
 * of the load was offered: those are the condition of the cell. What is no outage has nothing to recover from, and
 * excuses nothing.
 */
export function isOutage(fault: FaultTrace, trace: CellTrace): boolean {
  const made = knownOutages.get(fault) ?? (!isPerConnection(fault) && !isCondition(fault, trace))
  knownOutages.set(fault, made)
  return made
}

const knownOutages = new WeakMap<FaultTrace, boolean>()

function isCondition(fault: FaultTrace, trace: CellTrace): boolean {
  const { armedAt, healedAt = trace.endAt } = fault
  if (armedAt === undefined) return false
  const wanted = wantedTimes(trace)
  return firstAtLeast(wanted, healedAt) - firstAtLeast(wanted, armedAt) >= conditionShare * wanted.length
}

/** Arming takes a moment of its own, in which a few tasks may be offered. */
const conditionShare = 0.8

const knownTimes = new WeakMap<CellTrace, Float64Array>()

/** When tasks were to be sent, in order. */
function wantedTimes(trace: CellTrace): Float64Array {
  const made = knownTimes.get(trace) ?? Float64Array.from(trace.tasks, ({ intent }) => intent.intendedAt).sort()
  knownTimes.set(trace, made)
  return made
}
