import { executionsOf } from './executions.ts'
import type { CellTrace, FaultTrace, TaskTrace } from './trace.ts'

/**
 * Which faults could have touched a task. A fault touches a task when the task's life, from its intended start until its
 * client knew the end or gave up, overlaps the fault's proven window, and
 * - for a node that executes steps: the task ran there at the fault's onset or during its window, or was submitted
 *   through it. A task without any effect so far may have been in its first step anywhere: it counts, unless its
 *   first effect shows that it started elsewhere or later. And a step that was cut short left no trace of where it ran: it
 *   may have been there, unless the node of the step before was hit (`mayHaveCutShort`);
 * - for a node of the role `store` or `engine`: always;
 * - for a link between clients and one API node: when it submitted through that link;
 * - for any other link: always.
 */
function touches(fault: FaultTrace, task: TaskTrace, cellEndAt: number): boolean {
  const { proven, armedAt, healedAt = cellEndAt, places } = fault
  if (!proven || armedAt === undefined) return false
  if (task.intent.intendedAt >= healedAt || lifeEnd(task) <= armedAt) return false
  return places.some((name) => isTouched(name, task, [armedAt, healedAt]))
}

/** The proven faults that touched each task, in the order of their onset; tasks without any are absent. */
export function exposures(trace: CellTrace): ReadonlyMap<TaskTrace, readonly FaultTrace[]> {
  const made = known.get(trace) ?? findExposures(trace)
  known.set(trace, made)
  return made
}

const known = new WeakMap<CellTrace, ReadonlyMap<TaskTrace, readonly FaultTrace[]>>()

function findExposures(trace: CellTrace): ReadonlyMap<TaskTrace, readonly FaultTrace[]> {
  const proven = trace.faults.filter((fault) => fault.proven).sort((a, b) => (a.armedAt ?? 0) - (b.armedAt ?? 0))
  const touched = trace.tasks.map((task) => {
    const certain = proven.filter((fault) => touches(fault, task, trace.endAt))
    const causes = certain.filter((fault) => isOutage(fault, trace))
    const faults = proven.filter(
      (fault) => certain.includes(fault) || mayHaveCutShort(fault, task, causes, trace.endAt),
    )
    return [task, faults] as const
  })
  return new Map(touched.filter(([, faults]) => faults.length > 0))
}

/**
 * Engines that give every step to whichever worker is free leave it to the ledger to say which that was, and a step that was
 * cut short is not in there. So where a new attempt begins although no outage that certainly touched the task, one of
 * `causes`, was in effect since its step before, each fault of a worker that was in effect then may be why.
 */
function mayHaveCutShort(
  fault: FaultTrace,
  task: TaskTrace,
  causes: readonly FaultTrace[],
  cellEndAt: number,
): boolean {
  if (!fault.places.some((name) => !name.includes('->') && roleOf(name) === 'worker')) return false
  return interruptionsOf(task).some(
    (gap) => overlap(windowOf(fault, cellEndAt), gap) && !causes.some((one) => overlap(windowOf(one, cellEndAt), gap)),
  )
}

/** From the end of the last execution of an attempt to the beginning of the next attempt. */
function interruptionsOf(task: TaskTrace): readonly Span[] {
  const executions = executionsOf(task)
  return executions.flatMap((next, i): Span[] => {
    const before = executions[i - 1]
    return before && next.attempt > before.attempt ? [[before.endedAt, next.startedAt]] : []
  })
}

function windowOf({ armedAt = Infinity, healedAt }: FaultTrace, cellEndAt: number): Span {
  return [armedAt, healedAt ?? cellEndAt]
}

/** One draw per connection: each task has its own luck, so the firing is not an episode that tasks share. */
export function isPerConnection(fault: Pick<FaultTrace, 'params'>): boolean {
  const { probability } = fault.params
  return typeof probability === 'number' && probability < 1
}

/**
 * A fault with a before and an after: not one that draws per connection, and not one under which nearly all of the load was
 * offered, which is the condition that the cell is about. What is no outage has nothing to recover from.
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
  const under = trace.tasks.filter(({ intent }) => intent.intendedAt >= armedAt && intent.intendedAt < healedAt)
  return under.length >= conditionShare * trace.tasks.length
}

/** Arming takes a moment of its own, in which a few tasks may be offered. */
const conditionShare = 0.8

/** `worker-1.2` is what the node `worker-1` calls itself after it came back for the second time as somebody new. */
export function nodeOf(executor: string): string {
  return executor.replace(/\.\d+$/, '')
}

/** `worker-1` is of the role `worker`. */
export function roleOf(node: string): string {
  return node.replace(/-\d+$/, '')
}

type Span = readonly [number, number]

function overlap(a: Span, b: Span): boolean {
  return a[0] < b[1] && b[0] < a[1]
}

function lifeEnd({ end, intent }: TaskTrace): number {
  return end?.at ?? intent.giveUpAt
}

function isTouched(name: string, task: TaskTrace, window: Span): boolean {
  if (name.includes('->')) return !name.startsWith('client->api') || usedLink(name, task)
  const role = roleOf(name)
  if (role === 'store' || role === 'engine') return true
  if (role === 'api' && task.submits.some(({ value }) => value.api?.endsWith(name))) return true
  return ranOn(name, task, window) || (role === 'worker' && mayHaveStartedOn(task, window))
}

function usedLink(name: string, task: TaskTrace): boolean {
  return task.submits.length === 0 || task.submits.some(({ value }) => value.api === name || value.api === undefined)
}

function ranOn(node: string, task: TaskTrace, window: Span): boolean {
  const executions = executionsOf(task)
  if (executions.some(({ executor, startedAt, endedAt }) => executor === node && overlap([startedAt, endedAt], window)))
    return true
  // The latest attempt: one that was taken away may still be at work when that has begun.
  const [latest] = executions
    .filter(({ endedAt }) => endedAt <= window[0])
    .toSorted((a, b) => b.attempt - a.attempt || b.endedAt - a.endedAt)
  return latest?.executor === node
}

function mayHaveStartedOn(task: TaskTrace, window: Span): boolean {
  const first = task.effects.reduce<TaskTrace['effects'][number]['value'] | undefined>(
    (earliest, { value }) => (earliest && earliest.startedAt <= value.startedAt ? earliest : value),
    undefined,
  )
  if (!first) return true
  return first.startedAt > window[0] && first.attempt > 1
}
