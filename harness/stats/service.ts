import { exposures, isOutage } from '../analysis/exposure.ts'
import { firstAtLeast } from '../core/numbers.ts'
import type { CellTrace, FaultTrace, TaskTrace } from '../analysis/trace.ts'
import type { Restored } from '../model/results.ts'
import { findRestored, type Ordinary, ordinaryOf } from './restored.ts'

/** When each task's client saw the right result; Infinity for never. */
export type Seen = (task: TaskTrace) => number

/** How long tasks must stay on time before the service counts as restored: of the task's own world. */
const holdMs = 30_000
const fewestOrdinary = 20

/** For each outage of a cell: when its service was restored, by the tasks that began between its onset and the next one. */
export function createServiceMeter(trace: CellTrace, seen: Seen): (fault: FaultTrace) => Restored {
  const byBegin = trace.tasks.toSorted((a, b) => a.intent.intendedAt - b.intent.intendedAt)
  const begins = byBegin.map(({ intent }) => intent.intendedAt)
  const onsets = onsetsOf(trace)
  const ordinary = ordinaryTimes(byBegin, onsets, trace, seen)
  const lastBegin = byBegin.at(-1)?.intent.intendedAt ?? 0
  return (fault) => {
    if (!ordinary) return { kind: 'too-few' }
    const onset = fault.armedAt!
    const next = onsets.find((at) => at > onset) ?? Infinity
    const begun = byBegin
      .slice(firstAtLeast(begins, onset), firstAtLeast(begins, next))
      .filter(({ intent }) => intent.intendedAt > onset)
      .filter((task) => !isHitLater(task, onset, trace))
      .map((task) => ({ at: task.intent.intendedAt - onset, lagMs: lagOf(task, seen) }))
    return findRestored(begun, ordinary, {
      faultMs: (fault.healedAt ?? trace.endAt) - onset,
      untilMs: Math.min(next, lastBegin) - onset,
      holdMs: holdMs / (trace.cell?.timeScale ?? 1),
    })
  }
}

function onsetsOf(trace: CellTrace): readonly number[] {
  const outages = trace.faults.filter((fault) => fault.proven && fault.armedAt !== undefined && isOutage(fault, trace))
  return outages.map(({ armedAt }) => armedAt!).toSorted((a, b) => a - b)
}

/** What became of such a task may be another outage's doing: it came before the task was due. */
function isHitLater(task: TaskTrace, onset: number, trace: CellTrace): boolean {
  const faults = exposures(trace).get(task) ?? []
  return faults.some((fault) => {
    return fault.armedAt! > onset && fault.armedAt! < dueAt(task) && isOutage(fault, trace)
  })
}

function lagOf(task: TaskTrace, seen: Seen): number {
  return seen(task) - dueAt(task)
}

/**
 * The ordinary tasks are among those that no outage touched before they were due. First choice: tasks due before the
 * first outage, if they are enough. Second: tasks that began well before or after any outage. Else all of them. A later
 * touch does not count: a task without a result waits for long, and would be left out for it.
 */
function ordinaryTimes(
  tasks: readonly TaskTrace[],
  onsets: readonly number[],
  trace: CellTrace,
  seen: Seen,
): Ordinary | undefined {
  const [first = Infinity] = onsets
  const before = tasks.filter((task) => dueAt(task) < first)
  const untouched = tasks.filter((task) => !isHitInTime(task, trace))
  const clearMs = (2 * holdMs) / (trace.cell?.timeScale ?? 1)
  const clear = untouched.filter(({ intent }) => {
    return !onsets.some((at) => intent.intendedAt >= at && intent.intendedAt < at + clearMs)
  })
  const enough = [before, clear].find((some) => some.length >= fewestOrdinary) ?? untouched
  return ordinaryOf(enough.map((task) => lagOf(task, seen)))
}

function dueAt({ intent }: TaskTrace): number {
  return intent.intendedAt + intent.idealMs
}

function isHitInTime(task: TaskTrace, trace: CellTrace): boolean {
  const faults = exposures(trace).get(task) ?? []
  return faults.some((fault) => fault.armedAt! < dueAt(task) && isOutage(fault, trace))
}
