import { exposures, isOutage } from '../analysis/exposure.ts'
import { noticeMs } from '../analysis/lateness.ts'
import { firstAtLeast } from '../core/numbers.ts'
import { type CellTrace, type FaultTrace, taskEnd, type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker, Verdict } from '../model/checker.ts'
import { binomialCdf } from '../stats/special.ts'

/** Tasks that had the chance of a result, without which their results show no life, and their absence no death. */
const fewestAlive = 3
const fewestDead = 5

/** Of the tasks that began after a heal, and had no other outage in their way, so many must get the right result. */
const shareAlive = 0.8
/** Of a system of which fewer tasks get one before the fault, nothing can be said after it. */
const leastUsual = 0.25

/**
 * Once a fault is healed the system works again. The checker looks at untouched tasks that began after the heal and
 * before the next outage. Enough of them must see the right result before their clients give up: four fifths of the
 * share before the onset. Where too few began, either of two is enough. Every task of the cell got its result, some of
 * them since the onset. Or enough tasks that were under way at the heal got theirs. Wrong results and words of failure
 * are no life. Where too few tasks were left to tell, a heal decides nothing by itself: all such heals are asked
 * together. Faults that draw per connection, that
 * hold for the whole load, or that were never to end while a result counts, are no outage.
 */
const checker: Checker = {
  name: 'liveness-after-heal',
  summary: 'right results arrive again after every heal',
  check(history) {
    const trace = traceOf(history)
    if (trace.tasks.length === 0 || !trace.complete)
      return verdict('unknown', 'the history ends before the cell did', {})
    const lastDeadlineAt = trace.tasks.reduce((last, { intent }) => Math.max(last, intent.deadlineAt), -Infinity)
    const outages = trace.faults.filter((fault) => isOutage(fault, trace) && endsBefore(lastDeadlineAt, fault, trace))
    const proven = outages.filter((fault) => fault.proven)
    if (outages.length === 0) return verdict('unexercised', 'there was no outage to recover from', { heals: 0 })
    if (proven.length === 0) return verdict('unknown', 'no outage is proven, so none was recovered from', { heals: 0 })
    return weigh(proven, trace)
  },
}
export default checker

function weigh(outages: readonly FaultTrace[], trace: CellTrace): Verdict {
  const field = surveyTasks(trace)
  const onsets = outages.map(({ armedAt }) => armedAt!).sort((a, b) => a - b)
  const judged = outages.map((fault) => {
    const next = onsets[firstAtLeast(onsets, Math.max(fault.healedAt ?? 0, fault.armedAt! + Number.EPSILON))]
    const until = next ?? Infinity
    return { fault, until, life: lifeAfter(fault, field, until) }
  })
  const few = outages
    .map((fault, i) => begunAfter(fault, field, judged[i]!.until))
    .filter(({ begun }) => begun < fewestDead)
  const of = (life: Life): readonly FaultTrace[] => judged.filter((one) => one.life === life).map(({ fault }) => fault)
  const dead = of('dead')
  const counts = { heals: outages.length, alive: of('alive').length, dead: dead.length }
  const after = `of ${outages.length} heals`
  if (dead.length > 0)
    return verdict('fail', `no life after ${dead.length} ${after}`, counts, dead.flatMap(({ ops }) => ops).slice(0, 20))
  if (isDeadTogether(few))
    return verdict('fail', `no life after ${few.length} ${after} together, each with too few tasks to tell`, counts)
  if (counts.alive === 0) return verdict('unknown', `too few tasks were left after any ${after} to show life`, counts)
  return verdict('pass', `right results arrived again after ${counts.alive} ${after}, or none was missing`, counts)
}

/** Planned to be healed while a result still counts: only then is there anything to ask of the time after it. */
function endsBefore(lastDeadlineAt: number, { id, armedAt }: FaultTrace, { cell }: CellTrace): boolean {
  const planned = cell?.faults.find((fault) => fault.id === id)
  // Before the run the time at which a step would be done was unknown.
  const startAt = planned?.trigger.kind === 'time' ? planned.trigger.atMs : armedAt
  if (!planned || startAt === undefined) return true
  return startAt + planned.durationMs < lastDeadlineAt
}

/** The client saw the right result before it was to give up. */
function isRight(task: TaskTrace): boolean {
  const { end, intent } = task
  return end?.type === 'ok' && end.at <= intent.giveUpAt && taskEnd(task)?.digest === intent.expectedDigest
}

type Life = 'alive' | 'dead' | 'undecided'

/** The tasks in the order in which they were wanted, and what of them is asked for every outage. */
interface Field {
  readonly tasks: readonly TaskTrace[]
  readonly wanted: Float64Array
  /** From the first task to before each: how many no outage took, and how many of these saw the right result. */
  readonly clean: Uint32Array
  readonly cleanRight: Uint32Array
  /** When clients knew their right results, in order; as many as tasks where none is missing. */
  readonly seen: Float64Array
  readonly longestLifeMs: number
}

