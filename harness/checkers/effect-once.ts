import { conclude } from '../analysis/conclusion.ts'
import { controlledWork } from '../analysis/controlled-work.ts'
import { type Execution, ranOnce } from '../analysis/executions.ts'
import { couldInterrupt, type Interruption, interruptionsOf } from '../analysis/interruptions.ts'
import { impactOf } from '../analysis/impact.ts'
import { mayBe } from '../analysis/places.ts'
import { isWorkDone } from '../analysis/touch.ts'
import { type CellTrace, type FaultTrace, lifeEndOf, type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'
import { quantile } from '../stats/quantiles.ts'

/**
 * A completed step is never executed again. One repetition of a step is allowed when both hold:
 * - it was the step in flight. No later step of the task had started before the repetition. The interruption began
 *   before its completion can have been written down (`recordingMs`), and before anyone learned that the task is done;
 * - something interrupted it between the two starts. Its executor, the engine or the store exited. Or an outage of
 *   one of them, or of a link that this executor uses, lasted as long as the engine waits for a silent executor.
 * Each repetition needs an interruption of its own, and none explains one that begins when the task is known to be done. A
 * repetition that no crash explains is counted as excused. Without a step of the load in flight at an interruption the promise
 * was not tested. The tasks beside the load are judged too.
 */
const checker: Checker = {
  name: 'effect-once',
  summary: 'a completed step is never executed again; only the step in flight at a crash may repeat',
  judges: 'effect-once',
  check(history) {
    const trace = traceOf(history)
    const interruptions = interruptionsOf(trace)
    const tally: Tally = { executions: 0, interrupted: 0, afterCrash: 0, excused: 0, breaches: [] }
    const recordedInMs = interruptions.length > 0 ? recordingMs(trace) : 0
    for (const task of trace.tasks) {
      if (interruptions.length > 0 && wasInterrupted(task, interruptions)) tally.interrupted++
      if (ranOnce(task)) tally.executions += task.executions.length
      else judgeWork({ executions: task.executions, doneAt: toldDoneAt(task) }, interruptions, recordedInMs, tally)
    }
    for (const work of controlledWork(trace)) judgeWork(work, interruptions, recordedInMs, tally)
    const { executions, interrupted, afterCrash, excused, breaches } = tally
    return conclude(trace, {
      judged: executions - excused,
      unit: 'step executions',
      complaint: 'repeated a completed step',
      broken: breaches.map((one) => [one.repeats!.op.index, one.op.index]),
      counts: { interrupted, afterCrash, ...countMultiplicities(trace.tasks) },
      excused,
      exercise: { times: interrupted, lacking: 'no step was in flight when its executor was lost' },
      kind: 'safety',
    })
  },
}
export default checker

interface Tally {
  executions: number
  /** Tasks of which a step was in flight at an interruption. */
  interrupted: number
  /** Repetitions that the promise allows. */
  afterCrash: number
  /** Repetitions for which an outage without a crash is the excuse. */
  excused: number
  readonly breaches: Execution[]
}

/** `doneAt`: when somebody was first told that all of it is done. */
interface Work {
  readonly executions: readonly Execution[]
  readonly doneAt: number
}

function judgeWork(
  { executions, doneAt }: Work,
  interruptions: readonly Interruption[],
  recordedInMs: number,
  tally: Tally,
): void {
  tally.executions += executions.length
  const told = { used: new Set<string>(), doneAt }
  let frontier = 0
  for (const one of executions) {
    if (one.repeats) {
      const cause =
        one.step >= frontier ? findCause(one, one.repeats, interruptions, { ...told, recordedInMs }) : undefined
      if (!cause) tally.breaches.push(one)
      else if (cause.crash) tally.afterCrash++
      else tally.excused++
    }
    frontier = Math.max(frontier, one.step)
  }
}

/**
 * Takes the one that ends first of those that no repetition of this task took yet: what remains explains most. What began when
 * the step was written down already explains nothing, but what is in its way may hold up the writing.
 */
function findCause(
  { startedAt }: Execution,
  before: Execution,
  interruptions: readonly Interruption[],
  {
    used,
    doneAt,
    recordedInMs,
  }: { readonly used: Set<string>; readonly doneAt: number; readonly recordedInMs: number },
): Interruption | undefined {
  if (startedAt > doneAt) return undefined
  let found: Interruption | undefined
  // A call that had to wait for the tool server was answered when that had it.
  let recordedBy = Math.max(before.endedAt, before.op.at) + recordedInMs
  for (const one of interruptions) {
    if (one.from > startedAt || one.from > recordedBy || one.from > doneAt) break
    if (one.node !== undefined && !mayBe(one.node, before.executor)) continue
    if (one.to > before.startedAt) recordedBy = Math.max(recordedBy, one.to + recordedInMs)
    if (used.has(one.cause) || !couldInterrupt(one, before.executor, before.startedAt, startedAt)) continue
    if (!found || one.to < found.to) found = one
  }
  if (found) used.add(found.cause)
  return found
}

/** When the first observer learned that the task is completed. All of its steps were written down by then. */
function toldDoneAt({ end, callbacks, polls, events }: TaskTrace): number {
  let first = end?.type === 'ok' ? end.at : Infinity
  for (const ops of [callbacks, polls, events])
    for (const { at, value } of ops) if (value.status === 'completed' && at < first) first = at
  return first
}

const fewestGaps = 20
/**
 * A flush to the disk, or a processor that somebody else has, takes so long now and then. On two quiet cores 2 of 540 steps took
 * 62 and 85 ms where 99 of 100 took 17; and a kill meets the long ones more often than the short ones.
 */
const shortestRecordingMs = 120
/** Where too few gaps show it: longer than any engine here takes, if nothing is in its way. */
const longestRecordingMs = 1000

/**
 * How long a step takes to be written down after its end, generously: the next one begins after that. Twice the time
 * that 99 of 100 steps take from their end to the next beginning in the same attempt. A second where too few can be
 * seen, as where tasks are of one step; more where a fault delays what is written.
 */
function recordingMs({ tasks, faults }: CellTrace): number {
  const gaps: number[] = []
  for (const task of tasks) {
    const { executions } = task
    for (let i = 1; i < executions.length; i++) {
      const [one, next] = [executions[i - 1]!, executions[i]!]
      // Of what did not say how long it took it is not known when it began.
      const isTimed = next.endedAt > next.startedAt
      if (isTimed && next.step === one.step + 1 && next.attempt === one.attempt) gaps.push(next.startedAt - one.endedAt)
    }
  }
  if (gaps.length < fewestGaps) return longestRecordingMs + 2 * Math.max(0, ...faults.map(delayOf))
  return Math.max(shortestRecordingMs, 2 * quantile(gaps, 0.99)!)
}

function delayOf(fault: FaultTrace): number {
  const impact = impactOf(fault)
  return impact.kind === 'delay' ? impact.ms : 0
}

/** An executor had work of this task when it was lost: from the start of a step until the start of the next one. */
function wasInterrupted(task: TaskTrace, interruptions: readonly Interruption[]): boolean {
  const { executions } = task
  if (executions.length === 0) return false
  const endedAt = isWorkDone(task) ? executions.at(-1)!.endedAt : lifeEndOf(task)
  const relevant = interruptions.filter(({ from, to }) => from <= endedAt && to >= executions[0]!.startedAt)
  if (relevant.length === 0) return false
  return executions.some((one, i) => {
    const next = executions[i + 1]
    const takenAt = next?.startedAt ?? endedAt
    // Where steps go to whichever executor is free, only the new attempt shows that another one was lost on the way.
    const again = next !== undefined && next.attempt > one.attempt
    return relevant.some((cause) => {
      return couldInterrupt(cause, again ? (cause.node ?? one.executor) : one.executor, one.startedAt, takenAt)
    })
  })
}

/** `times1`, `times2`, ...: how many steps were executed so often; `reposted`: effects sent again for one execution. */
function countMultiplicities(tasks: readonly TaskTrace[]): Record<string, number> {
  const counts: Record<string, number> = { reposted: 0 }
  const times = new Map<number, number>()
  const add = (n: number, steps: number): void => {
    if (steps > 0) counts[`times${n}`] = (counts[`times${n}`] ?? 0) + steps
  }
  for (const task of tasks) {
    const { executions } = task
    counts.reposted! += task.effects.length - executions.length
    if (ranOnce(task)) add(1, executions.length)
    else {
      times.clear()
      for (const { step } of executions) times.set(step, (times.get(step) ?? 0) + 1)
      for (const n of times.values()) add(n, 1)
    }
  }
  return counts
}
