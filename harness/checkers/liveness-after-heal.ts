import { isOutage } from '../core/exposure.ts'
import { type CellTrace, type FaultTrace, traceOf } from '../core/trace.ts'
import type { Checker, Verdict } from '../core/types.ts'

/** Results after a heal that show life, and new tasks after it without which their absence shows nothing. */
const fewestResults = 3
const fewestTasks = 5

/**
 * Once a fault is healed the system works again: clients see results after every heal, or every task got its own, some of
 * them since the onset, so that nothing stayed away. Where too few tasks were left to tell, a heal decides nothing. Faults
 * that draw per connection, that hold for the whole load, or that were never to end while a result counts, are no outage.
 */
const checker: Checker = {
  name: 'liveness-after-heal',
  summary: 'results arrive again after every heal',
  check(history) {
    const trace = traceOf(history)
    if (trace.tasks.length === 0 || !trace.complete)
      return verdict('unknown', 'the history ends before the cell did', {})
    const outages = trace.faults.filter((fault) => isOutage(fault, trace) && endsInTime(fault, trace))
    const proven = outages.filter((fault) => fault.proven)
    if (outages.length === 0) return verdict('pass', 'there was no outage to recover from', { heals: 0 })
    if (proven.length === 0) return verdict('unknown', 'no outage is proven, so none was recovered from', { heals: 0 })
    return weigh(proven, trace)
  },
}
export default checker

function weigh(outages: readonly FaultTrace[], trace: CellTrace): Verdict {
  const seenAt = trace.tasks.flatMap(({ end }) => (end?.type === 'ok' ? [end.at] : []))
  const wantedAt = trace.tasks.map(({ intent }) => intent.intendedAt)
  const judged = outages.map((fault) => ({ fault, life: lifeAfter(fault, seenAt, wantedAt) }))
  const of = (life: Life): readonly FaultTrace[] => judged.filter((one) => one.life === life).map(({ fault }) => fault)
  const dead = of('dead')
  const counts = { heals: outages.length, alive: of('alive').length, dead: dead.length }
  const after = `of ${outages.length} heals`
  if (dead.length > 0)
    return verdict('fail', `no life after ${dead.length} ${after}`, counts, dead.flatMap(({ ops }) => ops).slice(0, 20))
  if (counts.alive === 0) return verdict('unknown', `too few tasks were left after any ${after} to show life`, counts)
  return verdict('pass', `results arrived again after ${counts.alive} ${after}, or none was missing`, counts)
}

/** Planned to be healed while a result still counts: only then is there anything to ask of the time after it. */
function endsInTime({ id, armedAt }: FaultTrace, { cell, tasks }: CellTrace): boolean {
  const planned = cell?.faults.find((fault) => fault.id === id)
  // Nobody knew before the run when a step would be done.
  const startAt = planned?.trigger.kind === 'time' ? planned.trigger.atMs : armedAt
  if (!planned || startAt === undefined) return true
  const endAt = startAt + planned.durationMs
  return tasks.some(({ intent }) => intent.deadlineAt > endAt)
}

function countAfter(times: readonly number[], from = Infinity): number {
  return times.filter((at) => at > from).length
}

type Life = 'alive' | 'dead' | 'undecided'

function lifeAfter({ armedAt, healedAt }: FaultTrace, seenAt: readonly number[], wantedAt: readonly number[]): Life {
  if (healedAt === undefined) return 'undecided'
  const allSeen = seenAt.length === wantedAt.length
  if (allSeen && countAfter(seenAt, armedAt) >= fewestResults) return 'alive'
  if (countAfter(seenAt, healedAt) >= fewestResults) return 'alive'
  return countAfter(wantedAt, healedAt) >= fewestTasks ? 'dead' : 'undecided'
}

function verdict(
  status: Verdict['status'],
  summary: string,
  counts: Verdict['counts'],
  witnesses: readonly number[] = [],
): Verdict {
  return { status, summary, counts, witnesses }
}
