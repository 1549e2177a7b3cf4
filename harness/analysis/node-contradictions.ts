import { firstAtLeast, resolutionMs } from '../core/numbers.ts'
import type { Impossible } from './contradictions.ts'
import { impactOf, isSudden } from './impact.ts'
import { exitMarginMs } from './interruptions.ts'
import { nodesAmong } from '../model/place.ts'
import { nodeOf, roleOf } from './places.ts'
import type { OpOf } from '../model/history.ts'
import type { CellTrace, FaultTrace } from './trace.ts'

type NodeOp = OpOf<'node'>

/**
 * A process ends once: each end counts as an interruption of its own. What has ended begins no step before it is started again,
 * and who did not end by itself was ended by a fault.
 */
export function contradictingNodes(trace: CellTrace): readonly Impossible[] {
  const lives = livesIn(trace)
  const ends = trace.nodes.filter(isEnd)
  return [
    ...endedTwice(ends),
    ...ends.flatMap((end) => {
      const text = whyUndead(end, trace, lives) ?? whyUncaused(end, trace)
      return text === undefined ? [] : [{ text: `${end.value.node} ${text}`, ops: [end.index] }]
    }),
  ]
}

function isEnd({ value }: NodeOp): boolean {
  return value.state === 'exited' || value.state === 'crashed'
}

function endedTwice(ends: readonly NodeOp[]): readonly Impossible[] {
  const ended = new Map<string, number>()
  return ends.flatMap(({ index, value: { node, pid } }) => {
    if (!pid) return []
    const life = `${node}, process ${pid},`
    const first = ended.get(life)
    ended.set(life, index)
    return first === undefined ? [] : [{ text: `${life} ended twice`, ops: [first, index] }]
  })
}

/** A start is told when it is asked for, or when the node is ready, which works before that is known. */
function whyUndead({ at, value: { node } }: NodeOp, { nodes, endAt }: CellTrace, { begun }: Lives): string | undefined {
  const next = nodes.find((op) => op.value.node === node && op.at >= at && !isEnd(op))
  if (next?.value.state === 'ready') return undefined
  const isAtWork = begins(begun.get(node), at, next?.at ?? endAt)
  return isAtWork ? 'ended, and began a step before it was started again' : undefined
}

/** A node that is not to come back at once is held down by a fault: nobody else does that while tasks are offered. */
function whyUncaused({ at, value }: NodeOp, { faults, phases, complete }: CellTrace): string | undefined {
  // A cell that could not start, or was given up, takes its nodes down.
  const [from = Infinity, to = -Infinity] = [phases.get('load'), phases.get('final')]
  if (value.state !== 'exited' || !complete || at < from || at >= to) return undefined
  // Of a fault that the record does not mention nobody knows where it was.
  const isHeld = faults.some(({ target, state, ops }) => {
    return ops.length === 0 || (state !== 'skipped' && nodesAmong(target).includes(value.node))
  })
  return isHeld ? undefined : 'was held down, and no fault was on it'
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

export function livesIn(trace: CellTrace): Lives {
  const { nodes } = trace
  const exits = new Map(
    [...Map.groupBy(nodes.filter(isEnd), ({ value }) => value.node)].map(([node, ops]) => [
      node,
      ops.map(({ at }) => at),
    ]),
  )
  return {
    known: new Set(nodes.map(({ value }) => roleOf(value.node))),
    exits,
    begun: exits.size > 0 ? workByNode(trace) : new Map(),
  }
}

function workByNode({ tasks, controls }: CellTrace): Lives['begun'] {
  const byNode = new Map<string, OpOf<'effect'>['value'][]>()
  for (const { effects } of [...tasks, ...controls.values()])
    for (const { value } of effects) {
      const node = nodeOf(value.executor)
      const own = byNode.get(node)
      if (own) own.push(value)
      else byNode.set(node, [value])
    }
  return new Map(
    [...byNode].map(([node, own]) => {
      own.sort((a, b) => a.startedAt - b.startedAt)
      return [node, { starts: own.map(({ startedAt }) => startedAt), ends: own.map(({ endedAt }) => endedAt) }]
    }),
  )
}

/** Why nodes that this fault is proven to have ended did not, or not for as long as planned. */
export function whyAlive(fault: FaultTrace, { known, exits, begun }: Lives, endAt: number): string | undefined {
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

function begins(work: Work | undefined, from: number, to: number): boolean {
  if (!work) return false
  return work.starts[firstAtLeast(work.starts, from + deathMs)]! < to
}
