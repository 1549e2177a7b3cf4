import { exposures, isOutage } from '../core/exposure.ts'
import { type CellTrace, type FaultTrace, taskEnd, type TaskTrace, traceOf } from '../core/trace.ts'
import type { Checker, Verdict } from '../core/types.ts'

/** Tasks that had the chance of a result, without which their results show no life, and their absence no death. */
const fewestAlive = 3
const fewestDead = 5

/** Of the tasks that began after a heal, and had no other outage in their way, so many must get the right result. */
const shareAlive = 0.8

/**
 * Once a fault is healed the system works again: of the tasks that began after it and before the next outage, which none
 * touched, four in five see the right result before their clients give up. Where too few began, it is enough that every task of
 * the cell got its own, some of them since the onset, or that of those under way at the heal so many did. Wrong results
 * and words of failure are no life. Where too few tasks were left to tell, a heal decides nothing. Faults that draw per
 * connection, that hold for the whole load, or that were never to end while a result counts, are no outage.
 */
const checker: Checker = {
  name: 'liveness-after-heal',
  summary: 'right results arrive again after every heal',
  check(history) {
    const trace = traceOf(history)
    if (trace.tasks.length === 0 || !trace.complete)
      return verdict('unknown', 'the history ends before the cell did', {})
    const outages = trace.faults.filter((fault) => isOutage(fault, trace) && endsInTime(fault, trace))
    const proven = outages.filter((fault) => fault.proven)
    if (outages.length === 0) return verdict('unexercised', 'there was no outage to recover from', { heals: 0 })
    if (proven.length === 0) return verdict('unknown', 'no outage is proven, so none was recovered from', { heals: 0 })
    return weigh(proven, trace)
  },
}
export default checker

function weigh(outages: readonly FaultTrace[], trace: CellTrace): Verdict {
  const allRight = trace.tasks.every(isRight)
  const judged = outages.map((fault) => {
    const next = outages.filter(({ armedAt }) => armedAt! > fault.armedAt!).map(({ armedAt }) => armedAt!)
    return {
      fault,
      life: lifeAfter(fault, trace, Math.min(...next.filter((at) => at > (fault.healedAt ?? 0))), allRight),
    }
  })
  const of = (life: Life): readonly FaultTrace[] => judged.filter((one) => one.life === life).map(({ fault }) => fault)
  const dead = of('dead')
  const counts = { heals: outages.length, alive: of('alive').length, dead: dead.length }
  const after = `of ${outages.length} heals`
  if (dead.length > 0)
    return verdict('fail', `no life after ${dead.length} ${after}`, counts, dead.flatMap(({ ops }) => ops).slice(0, 20))
  if (counts.alive === 0) return verdict('unknown', `too few tasks were left after any ${after} to show life`, counts)
  return verdict('pass', `right results arrived again after ${counts.alive} ${after}, or none was missing`, counts)
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

/** The client saw the right result before it was to give up. */
function isRight(task: TaskTrace): boolean {
  const { end, intent } = task
  return end?.type === 'ok' && end.at <= intent.giveUpAt && taskEnd(task)?.digest === intent.expectedDigest
}

type Life = 'alive' | 'dead' | 'undecided'

function lifeAfter({ armedAt, healedAt }: FaultTrace, trace: CellTrace, until: number, allRight: boolean): Life {
  if (healedAt === undefined) return 'undecided'
  const { tasks } = trace
  const begun = tasks.filter((task) => {
    return task.intent.intendedAt > healedAt && task.intent.intendedAt < until && !wasHit(task, trace)
  })
  if (begun.length >= fewestAlive && isShareRight(begun)) return 'alive'
  if (begun.length >= fewestDead) return 'dead'
  if (allRight && tasks.filter(({ end }) => end!.at > armedAt!).length >= fewestAlive) return 'alive'
  const underWay = tasks.filter(({ intent, end }) => {
    return intent.intendedAt < until && intent.giveUpAt > healedAt && (end?.at ?? Infinity) > healedAt
  })
  return underWay.length >= fewestDead && isShareRight(underWay) ? 'alive' : 'undecided'
}

function wasHit(task: TaskTrace, trace: CellTrace): boolean {
  return (
    exposures(trace)
      .get(task)
      ?.some((fault) => isOutage(fault, trace)) ?? false
  )
}

function isShareRight(tasks: readonly TaskTrace[]): boolean {
  return tasks.filter(isRight).length >= shareAlive * tasks.length
}

function verdict(
  status: Verdict['status'],
  summary: string,
  counts: Verdict['counts'],
  witnesses: readonly number[] = [],
): Verdict {
  return { status, summary, counts, witnesses }
}
