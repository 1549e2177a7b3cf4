import { HarnessError, describeError } from '../core/errors.ts'
import { exposures, exposuresInTime, isOutage } from '../analysis/exposure.ts'
import { whyUnmeasured } from '../analysis/measurement.ts'
import { momentOf } from '../analysis/moments.ts'
import type { History } from '../model/history.ts'
import type { CellPlan } from '../model/plan.ts'
import { type CellTrace, type FaultTrace, taskEnd, type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker, Verdict } from '../model/checker.ts'
import { measureControl } from '../stats/control.ts'
import { interruptionsIn, tellsAttempts } from '../stats/interruptions.ts'
import { episodeOf, measureEpisodes } from '../stats/recovery.ts'
import { mostExecutions, overlapMsOf } from '../stats/overlaps.ts'
import { countRequests, measureRequests } from '../stats/requests.ts'
import { exitsOf, measureRework, reworkInterval, type TaskRework } from '../stats/rework.ts'
import {
  type CellResult,
  type CheckResult,
  type FaultResult,
  type Outcome,
  outcomes,
  type TaskRow,
} from '../model/results.ts'
import { decideFate, type Fate } from './outcomes.ts'
import { summarizeOverhead } from './overhead.ts'
import { breakDown, partsOf } from './overhead-parts.ts'
import { firingsOf, occasionsOf, proportionOf } from './proportion.ts'
import {
  rank,
  type Reason,
  reasonFromCheck,
  reasonFromCut,
  reasonFromFailure,
  reasonsFromFaults,
  undecided,
  withoutBlame,
  worst,
} from './reasons.ts'

/**
 * Everything that one history says: outcomes, figures with intervals, checks and the verdict. Pure.
 * INVALID: the harness is sick, a client hung or a fault leaked. FAIL: a promised property is broken. INCONCLUSIVE: a planned
 * fault is not proven, or a check cannot tell. PASS: none of these. Throws HarnessError without the `cell` line.
 */
export function judgeCell(history: History, all: readonly Checker[]): CellResult {
  const trace = traceOf(history)
  const { cell } = trace
  if (!cell) throw new HarnessError('a history begins with the plan of its cell: this one has none')
  const checkers = all.filter(({ isAbout }) => isAbout?.(cell) ?? true)
  const fates = new Map(trace.tasks.map((task) => [task, decideFate(task, trace.complete, cell)]))
  const checks = checkers.map((checker) => runChecker(checker, history, cell))
  const faults = trace.faults.map((fault) => describeFault(fault, trace))
  const failure = reasonFromFailure(cell.id, history)
  // Where there was no load, checks have nothing to add to why.
  const found =
    failure && trace.tasks.length === 0
      ? [failure]
      : [
          failure,
          ...checks.map((check, i) => reasonFromCheck(cell.id, check, checkers[i]!.invalidates)),
          ...reasonsFromFaults(cell.id, faults),
        ]
  const cut = trace.complete || failure ? undefined : reasonFromCut(cell, trace)
  const told = cut ? [cut, ...found.filter(isWorse)] : found.filter((reason) => reason !== undefined)
  const reasons = rank(whyUnmeasured(trace) === undefined ? told : told.map(withoutBlame))
  return {
    cell,
    verdict: worst(reasons.map(({ verdict }) => verdict)),
    reasons: reasons.map(({ text }) => text),
    ...measure(cell, trace, fates),
    checks,
    faults,
    ...(trace.health && { health: trace.health.value }),
    ...(trace.disk && { disk: trace.disk.value }),
  }
}

/** The early end of the record explains every other unknown. */
function isWorse(reason: Reason | undefined): reason is Reason {
  return reason !== undefined && reason.verdict !== 'INCONCLUSIVE'
}

type Figures = Pick<
  CellResult,
  | 'outcomes'
  | 'success'
  | 'exposed'
  | 'serverSuccess'
  | 'overhead'
  | 'episodes'
  | 'interruptions'
  | 'attemptsUntold'
  | 'rework'
  | 'requests'
  | 'callbacks'
  | 'overlap'
  | 'control'
  | 'tasks'
>

function measure(cell: CellPlan, trace: CellTrace, fates: ReadonlyMap<TaskTrace, Fate>): Figures {
  const decided = trace.tasks.filter((task) => fates.get(task)!.outcome !== 'cut')
  const tasks = decided.map((task) => describeTask(task, fates.get(task)!, trace))
  const exposed = tasks.filter((task) => task.exposed)
  const control = measureControl(trace)
  const isOk = ({ outcome }: TaskRow): boolean => outcome === 'ok'
  const served = new Set(trace.tasks.filter((task) => fates.get(task)!.serverHas).map(({ task }) => task))
  const offered = decided.filter((task) => fates.get(task)!.outcome !== 'not_offered')
  return {
    outcomes: { ...countOutcomes(tasks), ...(!trace.complete && { cut: undecided(trace, cell) }) },
    success: proportionOf([{ cell, tasks }], isOk),
    ...(exposed.length > 0 && { exposed: proportionOf([{ cell, tasks: exposed }], isOk) }),
    serverSuccess: proportionOf([{ cell, tasks }], ({ task }) => served.has(task)),
    overhead: { ...summarizeOverhead([{ cell, tasks }]), ...measureParts(decided, fates) },
    // Whether what was cut would have been lost, or gone on with, is unknown.
    episodes: trace.complete ? measureEpisodes(trace, (task) => fates.get(task)!.seenAt) : [],
    interruptions: trace.complete ? interruptionsIn(trace) : [],
    ...(trace.faults.length > 0 && !tellsAttempts(trace) && { attemptsUntold: true }),
    rework: {
      ...measureRework(offered, (task) => fates.get(task)!.serverHas, exitsOf(trace)),
      ...reworkInterval(withEpisodes(offered, tasks, cell), exitsOf(trace), firingsOf([{ cell }])),
    },
    requests: measureRequests(offered),
    ...measureCallbacks(cell, tasks),
    ...measureOverlap(cell, tasks, trace),
    ...(control && { control }),
    tasks,
  }
}

