import { resolutionMs, firstAtLeast } from '../core/numbers.ts'
import { impactOf, isSudden } from './impact.ts'
import type { Op, OpOf } from '../model/history.ts'
import { exitMarginMs } from './interruptions.ts'
import { aheadMs } from './lateness.ts'
import { nodesAmong } from '../model/place.ts'
import { roleOf } from './places.ts'
import { type CellTrace, type FaultTrace, taskEnd, type TaskTrace } from './trace.ts'

/** Something that cannot be, in words, and the ops that show it. */
export interface Impossible {
  readonly text: string
  readonly ops: readonly number[]
}

/**
 * Where the harness's records of one task first contradict each other. It asks for, or follows, a task by an id that no other
 * record has. Or it does so before a submission was answered. Or it has a result of what it never submitted. What
 * servers say is theirs: checkers judge it.
 */
export function contradictionOf(task: TaskTrace): Impossible | undefined {
  const { submits, polls, streams, end } = task
  const accepted = submits.find(({ type }) => type === 'ok')
  const [acceptedAt, acceptedId] = [accepted?.at ?? Infinity, accepted?.value.taskId]
  for (const list of [polls, streams])
    for (const { f, at, index, value } of list) {
      const isKnown = value.taskId === acceptedId || idsOf(task).has(value.taskId)
      if (isKnown && acceptedAt <= at + resolutionMs) continue
      return { text: `its client had a ${f} of ${value.taskId}, which it did not know`, ops: [index] }
    }
  const early = polls.find(({ at, value }) => at - value.waitedMs < acceptedAt - resolutionMs)
  if (early) return { text: 'a poll began before its client knew its task', ops: [early.index] }
  if (end?.type === 'ok' && acceptedAt > end.at + resolutionMs)
    return { text: 'its client has a result of a task of which nobody accepted the submission', ops: [end.index] }
  return undefined
}

/**
 * Where the order in which one task's client wrote down what it met is not the order of the times. One clock gives both: a result
 * comes after all by which it is known, an answer after its question, and once.
 */
export function disorderOf({ submits, polls, streams, events, callbacks, end }: TaskTrace): Impossible | undefined {
  const answered = new Set<number>()
  for (const { type, at, index, invoke } of submits) {
    const sent = type === 'invoke' ? undefined : submits.find((op) => op.index === invoke)
    if (!sent) continue
    if (at < sent.at - resolutionMs) return { text: 'a submission was answered before it was sent', ops: [index] }
    if (answered.has(sent.index)) return { text: 'one submission was answered twice', ops: [sent.index, index] }
    answered.add(sent.index)
  }
  if (end?.type !== 'ok') return undefined
  for (const ops of [submits, polls, streams, events, callbacks] as readonly (readonly Op[])[]) {
    const known = ops.find(({ index, at }) => index < end.index && at > end.at + resolutionMs)
    if (known) return { text: `its result was seen before a ${known.f} that came first`, ops: [known.index, end.index] }
  }
  return undefined
}

/** By whatever anybody but who asks calls it. */
function idsOf(task: TaskTrace): ReadonlySet<string> {
  const { submits, effects, callbacks } = task
  const ids = new Set([...effects, ...callbacks].map(({ value }) => value.taskId))
  for (const { type, value } of submits) if (type === 'ok' && value.taskId !== undefined) ids.add(value.taskId)
  return ids.add(taskEnd(task)?.taskId ?? '')
}

/** The tasks of a cell are of one kind of work, which may vary in length as the plan says. The load lists them in the order in which they are to be sent. */
export function contradictingIntents({ tasks, cell }: CellTrace): readonly Impossible[] {
  const usual = tasks[0]?.intent
  return tasks.flatMap(({ task, intent, invoke }, i): readonly Impossible[] => {
    const { ordinal, intendedAt, idealMs, steps } = intent
    const tell = (text: string): readonly Impossible[] => [{ text: `${task}: ${text}`, ops: [invoke.index] }]
    const [least, most] = cell?.idealRangeMs ?? [usual!.idealMs, usual!.idealMs]
    if (idealMs < least - resolutionMs || idealMs > most + resolutionMs || steps !== usual!.steps)
      return tell('it is another work than the first task of the cell')
    if (i > 0 && intendedAt < tasks[i - 1]!.intent.intendedAt) return tell('it is to be sent before the task before it')
    return cell && ordinal > cell.tasks ? tell(`it is number ${ordinal}, and ${cell.tasks} were planned`) : []
  })
}

/**
 * A fault takes effect once and not before it was to, is proven after that and healed then. Nodes that a fault is proven to have ended did end,
 * where the record has exits of their role at all. A node that ended suddenly did no step before its planned restart.
 */
export function contradictingFaults(trace: CellTrace, ops: readonly OpOf<'fault'>[]): readonly Impossible[] {
  const { faults, nodes } = trace
  const byId = Map.groupBy(ops, ({ value }) => value.id)
  const lives: Lives = {
    known: new Set(nodes.map(({ value }) => roleOf(value.node))),
    exits: exitsByNode(nodes),
    begun: faults.some(isSudden) ? workByNode(trace) : new Map(),
  }
  return faults.flatMap((fault) => {
    const text =
      whyDisordered(byId.get(fault.id) ?? []) ?? whyEarly(fault, trace.cell) ?? whyAlive(fault, lives, trace.endAt)
    return text === undefined ? [] : [{ text: `fault ${fault.id} ${text}`, ops: [...fault.ops] }]
  })
}

/** What the record tells of nodes: of which roles, when each ended, and when its executions began and ended, in order. */
interface Lives {
  readonly known: ReadonlySet<string>
  readonly exits: ReadonlyMap<string, readonly number[]>
  readonly begun: ReadonlyMap<string, Work>
}

