import { resolutionMs } from '../core/numbers.ts'
import { conclude } from '../analysis/conclusion.ts'
import { type ControlledWork, controlledWork, isCompleted } from '../analysis/controlled-work.ts'
import { type Execution, ranOnce } from '../analysis/executions.ts'
import { taskEnd, type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * A result has all its work behind it: the ledger knows an effect of every step. This holds for each task whose client
 * accepted a completed result. It also holds where the server's final word or a callback reports the right result, or a
 * client reads it as completed. The steps took no less time than the work lasts, and each began after the one before
 * it, where the work is outlast's own. It also holds for completed tasks beside the load. That work is missing can only be said of
 * a whole ledger: where it lost lines, nothing is said. Excused: nothing. What was sent as an effect and is none counts as not done.
 */
const checker: Checker = {
  name: 'effect-at-least-once',
  summary: 'a result has all its work behind it: every step of it had its effect',
  judges: 'effect-at-least-once',
  check(history) {
    const trace = traceOf(history)
    const gaps = trace.health?.value.ledgerGaps ?? 0
    const results = trace.tasks.filter(hasResult)
    const { whole = [], lacking = [] } = Object.groupBy(results, (task) =>
      missingSteps(task) > 0 ? 'lacking' : 'whole',
    )
    // How long the steps of somebody else's work last nobody said, and it need not tell how long they took.
    const isTimed = trace.cell?.ownWork === undefined
    const hurried = isTimed ? whole.filter(isHurried) : []
    const refused = trace.refusals.length
    const beside = controlledWork(trace).filter(({ task, control }) => task === control.key && isCompleted(control))
    const lackingBeside = beside.filter((work) => missingBeside(work) > 0)
    const found = conclude(trace, {
      judged: results.length + beside.length,
      unit: 'results',
      complaint: complaintOf(lacking.length + lackingBeside.length, hurried.length, refused),
      broken: [
        ...[...lacking, ...hurried].map(({ invoke, end, effects }) => [invoke, end, ...effects]),
        ...lackingBeside.map(({ control, executions }) => [...control.seen, ...executions.map(({ op }) => op)]),
      ].map((ops) => ops.flatMap((op) => op?.index ?? [])),
      counts: {
        missing: sum(lacking.map(missingSteps)) + sum(lackingBeside.map(missingBeside)),
        ...(hurried.length > 0 && { hurried: hurried.length }),
        ...(refused > 0 && { refused }),
      },
      kind: 'liveness',
    })
    if (trace.complete && gaps > 0 && found.status === 'fail')
      return { ...found, status: 'unknown', summary: `the ledger lost ${gaps} lines`, witnesses: [] }
    if (trace.complete && results.length + beside.length === 0)
      return { ...found, status: 'unexercised', summary: 'there was no result' }
    return found
  },
}
export default checker

function complaintOf(lacking: number, hurried: number, refused: number): string {
  const shown = refused > 0 ? ` (the tool server refused ${refused} that were no effects)` : ''
  if (lacking > 0 || hurried === 0) return `lack the effect of a step${shown}`
  return 'took less time than their work, or did not do it step by step'
}

function hasResult(task: TaskTrace): boolean {
  const { end, finals, callbacks, polls, events, intent } = task
  if (end?.type === 'ok' && (taskEnd(task)?.status ?? 'completed') === 'completed') return true
  if ([...polls, ...events].some(({ value }) => value.status === 'completed')) return true
  return [...finals, ...callbacks].some(({ value }) => {
    return value.status === 'completed' && value.digest === intent.expectedDigest
  })
}

/** Steps count from 1. */
function missingSteps(task: TaskTrace): number {
  return ranOnce(task) ? 0 : missingOf(task.executions, task.intent.steps)
}

/** Of work whose length nobody knows, those before the last one that was done. */
function missingBeside({ executions, steps }: ControlledWork): number {
  return missingOf(executions, steps ?? Math.max(0, ...executions.map(({ step }) => step)))
}

function missingOf(executions: readonly Execution[], steps: number): number {
  return steps - new Set(executions.map(({ step }) => step).filter((step) => step >= 1 && step <= steps)).size
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}

/**
 * Steps last at least as long as planned, so all of them last at least as long as the work. The next step begins when
 * the one before is done.
 */
function isHurried(task: TaskTrace): boolean {
  const { idealMs, steps } = task.intent
  const done = Array.from({ length: steps }, (): Span => ({
    longestMs: -Infinity,
    endedAt: Infinity,
    startedAt: -Infinity,
  }))
  for (const { step, startedAt, endedAt } of task.executions) {
    const one = done[step - 1]
    // What else was done is no-phantom's to judge, and how long the rest should have taken is not known.
    if (!one) return false
    one.longestMs = Math.max(one.longestMs, endedAt - startedAt)
    one.endedAt = Math.min(one.endedAt, endedAt)
    one.startedAt = Math.max(one.startedAt, startedAt)
  }
  // A record of which one step ends before it starts says nothing of time.
  if (done.some(({ longestMs }) => longestMs < 0)) return false
  const workedMs = done.reduce((sum, { longestMs }) => sum + longestMs, 0)
  const isOutOfOrder = done.some(({ startedAt }, i) => startedAt < (done[i - 1]?.endedAt ?? -Infinity) - resolutionMs)
  return isOutOfOrder || workedMs < idealMs - resolutionMs * steps
}

/** Of one step: its longest execution, when one first ended, and when one last began. */
interface Span {
  longestMs: number
  endedAt: number
  startedAt: number
}
