import { isOutage } from './exposure.ts'
import { firstPauseMs, impactOf, isPassing } from './impact.ts'
import { shortestPatienceMs, tolerance } from './interruptions.ts'
import type { CellPlan } from '../model/plan.ts'
import { linksAmong, nodesAmong, type Place } from '../model/place.ts'
import { anybody, roleOf } from './places.ts'
import { isTerminal } from '../../patterns/contract/types/task.ts'
import { timingAt } from '../../patterns/contract/types/timing.ts'
import { lastEffectEnd } from './touch.ts'
import { type CellTrace, type FaultTrace, taskEnd, type TaskTrace } from './trace.ts'

/**
 * The right result is there, and it came too late for the client. The client saw it after it was due to give up, or the
 * server had it only then, or word of it was still on its way. A client that stops before it is to give up was not let
 * down by time. Where steps are missing, the last of those that are known counts.
 */
export function isLate(task: TaskTrace, cell: CellPlan | undefined): boolean {
  const { end, intent } = task
  if (hasStopped(task)) return false
  if (end?.type === 'ok') return end.at > intent.giveUpAt && taskEnd(task)?.digest === intent.expectedDigest
  const doneAt = serverHas(task) ? (doneAtOf(task, cell) ?? lastEffectEnd(task)) : undefined
  return doneAt !== undefined && doneAt + noticeMs(cell) >= intent.giveUpAt
}

/** No timer is so much ahead of its time, in real milliseconds. */
export const aheadMs = 50

/** Its client was told of a failure, or stopped by itself although there was time: no lateness is the reason. */
function hasStopped({ end, intent }: TaskTrace): boolean {
  return end?.type === 'fail' || (end?.type === 'info' && end.at < intent.giveUpAt - aheadMs)
}

/** By its final word, or by a callback. */
export function serverHas({ finals, callbacks, intent }: TaskTrace): boolean {
  const isRight = (digest: string | null | undefined): boolean => digest === intent.expectedDigest
  return finals.some(({ value }) => isRight(value.digest)) || callbacks.some(({ value }) => isRight(value.digest))
}

/**
 * When its last step was done, as the tool server saw it: before that nobody had the result. An engine that does no step
 * twice was done when each step first was; another one may have begun again. Undefined: steps are missing.
 */
function doneAtOf(task: TaskTrace, cell: CellPlan | undefined): number | undefined {
  const once = cell?.promises.includes('effect-once') ?? false
  const ends = new Map<number, number>()
  for (const { step, endedAt } of task.executions) {
    const known = ends.get(step)
    ends.set(step, known === undefined ? endedAt : once ? Math.min(known, endedAt) : Math.max(known, endedAt))
  }
  return ends.size < task.intent.steps ? undefined : [...ends.values()].reduce((a, b) => Math.max(a, b), -Infinity)
}

/** The longest that any delivery here takes to tell its client, at full length: `reconcileMs` of the contract. */
export const longestNoticeMs = 60_000
const shortestNoticeMs = 250

/** So long a client of this cell may take to hear of a result that is there. */
export function noticeMs(cell: CellPlan | undefined): number {
  if (!cell) return 0
  return Math.min(cell.graceMs, Math.max(shortestNoticeMs, longestNoticeMs / cell.timeScale))
}

/**
 * Whether outages among `faults`, in the order of their onset, held this task up until its client gave up. The result was due
 * at the deadline, and a client that reads it should have it soon after the work. Each outage that began before that moves
 * it to its own end, by as much as the harm explains. No outage explains a task that the server forgot, or is still not through with when it was due after the heal.
 */
export function wasHeldUp(task: TaskTrace, faults: readonly FaultTrace[], trace: CellTrace): boolean {
  if (hasStopped(task)) return false
  let dueAt = task.intent.deadlineAt
  let toldBy = toldByOf(task, trace.cell)
  for (const fault of faults) {
    if (fault.armedAt! > Math.min(dueAt, toldBy)) break
    if (!isOutage(fault, trace) || !explains(fault, task, trace)) continue
    const heldUpBy = isNoticed(fault, trace) ? goesOnBy(fault, task, trace) : undefined
    const passingMs = resumesAfter(fault, trace)
    dueAt = Math.max(dueAt, heldUpBy ?? dueAt + passingMs)
    toldBy = Math.max(toldBy, heldUpBy ?? toldBy + passingMs)
  }
  return dueAt > task.intent.giveUpAt && mayStillEnd(task, dueAt)
}

/** When a client that reads the result itself should have had what was done, if nothing held that up. */
function toldByOf(task: TaskTrace, cell: CellPlan | undefined): number {
  const doneAt = task.polls.length === 0 && task.streams.length === 0 ? undefined : doneAtOf(task, cell)
  return doneAt === undefined ? Infinity : doneAt + noticeMs(cell)
}

/** By the server's final word. Where nobody has it the run is inconclusive for want of that. Completed is what has its result. */
function mayStillEnd(task: TaskTrace, dueAt: number): boolean {
  const told = task.finals.findLast(({ type }) => type === 'ok')
  if (!told) return true
  const { found, status } = told.value
  if (status === 'completed' && !serverHas(task)) return false
  return found && (told.at <= dueAt || (status !== undefined && isTerminal(status)))
}

