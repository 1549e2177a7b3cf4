import { firstAtLeast, resolutionMs } from '../core/numbers.ts'
import type { Impossible } from './contradictions.ts'
import { impactOf, isSudden } from './impact.ts'
import { exitMarginMs } from './interruptions.ts'
import { nodesAmong } from '../model/place.ts'
import { nodeOf, roleOf } from './places.ts'
import type { OpOf } from '../model/history.ts'
import type { CellTrace, FaultTrace } from './trace.ts'

type NodeOp = OpOf<'node'>

/** A process ends once: each end counts as an interruption of its own. */
export function contradictingNodes({ nodes }: CellTrace): readonly Impossible[] {
  return endedTwice(nodes.filter(isEnd))
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

/** What the record tells of nodes: of which roles, when each ended, and when its executions began and ended, in order. */
export interface Lives {
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