function surveyTasks(trace: CellTrace): Field {
  const tasks = trace.tasks.toSorted((a, b) => a.intent.intendedAt - b.intent.intendedAt)
  const touched = exposures(trace)
  const [clean, cleanRight] = [new Uint32Array(tasks.length + 1), new Uint32Array(tasks.length + 1)]
  let longestLifeMs = 0
  tasks.forEach((task, i) => {
    const own = isTakenByOutage(task, touched.get(task) ?? [], trace) ? 0 : 1
    clean[i + 1] = clean[i]! + own
    cleanRight[i + 1] = cleanRight[i]! + (own && isRight(task) ? 1 : 0)
    longestLifeMs = Math.max(longestLifeMs, task.intent.giveUpAt - task.intent.intendedAt)
  })
  const wanted = Float64Array.from(tasks, ({ intent }) => intent.intendedAt)
  const seen = Float64Array.from(tasks.filter(isRight), ({ end }) => end!.at).sort()
  return { tasks, wanted, clean, cleanRight, seen, longestLifeMs }
}

/** An outage touched it before its client should have known. One that was lost lingers: what touches it later found it dead. */
function isTakenByOutage({ intent }: TaskTrace, faults: readonly FaultTrace[], trace: CellTrace): boolean {
  const seenBy = Math.min(intent.deadlineAt, intent.intendedAt + intent.idealMs + noticeMs(trace.cell))
  return faults.some((fault) => fault.armedAt! < seenBy && isOutage(fault, trace))
}

/** What the system does unharmed, as far as tasks before the onset show it: other faults may hold for the whole load. */
function shareBefore(armedAt: number, { wanted, clean, cleanRight }: Field): number {
  const before = firstAtLeast(wanted, armedAt)
  const [all, right] = [clean[before]!, cleanRight[before]!]
  // A few say little of how often it works; that it never did they do say.
  if (all < fewestDead) return all > 0 && right === 0 ? 0 : 1
  return right / all
}

/** Tasks that began after a heal and before the next outage, and that no other outage took. */
interface Begun {
  readonly begun: number
  readonly right: number
  /** The share of right ones before the onset. */
  readonly usual: number
}

function begunAfter({ armedAt, healedAt = Infinity }: FaultTrace, field: Field, until: number): Begun {
  const { wanted, clean, cleanRight } = field
  const [first, last] = [firstAtLeast(wanted, healedAt), firstAtLeast(wanted, until)]
  const within = (counts: Uint32Array): number => (last > first ? counts[last]! - counts[first]! : 0)
  return { begun: within(clean), right: within(cleanRight), usual: shareBefore(armedAt!, field) }
}

/** Those that are alive are among them, or only the unlucky ones would be counted. */
function isDeadTogether(all: readonly Begun[]): boolean {
  const told = all.filter(({ usual }) => usual >= leastUsual)
  const sum = (value: (one: Begun) => number): number => told.reduce((total, one) => total + value(one), 0)
  const [begun, right] = [sum((one) => one.begun), sum((one) => one.right)]
  if (begun < fewestDead) return false
  const asked = (shareAlive * sum((one) => one.begun * one.usual)) / begun
  return binomialCdf(right, begun, asked) < togetherLevel
}

/** That as few or fewer are right by chance. */
const togetherLevel = 0.01

function lifeAfter(fault: FaultTrace, field: Field, until: number): Life {
  const { armedAt, healedAt } = fault
  if (healedAt === undefined) return 'undecided'
  const { tasks, wanted, seen, longestLifeMs } = field
  const { begun, right, usual } = begunAfter(fault, field, until)
  const last = firstAtLeast(wanted, until)
  if (usual < leastUsual) return 'undecided'
  if (begun >= fewestAlive && right >= shareAlive * usual * begun) return 'alive'
  if (begun >= fewestDead) return 'dead'
  if (seen.length === tasks.length && seen.length - firstAtLeast(seen, armedAt!) >= fewestAlive) return 'alive'
  const near = tasks.slice(firstAtLeast(wanted, healedAt - longestLifeMs), last)
  const underWay = near.filter(({ intent, end }) => intent.giveUpAt > healedAt && (end?.at ?? Infinity) > healedAt)
  const shared = underWay.filter(isRight).length >= shareAlive * usual * underWay.length
  return underWay.length >= fewestDead && shared ? 'alive' : 'undecided'
}

function verdict(
  status: Verdict['status'],
  summary: string,
  counts: Verdict['counts'],
  witnesses: readonly number[] = [],
): Verdict {
  return { status, summary, counts, witnesses }
}