/** A silence that is over before anybody gives up on anybody takes nothing away: all goes on where it was. */
function isNoticed(fault: FaultTrace, { cell, endAt }: CellTrace): boolean {
  if (!isPassing(fault)) return true
  const patiences = [cell?.patienceMs, cell?.health.machine?.silence.ms].filter((ms) => ms !== undefined)
  const shortest = patiences.length > 0 ? Math.min(...patiences) : shortestPatienceMs
  return lengthOf(fault, endAt) >= tolerance * shortest
}

/** What is sent again is so after a pause that grows with the silence. */
function resumesAfter(fault: FaultTrace, { endAt }: CellTrace): number {
  return 2 * lengthOf(fault, endAt) + firstPauseMs(fault)
}

function lengthOf({ armedAt = 0, healedAt }: FaultTrace, endAt: number): number {
  return (healedAt ?? endAt) - armedAt
}

/** One brings the task, and one its end: what comes between does not wait for each other. */
const exchangesOfClients = 2

/**
 * A delay must add up, with an exchange in each step or those of the client, to the time that the scenario allows. It holds
 * nothing up for longer than it is there, and once more. Who executes steps is not asked any more when all are done and
 * written down, by a client that reads the result itself. A delay for which no client waits is a silence.
 */
function explains(fault: FaultTrace, task: TaskTrace, { cell, endAt }: CellTrace): boolean {
  const impact = impactOf(fault)
  if (impact.kind === 'delay') {
    const isOfClients = fault.places.every(isDelivery)
    if (isOfClients && cell && impact.ms >= timingAt(cell.timeScale).requestTimeoutMs) return true
    const exchanges = isOfClients ? exchangesOfClients : task.intent.steps
    return Math.min(impact.ms * exchanges, impact.ms + lengthOf(fault, endAt)) >= (cell?.graceMs ?? Infinity)
  }
  if (impact.kind === 'none') return false
  if (!fault.places.every(isOfWorkers) || (task.polls.length === 0 && task.streams.length === 0)) return true
  const doneAt = doneAtOf(task, cell)
  return doneAt === undefined || fault.armedAt! <= doneAt + noticeMs(cell)
}

function isOfWorkers(place: Place): boolean {
  if ('node' in place) return roleOf(place.node) === 'worker'
  return place.link.startsWith('worker->') || place.link.startsWith('engine->worker')
}

/** The latest of all engines here is less than four times their earliest. */
const latestToEarliest = 4

/**
 * When the result is due if this outage held the task up. Where others can take over from an executor, it is after the
 * longest takeover, which the plan knows. Else it is after the heal. Then the rest of the work, and the way to the
 * client.
 */
function goesOnBy(fault: FaultTrace, task: TaskTrace, { cell, endAt }: CellTrace): number {
  const { armedAt = 0, healedAt = endAt, places } = fault
  const restMs = remainingMs(task, armedAt, cell) + noticeMs(cell)
  const replaced = places.every((place) => 'node' in place && roleOf(place.node) === 'worker')
  if (replaced && cell?.takeoverMs !== undefined) return armedAt + cell.takeoverMs + restMs
  // Each read asks the next of the replicas that share tasks: it takes a few to meet one that answers.
  if (leavesReplicas(places, task, cell))
    return armedAt + latestToEarliest * Math.max(noticeMs(cell), cell?.patienceMs ?? 0) + restMs
  if (places.every(isDelivery)) return healedAt + restMs
  return healedAt + latestToEarliest * (cell?.patienceMs ?? 0) + restMs
}

/** Between clients and servers: the engine does not notice. */
function isDelivery(place: Place): boolean {
  return 'link' in place && (place.link.startsWith('client->') || place.link.startsWith('sender->'))
}

/** Clients had others to ask: of tasks that live in an API node nobody else knows. */
function leavesReplicas(places: readonly Place[], task: TaskTrace, cell: CellPlan | undefined): boolean {
  const links = linksAmong(places).filter((link) => link.startsWith('client->api'))
  const nodes = nodesAmong(places).filter((node) => roleOf(node) === 'api')
  const cut = new Set([...links.map((link) => link.slice('client->'.length)), ...nodes])
  const reads = task.polls.length > 0 || task.streams.length > 0
  if (links.length + nodes.length < places.length || !reads || task.effects.length === 0 || cell === undefined)
    return false
  return cut.size < cell.replicas.api && task.effects.every(({ value }) => isElsewhere(value.executor))
}

function isElsewhere(executor: string): boolean {
  return executor !== anybody && roleOf(executor) !== 'api'
}

/** What was left of the ideal duration at that time: all of it where nothing says that steps are kept. */
function remainingMs(task: TaskTrace, at: number, cell: CellPlan | undefined): number {
  const { idealMs, steps } = task.intent
  if (!cell?.promises.includes('effect-once')) return idealMs
  const done = new Set(task.executions.flatMap(({ step, endedAt }) => (endedAt <= at ? [step] : [])))
  return (idealMs * Math.max(0, steps - done.size)) / steps
}
