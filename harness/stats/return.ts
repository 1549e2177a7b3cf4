import { exposures, isOutage } from '../core/exposure.ts'
import type { CellTrace, TaskTrace } from '../core/trace.ts'
import { quantile } from './quantiles.ts'

/** Tasks in a row, by due time, that must hold the rate. */
const holdTasks = 20
const fewestTasks = 5
/** A lag is ordinary up to this multiple of the baseline's p95, and in any case up to this share of the task. */
const lagFactor = 1.5
const lagShare = 0.02
const share = 0.9

/**
 * Time from a fault's onset until results come on time again: the earliest due time (intended + ideal) from which the next
 * 20 tasks are on time at no less than 90 % of the baseline's share, after the share first fell below. On time: the
 * right result with at most 1.5 x the baseline's p95 lag. Baseline: tasks due before the first fault, or where they are
 * fewer than 20, all that no fault touched.
 * 0 when the share never fell; `never` when it did not come back before the next fault or the end; `untold` when there is too
 * little to tell: tasks that the fault caught under way may come late from a system that has long recovered, so that
 * only tasks which began after the onset show that it has not.
 *
 * Counting tasks by when they were due instead of completions by the clock keeps the arrivals' own
 * randomness, and the end of the load, out of the figure.
 */
export function createReturnMeter(trace: CellTrace, seen: Seen): (startedAt: number, endedAt: number) => Return {
  const baseline = makeBaseline(trace, seen)
  if (!baseline) return () => 'untold'
  const due = trace.tasks
    .map((task) => {
      const { intendedAt, idealMs } = task.intent
      return { intendedAt, idealMs, dueAt: dueAt(task), onTime: isOnTime(task, seen, baseline.p95) }
    })
    .sort((a, b) => a.dueAt - b.dueAt)
  return (startedAt, endedAt) => {
    const until = nextOnset(trace, startedAt)
    const between = due.filter((task) => task.dueAt > startedAt && task.dueAt <= until)
    return between.length < fewestTasks
      ? 'untold'
      : findReturn(between, startedAt, endedAt, share * baseline.onTimeShare)
  }
}

type Seen = (task: TaskTrace) => number
export type Return = number | 'never' | 'untold'

interface Due {
  readonly intendedAt: number
  readonly dueAt: number
  readonly idealMs: number
  readonly onTime: boolean
}

function findReturn(due: readonly Due[], startedAt: number, endedAt: number, needed: number): Return {
  const holds = (from: number): boolean => shareOnTime(due, from) >= needed
  const horizon = endedAt + due.reduce((longest, { idealMs }) => Math.max(longest, idealMs), 0)
  const last = due.length - fewestTasks
  const dip = due.findIndex((task, i) => i <= last && task.dueAt <= horizon && !holds(i))
  if (dip < 0) return 0
  const back = due.findIndex((task, i) => i > dip && i <= last && task.onTime && holds(i))
  if (back >= 0) return due[back]!.dueAt - startedAt
  return due.filter(({ intendedAt }) => intendedAt > startedAt).length < fewestTasks ? 'untold' : 'never'
}

function nextOnset(trace: CellTrace, startedAt: number): number {
  const onsets = trace.faults.filter((fault) => fault.proven && isOutage(fault, trace)).map(({ armedAt }) => armedAt!)
  return onsets.filter((at) => at > startedAt).reduce((a, b) => Math.min(a, b), Infinity)
}

function makeBaseline(
  trace: CellTrace,
  seen: Seen,
): { readonly p95: number; readonly onTimeShare: number } | undefined {
  const tasks = baselineTasks(trace)
  const lags = tasks.map((task) => seen(task) - dueAt(task)).filter(Number.isFinite)
  if (lags.length < fewestTasks) return undefined
  const p95 = quantile(lags, 0.95)!
  const onTime = tasks.filter((task) => isOnTime(task, seen, p95)).length
  return { p95, onTimeShare: onTime / tasks.length }
}

/** A fault may slow down tasks that it did not touch: those due before any fault are the better measure, if there are enough. */
function baselineTasks(trace: CellTrace): readonly TaskTrace[] {
  const touched = exposures(trace)
  const untouched = trace.tasks.filter((task) => !touched.has(task))
  const firstOnset = nextOnset(trace, -Infinity)
  const before = untouched.filter((task) => dueAt(task) < firstOnset)
  return before.length >= holdTasks ? before : untouched
}

function dueAt({ intent }: TaskTrace): number {
  return intent.intendedAt + intent.idealMs
}

function isOnTime(task: TaskTrace, seen: Seen, p95: number): boolean {
  return seen(task) - dueAt(task) <= Math.max(lagFactor * p95, lagShare * task.intent.idealMs)
}

function shareOnTime(due: readonly Due[], from: number): number {
  const to = Math.min(due.length, from + holdTasks)
  let onTime = 0
  for (let i = from; i < to; i++) if (due[i]!.onTime) onTime++
  return onTime / (to - from)
}
