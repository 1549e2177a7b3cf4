import { isOutage } from './exposure.ts'
import { impactOf, isSudden } from './impact.ts'
import { nodesAmong, type Place } from '../model/place.ts'
import { mayBe, nodeOf, roleOf } from './places.ts'
import type { CellTrace, FaultTrace } from './trace.ts'

/**
 * What may have made an engine give a step in flight to another executor. It is the exit of a node, or an outage of a
 * node or a link that executors depend on, once per executor that it reached. A condition that lasts, and what draws per
 * connection, interrupts nobody: the engine lives with it throughout.
 */
export interface Interruption {
  /** It explains one repetition of a task. An outage of several places that all executors share is one. */
  readonly cause: string
  /** The executor that it could interrupt; undefined: any of them, as all depend on that place. */
  readonly node: string | undefined
  readonly from: number
  readonly to: number
  /** How long it must have lasted before anybody was taken for dead. */
  readonly needsMs: number
  /** Its executor ended: what the promise of effect-once speaks of. */
  readonly crash: boolean
}

/**
 * For plans that do not say how long an engine waits for a silent executor. It is half of the shortest lease that any
 * engine reaches, however far time is compressed.
 */
export const shortestPatienceMs = 500

/** Clocks differ and a renewal may have been on its way. */
export const tolerance = 0.8

const known = new WeakMap<CellTrace, readonly Interruption[]>()

/** In the order of their beginning. */
export function interruptionsOf(trace: CellTrace): readonly Interruption[] {
  const made = known.get(trace) ?? listInterruptions(trace)
  known.set(trace, made)
  return made
}

function listInterruptions(trace: CellTrace): readonly Interruption[] {
  const exits = trace.nodes.filter(({ value }) => value.state === 'exited' || value.state === 'crashed')
  const patienceMs = tolerance * (trace.cell?.patienceMs ?? shortestPatienceMs)
  const outages = trace.faults.filter((fault) => fault.proven && fault.armedAt !== undefined && isOutage(fault, trace))
  return [
    ...exits.map((exit) => ({
      cause: `exit ${exit.index}`,
      node: executorOf({ node: exit.value.node }),
      from: hitAt(exit, exits, trace),
      to: exit.at,
      needsMs: 0,
      crash: true,
    })),
    ...outages.flatMap((fault) => interruptionsBy(fault, patienceMs, trace.endAt, exits)),
  ].sort((a, b) => a.from - b.from)
}

type Exits = CellTrace['nodes']

/**
 * The earliest that it can have been hit. Its exit may be told long after the signal that ended it was sent: of what it did since
 * then only that is certain which shows that it still lived.
 */
function hitAt(exit: Exits[number], exits: Exits, trace: CellTrace): number {
  const sentAt = killedAt(exit, exits, trace)
  return sentAt === undefined ? exit.at : lastSignOfLife(exit, sentAt, trace)
}

function lastSignOfLife(exit: Exits[number], sentAt: number, { tasks, controls, nodes }: CellTrace): number {
  const { node } = exit.value
  let latest = sentAt
  const note = (at: number): void => {
    if (at > latest && at <= exit.at) latest = at
  }
  for (const { at, value } of nodes) if (value.node === node && value.state === 'ready') note(at)
  for (const { effects } of [...tasks, ...controls.values()])
    for (const { value } of effects)
      if (value.endedAt > latest && value.startedAt <= exit.at && nodeOf(value.executor) === node) {
        note(value.startedAt)
        note(value.endedAt)
      }
  return latest
}

/** When the signal was sent that ended it. */
function killedAt({ at, value: { node } }: Exits[number], exits: Exits, { faults }: CellTrace): number | undefined {
  const before = exits.findLast((other) => other.value.node === node && other.at < at)?.at ?? -Infinity
  const isCause = (fault: FaultTrace): boolean => {
    const { armedAt = Infinity, places, proven } = fault
    const isJustSent = armedAt > before && armedAt <= at && at - armedAt <= exitMarginMs
    return proven && isSudden(fault) && isJustSent && nodesAmong(places).includes(node)
  }
  return faults.find(isCause)?.armedAt
}

function interruptionsBy(fault: FaultTrace, patienceMs: number, endAt: number, exits: Exits): readonly Interruption[] {
  const { armedAt: from = 0, healedAt: to = endAt, places } = fault
  const impact = impactOf(fault)
  const used = places.filter(carriesWork)
  const causeOf = (node: string | undefined): string => [fault.id, node].join(' ')
  const each = (needsMs: number): readonly Interruption[] =>
    used.map((place) => {
      const node = executorOf(place)
      return { cause: causeOf(node), node, from, to, needsMs, crash: false }
    })
  if (impact.kind === 'break') return each(0)
  if (impact.kind === 'silence') return each(patienceMs)
  if (impact.kind === 'delay') return impact.ms >= patienceMs ? each(patienceMs) : []
  if (impact.kind === 'none') return []
  // The exits say when; without any the harm began when its proof says.
  const silent = nodesAmong(used).filter((node) => !exits.some(({ at, value }) => value.node === node && isIn(at)))
  return silent.map((name) => {
    const node = executorOf({ node: name })
    return { cause: causeOf(name), node, from, to: from, needsMs: 0, crash: true }
  })

  function isIn(at: number): boolean {
    return at >= from - exitMarginMs && at <= to
  }
}

/** An exit may be known before the fault that caused it is armed. */
export const exitMarginMs = 2000

const outsideExecution = ['client->', 'sender->', 'api->']

/** Executors work through it. */
function carriesWork(place: Place): boolean {
  return 'node' in place || !outsideExecution.some((prefix) => place.link.startsWith(prefix))
}

/** Losing the engine, the store or a link that all executors use interrupts any of them. */
function executorOf(place: Place): string | undefined {
  if ('link' in place) return place.link.startsWith('engine->worker') ? place.link.slice('engine->'.length) : undefined
  return ['engine', 'store'].includes(roleOf(place.node)) ? undefined : place.node
}

/** Whether this may be the reason why work that an executor had since `startedAt` was given to another by `takenAt`. */
export function couldInterrupt(
  { node, from, to, needsMs }: Interruption,
  executor: string,
  startedAt: number,
  takenAt: number,
): boolean {
  if (node !== undefined && !mayBe(node, executor)) return false
  return from <= takenAt && to >= startedAt && Math.min(to, takenAt) - from >= needsMs
}
