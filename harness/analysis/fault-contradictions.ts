import { resolutionMs } from '../core/numbers.ts'
import type { Impossible } from './contradictions.ts'
import { isSudden } from './impact.ts'
import { exitMarginMs } from './interruptions.ts'
import { aheadMs } from './lateness.ts'
import { livesIn, whyAlive } from './node-contradictions.ts'
import { whyElsewhere } from './target-contradictions.ts'
import type { FaultState, OpOf } from '../model/history.ts'
import { nodesAmong, type Place, placeNames } from '../model/place.ts'
import type { PlannedFault } from '../model/plan.ts'
import type { CellTrace, FaultTrace } from './trace.ts'

type Changes = readonly OpOf<'fault'>[]

/**
 * A fault lives once, in one order: it takes effect not before it was to, and where it was planned; one state says what came of
 * it; then it is healed. Nodes that a fault is proven to have ended did end, where the record has exits of their role at all.
 * A node that ended suddenly did no step before its planned restart, and its fault is over soon after it is back.
 */
export function contradictingFaults(trace: CellTrace, ops: Changes): readonly Impossible[] {
  const byId = Map.groupBy(ops, ({ value }) => value.id)
  const lives = livesIn(trace)
  const planned = trace.cell?.faults ?? []
  const ids = planned.map(({ id }) => id)
  const twice = ids.find((id, i) => ids.indexOf(id) < i)
  return [
    ...(twice === undefined ? [] : [{ text: `two faults were planned as ${twice}`, ops: [] }]),
    ...trace.faults.flatMap((fault) => {
      const changes = byId.get(fault.id) ?? []
      const plan = planned.find(({ id }) => id === fault.id)
      const text =
        whyDisordered(changes) ??
        whyAnother(changes) ??
        whyEarly(fault, plan, trace) ??
        whyElsewhere(fault, plan, trace) ??
        whyAlive(fault, lives, trace.endAt) ??
        whyLong(fault, trace)
      return text === undefined ? [] : [{ text: `fault ${fault.id} ${text}`, ops: [...fault.ops] }]
    }),
  ]
}

/** What comes of a fault: one of these, once. The last two come in the place of taking effect. */
const outcomes: ReadonlySet<FaultState> = new Set(['proven', 'partly', 'unexercised', 'lost', 'not-applied', 'skipped'])

function whyDisordered(changes: Changes): string | undefined {
  const [armed, ended, healed] = [
    changes.filter(({ value }) => value.state === 'armed'),
    changes.filter(({ value }) => outcomes.has(value.state)),
    changes.filter(({ value }) => value.state === 'healed' || value.state === 'leaked'),
  ]
  if (armed.length > 1) return 'took effect twice'
  if (ended.length > 1) return `was ${ended.map(({ value }) => value.state).join(' and ')}`
  if (healed.length > 1) return 'was healed twice'
  const [begin, outcome, end] = [armed[0], ended[0], healed[0]]
  const state = outcome?.value.state
  const isNone = state === 'not-applied' || state === 'skipped'
  if (isNone && (begin || end)) return `was ${state}, and took effect or was healed`
  if (outcome && !isNone && (!begin || outcome.at < begin.at - resolutionMs))
    return `was ${state} before it took effect`
  if (outcome && end && end.at < outcome.at - resolutionMs) return `was healed before it was ${state}`
  return undefined
}

/** It is one fault, on the same nodes or links throughout, and what it is proven to have reached is among them. */
function whyAnother(changes: Changes): string | undefined {
  const [first] = changes
  if (!first) return undefined
  const targets = placeNames(first.value.target)
  for (const { value } of changes) {
    const { fault, target, reached, state, firings } = value
    if (fault !== first.value.fault) return `is ${first.value.fault} and ${fault}`
    if (placeNames(target) !== targets) return `is on ${targets} and on ${placeNames(target)}`
    const beyond = reached?.find((place) => !isAmong(place, target))
    if (beyond) return `reached ${placeNames([beyond])}, where it was not`
    if (reached?.length === 0 || (state === 'proven' && firings === 0)) return `was ${state}, and nothing felt it`
  }
  return undefined
}

function isAmong(place: Place, places: readonly Place[]): boolean {
  return places.some((one) => placeNames([one]) === placeNames([place]))
}

function whyEarly(
  { armedAt = Infinity }: FaultTrace,
  planned: PlannedFault | undefined,
  trace: CellTrace,
): string | undefined {
  const dueAt = planned && firesAt(planned.trigger, trace)
  if (dueAt === undefined || armedAt >= dueAt - aheadMs) return undefined
  return dueAt === Infinity
    ? 'took effect, and nothing set it off'
    : `took effect ${(dueAt - armedAt).toFixed(0)} ms before it was to`
}

/** Undefined: not known. What holds from the beginning may be there before the load is. */
function firesAt(trigger: PlannedFault['trigger'], trace: CellTrace): number | undefined {
  if (trigger.kind === 'time') return trigger.atMs > 0 ? trigger.atMs : undefined
  // Effects come into the record when the cell ends, and the ledger may have lost some.
  if (!trace.complete || (trace.health?.value.ledgerGaps ?? 0) > 0) return undefined
  const task = trace.tasks.find(({ intent }) => intent.ordinal === trigger.task - 1)
  const seen =
    trigger.kind === 'step'
      ? (task?.effects.filter(({ value }) => value.step === trigger.step) ?? [])
      : (task?.submits.filter(({ type }) => type === 'ok') ?? [])
  return Math.min(...seen.map(({ at }) => at)) + trigger.delayMs
}

/** A node that was killed is back when it is ready, and its fault is over then. */
function whyLong(fault: FaultTrace, { nodes }: CellTrace): string | undefined {
  const { proven, armedAt, healedAt, plannedMs = 0, places } = fault
  if (!proven || armedAt === undefined || healedAt === undefined || !isSudden(fault)) return undefined
  const backs = nodesAmong(places).map(
    (node) => nodes.find((op) => op.value.node === node && op.value.state === 'ready' && op.at > armedAt)?.at,
  )
  if (backs.length === 0 || backs.includes(undefined)) return undefined
  const overAt = Math.max(armedAt + plannedMs, ...(backs as number[]))
  return healedAt > overAt + exitMarginMs
    ? `was healed ${(healedAt - overAt).toFixed(0)} ms after its nodes were back`
    : undefined
}