function measureParts(
  tasks: readonly TaskTrace[],
  fates: ReadonlyMap<TaskTrace, Fate>,
): Pick<CellResult['overhead'], 'breakdown'> {
  const seen = tasks.flatMap((task) => {
    const { seenAt } = fates.get(task)!
    return seenAt < Infinity ? [partsOf(task, seenAt)] : []
  })
  const breakdown = breakDown(seen)
  return breakdown ? { breakdown } : {}
}

function measureCallbacks(cell: CellPlan, rows: readonly TaskRow[]): Pick<Figures, 'callbacks'> {
  const called = rows.filter(({ posts = 0 }) => posts > 0)
  if (called.length === 0) return {}
  const single = proportionOf([{ cell, tasks: called }], ({ posts }) => posts === 1)
  const counts = called.map(({ posts = 0 }) => posts)
  return { callbacks: { single, posts: counts.reduce((a, b) => a + b, 0), most: Math.max(...counts) } }
}

function measureOverlap(cell: CellPlan, rows: readonly TaskRow[], trace: CellTrace): Pick<Figures, 'overlap'> {
  const lengths = new Map<string, number>()
  for (const task of trace.tasks) if (overlapMsOf(task) > 0) lengths.set(task.task, overlapMsOf(task))
  if (lengths.size === 0) return {}
  const executed = rows.filter(({ executions = 0 }) => executions > 0)
  const all = executed.map(({ task }) => lengths.get(task) ?? 0)
  const totalMs = all.reduce((a, b) => a + b, 0)
  if (totalMs === 0) return {}
  const never = proportionOf([{ cell, tasks: executed }], ({ task }) => !lengths.has(task))
  return { overlap: { never, totalMs, mostMs: Math.max(...all) } }
}

function withEpisodes(traces: readonly TaskTrace[], rows: readonly TaskRow[], cell: CellPlan): readonly TaskRework[] {
  const occasion = occasionsOf(cell)
  const episodes = new Map(rows.map(({ task, episode }) => [task, episode]))
  return traces.map((task) => {
    const episode = episodes.get(task.task)
    return { task, ...(episode !== undefined && { episode: occasion(episode) }) }
  })
}

/** A checker that crashes knows nothing: its verdict is unknown, never a pass. */
function runChecker(checker: Checker, history: History, cell: CellPlan): CheckResult {
  const { name, judges } = checker
  const about = {
    checker: name,
    ...(judges && { judges }),
    promised: judges !== undefined && cell.promises.includes(judges),
  }
  try {
    const verdict = checker.check(history)
    return { ...about, ...verdict, ...(about.promised && namedTasks(verdict, history)) }
  } catch (error) {
    const verdict: Verdict = {
      status: 'unknown',
      summary: `crashed: ${describeError(error)}`,
      counts: {},
      witnesses: [],
    }
    return { ...about, ...verdict }
  }
}

/** Reports have no history: what shows a breach is named for them. */
function namedTasks({ status, witnesses }: Verdict, history: History): Pick<CheckResult, 'tasks'> {
  if (status !== 'fail') return {}
  const tasks = [...new Set(witnesses.flatMap((index) => history[index]?.task ?? []))]
  return tasks.length > 0 ? { tasks } : {}
}

function describeTask(task: TaskTrace, { outcome, seenAt }: Fate, trace: CellTrace): TaskRow {
  const { ordinal, intendedAt, idealMs } = task.intent
  const faults = exposures(trace).get(task)
  const via = taskEnd(task)?.via
  const episode = faults && episodeOf(faults, trace)
  return {
    ordinal,
    task: task.task,
    intendedAt,
    idealMs,
    ...(seenAt < Infinity && { seenAt }),
    outcome,
    ...(via && { via }),
    exposed: exposuresInTime(trace).has(task),
    ...(episode && isOutage(episode, trace) && { episode: episode.id }),
    ...countsOf(task, outcome),
  }
}

/** What it took: of a task that was never sent there is nothing to count. */
function countsOf(task: TaskTrace, outcome: Outcome): Pick<TaskRow, 'requests' | 'posts' | 'executions'> {
  if (outcome === 'not_offered') return {}
  const [posts, executions] = [task.callbacks.length, mostExecutions(task)]
  const { requests } = countRequests(task)
  return { requests, ...(posts > 0 && { posts }), ...(executions > 0 && { executions }) }
}

function describeFault(fault: FaultTrace, trace: CellTrace): FaultResult {
  const { params: _, ops: __, places: ___, ...result } = fault
  const moment = momentOf(fault, trace)
  return { ...result, ...(moment && { moment }) }
}

function countOutcomes(tasks: readonly TaskRow[]): Readonly<Record<Outcome, number>> {
  const counts = Object.fromEntries(Object.keys(outcomes).map((name) => [name, 0])) as Record<Outcome, number>
  for (const { outcome } of tasks) counts[outcome]++
  return counts
}