interface Work {
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

function exitsByNode(nodes: CellTrace['nodes']): Lives['exits'] {
  const ends = nodes.filter(({ value }) => value.state === 'exited' || value.state === 'crashed')
  return new Map(
    [...Map.groupBy(ends, ({ value }) => value.node)].map(([node, ops]) => [node, ops.map(({ at }) => at)]),
  )
}

function workByNode({ tasks }: CellTrace): Lives['begun'] {
  const byNode = new Map<string, OpOf<'effect'>['value'][]>()
  for (const { effects } of tasks)
    for (const { value } of effects) {
      const own = byNode.get(value.executor)
      if (own) own.push(value)
      else byNode.set(value.executor, [value])
    }
  return new Map(
    [...byNode].map(([node, own]) => {
      own.sort((a, b) => a.startedAt - b.startedAt)
      return [node, { starts: own.map(({ startedAt }) => startedAt), ends: own.map(({ endedAt }) => endedAt) }]
    }),
  )
}

function whyDisordered(changes: readonly OpOf<'fault'>[]): string | undefined {
  const armed = changes.filter(({ value }) => value.state === 'armed')
  if (armed.length > 1) return 'took effect twice'
  const proven = changes.find(({ value }) => value.state === 'proven' || value.state === 'partly')
  const healed = changes.find(({ value }) => value.state === 'healed')
  const [first] = armed
  if (proven && (!first || proven.at < first.at - resolutionMs)) return 'was proven before it took effect'
  if (proven && healed && healed.at < proven.at - resolutionMs) return 'was healed before it was proven'
  return undefined
}

function whyEarly({ id, armedAt = Infinity }: FaultTrace, cell: CellTrace['cell']): string | undefined {
  const trigger = cell?.faults.find((planned) => planned.id === id)?.trigger
  // What holds from the beginning may be there before the load is.
  const isEarly = trigger?.kind === 'time' && trigger.atMs > 0 && armedAt < trigger.atMs - aheadMs
  return isEarly ? `took effect ${(trigger.atMs - armedAt).toFixed(0)} ms before it was to` : undefined
}

function whyAlive(fault: FaultTrace, { known, exits, begun }: Lives, endAt: number): string | undefined {
  const { proven, armedAt, healedAt = endAt, places } = fault
  if (!proven || armedAt === undefined || impactOf(fault).kind !== 'end') return undefined
  for (const node of nodesAmong(places)) {
    const exit = exits.get(node)?.findLast((at) => at >= armedAt - exitMarginMs && at <= healedAt)
    if (exit === undefined && known.has(roleOf(node))) return `is proven to have ended ${node}, which did not end`
    const backAt = Math.min(healedAt, (exit ?? armedAt) + (fault.plannedMs ?? 0)) - resolutionMs
    const isAtWork = isSudden(fault) && exit !== undefined && didWork(begun.get(node), exit, backAt)
    if (isAtWork) return `killed ${node}, which did a step before it was started again`
  }
  return undefined
}

/** What was accepted in the moment of the end may bear a time just after it. */
const deathMs = 50

function didWork(work: Work | undefined, from: number, to: number): boolean {
  if (!work) return false
  const { starts, ends } = work
  for (let i = firstAtLeast(starts, from + deathMs); starts[i]! < to; i++) if (ends[i]! <= to) return true
  return false
}

/** By how a client says that it learned the end: whether what it then wrote down, of its task, came before this line. */
const bringers: Readonly<Record<string, (task: TaskTrace, line: number) => boolean>> = {
  callback: ({ callbacks, imposed }, line) => hasCompleted(callbacks, line) || hasCompleted(imposed, line),
  poll: ({ polls }, line) => hasCompleted(polls, line),
  // A log that a server began again is not written down again as far as it was known.
  stream: ({ events, streams }, line) =>
    hasCompleted(events, line) ||
    streams.filter(({ index, value }) => index < line && value.state === 'open').length > 1,
}

function hasCompleted(ops: readonly OpOf<'callback' | 'poll' | 'event'>[], line: number): boolean {
  return ops.some(({ index, value }) => index < line && value.status === 'completed')
}

/** A result came by something. Clients of a delivery that writes nothing of that kind down are not asked for it. */
export function contradictingResults({ tasks }: CellTrace): readonly Impossible[] {
  return Object.entries(bringers).flatMap(([via, isBrought]) => {
    const ended = tasks.filter((task) => task.end?.type === 'ok' && taskEnd(task)?.via === via)
    const untold = ended.filter((task) => !isBrought(task, task.end!.index))
    if (untold.length === 0 || !tasks.some((task) => isBrought(task, Infinity))) return []
    return untold.map(({ task, end }) => ({ text: `${task}: no ${via} brought its result`, ops: [end!.index] }))
  })
}

/** A process ends once: each end counts as an interruption of its own. */
export function contradictingNodes({ nodes }: CellTrace): readonly Impossible[] {
  const ended = new Map<string, number>()
  return nodes.flatMap(({ index, value: { node, state, pid } }) => {
    if (!pid || (state !== 'exited' && state !== 'crashed')) return []
    const life = `${node}, process ${pid},`
    const first = ended.get(life)
    ended.set(life, index)
    return first === undefined ? [] : [{ text: `${life} ended twice`, ops: [first, index] }]
  })
}

/** Nothing was sent ahead of its time: a lag that is less than none was not measured. */
export function contradictingHealth({ health }: CellTrace): readonly Impossible[] {
  if (!health || health.value.pacerLagP99Ms >= -resolutionMs) return []
  return [{ text: `the pacer was ahead of its time by ${-health.value.pacerLagP99Ms} ms`, ops: [health.index] }]
}
