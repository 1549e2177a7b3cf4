import type { Execution } from '../analysis/executions.ts'
import { exposuresInTime, isOutage } from '../analysis/exposure.ts'
import type { InterruptedTask } from '../model/results.ts'
import { nodesAmong } from '../model/place.ts'
import { nodeOf, roleOf } from '../analysis/places.ts'
import { isTerminal } from '../../patterns/contract/types/task.ts'
import type { CellTrace, FaultTrace, TaskTrace } from '../analysis/trace.ts'

/**
 * Every interruption of a cell. A step was cut where an outage touched its task, and the next work on the task was a
 * new attempt or another submission. It was also cut where work was left and none came. Where work goes on in the same
 * attempt, or the step in flight was completed and so did the next, nothing was cut. The cut is the exit of the
 * executor, or the onset. None is told where `tellsAttempts` does not hold: only those that nobody went on with would be.
 */
export function interruptionsIn(trace: CellTrace): readonly InterruptedTask[] {
  if (!tellsAttempts(trace)) return []
  const roles = executorRoles(trace)
  return [...exposuresInTime(trace)].flatMap(([task, faults]) => {
    const cuts = faults
      .filter((fault) => isOutage(fault, trace) && canCut(fault, roles))
      .map((fault) => ({ fault, at: cutAt(fault, task, trace) }))
      .toSorted((a, b) => a.at - b.at)
    return cuts.flatMap(({ fault, at }, i) => {
      const found = afterCut(task, at, cuts[i + 1]?.at ?? Infinity, trace)
      return found ? [{ task: task.task, fault: fault.id, ...found }] : []
    })
  })
}

/**
 * Whether effects show that work was begun anew. Of a service of one's own that does not number its attempts, the ledger
 * counts how often it was told of a step: one that was cut left nothing, and its next execution is the first. An attempt
 * later than the first of a step that was never told before shows that somebody else numbers them.
 */
export function tellsAttempts({ cell, tasks }: CellTrace): boolean {
  if (!cell?.ownWork) return true
  return tasks.some(({ executions }) => executions.some(({ attempt, repeats }) => attempt > 1 && !repeats))
}

function executorRoles({ tasks }: CellTrace): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { effects } of tasks) for (const { value } of effects) names.add(value.executor)
  return new Set([...names].map((name) => roleOf(nodeOf(name))))
}

/** Links of clients and receivers carry no work; a node cuts steps if it executes them, or if those who do depend on it. */
function canCut({ target }: FaultTrace, roles: ReadonlySet<string>): boolean {
  return target.some((place) => {
    if ('link' in place) return !place.link.startsWith('client->') && !place.link.startsWith('sender->')
    const role = roleOf(place.node)
    return role === 'store' || role === 'engine' || roles.has(role)
  })
}

/** Nodes of one firing may end one after the other. */
function cutAt({ target, armedAt = 0, healedAt }: FaultTrace, task: TaskTrace, { nodes, endAt }: CellTrace): number {
  const own = task.executions.findLast(({ startedAt }) => startedAt <= (healedAt ?? endAt))
  const node = own && nodeOf(own.executor)
  if (node === undefined || !nodesAmong(target).includes(node)) return armedAt
  const exit = nodes.find(({ at, value }) => {
    const ended = value.state === 'exited' || value.state === 'crashed'
    return value.node === node && ended && at >= armedAt && at <= (healedAt ?? endAt)
  })
  return exit?.at ?? armedAt
}

type After = Pick<InterruptedTask, 'by' | 'afterMs' | 'openAfterMs'>

/** What followed a cut until the next one; undefined where nothing was cut. */
function afterCut(task: TaskTrace, at: number, until: number, trace: CellTrace): After | undefined {
  if (!isUnderWay(task, at)) return undefined
  const { executions } = task
  const before = executions.findLast(({ startedAt }) => startedAt <= at)
  const next = executions.find(({ startedAt }) => startedAt > at)
  if (next && next.startedAt < until) {
    const by = whoWentOn(task, before, next, at)
    return by && { by, afterMs: next.startedAt - at }
  }
  const ended = before && before.endedAt > at && before.endedAt < until ? before.endedAt : undefined
  // Who ended the step in flight went on with the next one, unless none ever came.
  if (isDone(task, ended ?? at) || (ended !== undefined && next)) return undefined
  if (until < Infinity) return { openAfterMs: until - at }
  if (task.end?.type === 'ok') return undefined
  return isOver(task) ? {} : { openAfterMs: trace.endAt - at }
}

function isUnderWay({ intent, submits, end }: TaskTrace, at: number): boolean {
  return intent.intendedAt < at && submits.some((submit) => submit.at <= at) && (end?.at ?? Infinity) > at
}

function whoWentOn(
  task: TaskTrace,
  before: Execution | undefined,
  next: Execution,
  at: number,
): 'engine' | 'client' | undefined {
  if (before && before.op.value.taskId !== next.op.value.taskId) return 'client'
  if (next.attempt > (before?.attempt ?? 1)) return 'engine'
  if (before) return undefined
  const again = task.submits.some(({ type, at: sentAt, value }) => {
    return type === 'invoke' && value.attempt > 1 && sentAt >= at && sentAt <= next.startedAt
  })
  return again ? 'client' : undefined
}

function isDone(task: TaskTrace, at: number): boolean {
  const done = task.executions.filter(({ endedAt }) => endedAt <= at)
  return new Set(done.map(({ step }) => step)).size >= task.intent.steps
}

/** Nothing will continue it: its client saw the failure, or servers do not know it, or know it only as ended. */
function isOver({ end, finals }: TaskTrace): boolean {
  if (end?.type === 'fail') return true
  const told = finals.findLast(({ type }) => type === 'ok')?.value
  return told !== undefined && (!told.found || (told.status !== undefined && isTerminal(told.status)))
}
