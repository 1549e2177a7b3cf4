import { executionsOf } from './executions.ts'
import { couldBeFelt } from './harm.ts'
import { overlap, roleOf, type Span } from './places.ts'
import { isTouched, type Routes } from './touch.ts'
import { type CellTrace, type FaultTrace, lifeEndOf, type TaskTrace } from './trace.ts'

/**
 * The proven faults that touched each task, in the order of their onset; tasks without any are absent. A fault touches a
 * task when the task's life, from its intended start until its client knew the end or gave up, overlaps the fault's window,
 * the fault lasted or delayed long enough to be felt, and `isTouched` says so of a place that the fault reached. A step that was cut
 * short left no trace of where it ran: it may have been on a node that was hit then (`mayHaveCutShort`).
 */
export function exposures(trace: CellTrace): ReadonlyMap<TaskTrace, readonly FaultTrace[]> {
  const made = known.get(trace) ?? findExposures(trace)
  known.set(trace, made)
  return made
}

const known = new WeakMap<CellTrace, ReadonlyMap<TaskTrace, readonly FaultTrace[]>>()

interface Window {
  readonly fault: FaultTrace
  readonly span: Span
  readonly outage: boolean
  /** It acted on a node that may be a worker. */
  readonly onWorker: boolean
}

function findExposures(trace: CellTrace): ReadonlyMap<TaskTrace, readonly FaultTrace[]> {
  const windows = listWindows(trace)
  const touched = new Map<TaskTrace, readonly FaultTrace[]>()
  if (windows.length === 0) return touched
  const routes = routesOf(trace)
  for (const task of trace.tasks) {
    const faults = touching(task, windows, routes)
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
      const onWorker = fault.places.some((place) => roleOf(place) === 'worker')
      return { fault, span, outage: isOutage(fault, trace), onWorker }
    })
}

/** Tasks that live in the API node are executed there, and the ledger says so. */
function routesOf({ tasks, cell }: CellTrace): Routes {
  const ran = tasks.find(({ effects }) => effects.length > 0)?.effects[0]?.value.executor
  const callbacks = tasks.some((task) => task.callbacks.length > 0)
  return { sticky: ran !== undefined && roleOf(ran) === 'api', apis: cell?.replicas.api, callbacks }
}

const none: readonly FaultTrace[] = []

function touching(task: TaskTrace, windows: readonly Window[], routes: Routes): readonly FaultTrace[] {
  const life: Span = [task.intent.intendedAt, lifeEndOf(task)]
  let certain: Set<Window> | undefined
  let doubtful = false
  for (const window of windows) {
    if (window.span[0] >= life[1]) break
    if (!overlap(window.span, life)) continue
    if (window.fault.places.some((place) => isTouched(place, task, window.span, routes)))
      (certain ??= new Set()).add(window)
    else doubtful ||= window.onWorker
  }
  const gaps = doubtful ? interruptionsOf(task) : []
  if (gaps.length === 0) return certain ? [...certain].map(({ fault }) => fault) : none
  const causes = certain ? [...certain].filter(({ outage }) => outage) : []
  return windows
    .filter((one) => certain?.has(one) || (overlap(one.span, life) && mayHaveCutShort(one, gaps, causes)))
    .map(({ fault }) => fault)
}

/**
 * Engines that give every step to whichever worker is free leave it to the ledger to say which that was, and a step that was
 * cut short is not in there. So where a new attempt begins although no outage that certainly touched the task, one of
 * `causes`, was in effect since its step before, each fault of a worker that was in effect then may be why.
 */
function mayHaveCutShort({ span, onWorker }: Window, gaps: readonly Span[], causes: readonly Window[]): boolean {
  return onWorker && gaps.some((gap) => overlap(span, gap) && !causes.some((one) => overlap(one.span, gap)))
}

/** From the end of the last execution of an attempt to the beginning of the next attempt. */
function interruptionsOf(task: TaskTrace): readonly Span[] {
  const executions = executionsOf(task)
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
 * A fault with a before and an after: not one that draws per connection, and not one under which nearly all of the load was
 * offered, which is the condition that the cell is about. What is no outage has nothing to recover from, and excuses nothing.
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
  let under = 0
  for (const { intent } of trace.tasks) if (intent.intendedAt >= armedAt && intent.intendedAt < healedAt) under++
  return under >= conditionShare * trace.tasks.length
}

/** Arming takes a moment of its own, in which a few tasks may be offered. */
const conditionShare = 0.8
