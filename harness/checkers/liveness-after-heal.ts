import { isOutage } from '../core/exposure.ts'
import { type CellTrace, type FaultTrace, traceOf } from '../core/trace.ts'
import type { Checker, Verdict } from '../core/types.ts'

/** Results after a heal that show life, and new tasks after it without which their absence shows nothing. */
const fewestResults = 3
const fewestTasks = 5

/**
 * Once a fault is healed the system works again: clients see results after every heal, or saw all of them before it, so that
 * nothing had to come back. Where too few tasks were left to tell, a heal decides nothing. Faults that draw per
 * connection, or that hold for the whole load, are no outage.
 */
const checker: Checker = {
  name: 'liveness-after-heal',
  summary: 'results arrive again after every heal',
  check(history) {
    const trace = traceOf(history)
    if (trace.tasks.length === 0 || !trace.complete)
      return verdict('unknown', 'the history ends before the cell did', {})
    const outages = trace.faults.filter((fault) => isOutage(fault, trace))
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
  const allSeen = trace.tasks.length === seenAt.length
  const judged = outages.map((fault) => {
    const unbroken = allSeen && wentOnDuring(fault, seenAt)
    return { fault, life: unbroken ? 'alive' : lifeAfter(fault.healedAt, seenAt, wantedAt) }
  })
  const of = (life: Life): readonly FaultTrace[] => judged.filter((one) => one.life === life).map(({ fault }) => fault)
  const dead = of('dead')
  const counts = { heals: outages.length, alive: of('alive').length, dead: dead.length }
  const after = `of ${outages.length} heals`
  if (dead.length > 0)
    return verdict('fail', `no life after ${dead.length} ${after}`, counts, dead.flatMap(({ ops }) => ops).slice(0, 20))
  if (counts.alive === 0) return verdict('unknown', `too few tasks were left after any ${after} to show life`, counts)
  return verdict('pass', `results arrived after, or all before, ${counts.alive} ${after}; none stayed without`, counts)
}

/** Results arrived in spite of it, and none was left for the time after it. */
function wentOnDuring({ armedAt = Infinity, healedAt = -Infinity }: FaultTrace, seenAt: readonly number[]): boolean {
  const during = seenAt.filter((at) => at > armedAt && at <= healedAt)
  return during.length >= fewestResults && seenAt.every((at) => at <= healedAt)
}

type Life = 'alive' | 'dead' | 'undecided'

function lifeAfter(healedAt: number | undefined, seenAt: readonly number[], wantedAt: readonly number[]): Life {
  if (healedAt === undefined) return 'undecided'
  const after = (times: readonly number[]): number => times.reduce((n, at) => (at > healedAt ? n + 1 : n), 0)
  if (after(seenAt) >= fewestResults) return 'alive'
  return after(wantedAt) >= fewestTasks ? 'dead' : 'undecided'
}

function verdict(
  status: Verdict['status'],
  summary: string,
  counts: Verdict['counts'],
  witnesses: readonly number[] = [],
): Verdict {
  return { status, summary, counts, witnesses }
}
