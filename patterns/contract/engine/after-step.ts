import type { Plan } from '../../agent/plan.ts'
import { type StepDone, ToolRefusal } from '../../agent/step.ts'
import { atEnd, type Control, noteStep } from './control.ts'
import type { TaskEvent } from '../types/events.ts'
import {
  cancelledEvent,
  cancelRequestedEvent,
  completedEvent,
  expiredEvent,
  failedEvent,
  progressEvent,
  resultOf,
} from './log.ts'
import { type Head, requestOf } from '../types/fold.ts'
import { startTimer, type Timer } from '../types/timer.ts'

/** Reasons to cut a step short that end its task. */
export const stops = { cancel: new Error('cancelled'), expire: new Error('the deadline has passed') } as const

/** A log's end, and what the log says of the task's control. */
export interface Progressed {
  readonly head: Head
  readonly control: Control
}

/**
 * Events after a completed step. It is recorded even when the task is being cancelled. A step that is done again costs nothing
 * more. A task whose last step is done is completed.
 */
export function afterStep(
  { head, control }: Progressed,
  plan: Plan,
  done: StepDone & { readonly step: number },
  time = new Date(),
): readonly TaskEvent[] {
  const { step, digest } = done
  const noted = noteStep(control, head, { step, name: plan.steps[step - 1]!.name }, time)
  const credits = step > control.paid ? done.credits : 0
  const progress = progressEvent(noted.at(-1) ?? head, plan, { ...done, credits }, time)
  const isLast = step === plan.steps.length
  if (!isLast && head.status !== 'cancelling') return [...noted, progress]
  const voided = atEnd(control, progress, time)
  const last = voided.at(-1) ?? progress
  const end = isLast ? completedEvent(last, resultOf(plan, digest), time) : cancelledEvent(last, time)
  return [...noted, progress, ...voided, end]
}

/** The events that end a task whose step failed with this error. Rethrows an error that ends no task. */
export function endingBy(error: unknown, time = new Date()): (at: Progressed) => readonly TaskEvent[] {
  const end = endOf(error, time)
  return ({ head, control }) => {
    const voided = atEnd(control, head, time)
    return [...voided, ...end(voided.at(-1) ?? head)]
  }
}

function endOf(error: unknown, time: Date): (head: Head) => readonly TaskEvent[] {
  if (error === stops.cancel) return (head) => cancelled(head, time)
  if (error === stops.expire) return (head) => [expiredEvent(head, stops.expire.message, time)]
  if (error instanceof ToolRefusal) return (head) => [failedEvent(head, error.message, time)]
  throw error
}

/** Who asked may have asked it of a task above: then this log does not say so yet. */
function cancelled(head: Head, time: Date): readonly TaskEvent[] {
  if (head.status === 'cancelling') return [cancelledEvent(head, time)]
  const requested = cancelRequestedEvent(head, time)
  return [requested, cancelledEvent(requested, time)]
}

/** When a task's deadline passes, in milliseconds since 1970. It counts from the task's creation, at any worker. */
export function deadlineOf(log: readonly TaskEvent[], timeScale: number): number | undefined {
  const seconds = requestOf(log).deadline_s
  return seconds === undefined ? undefined : Date.parse(log[0]!.time) + (seconds * 1000) / timeScale
}

/** Aborts `stop` with `stops.expire` when the deadline has passed. Dispose of it when the execution ends. */
export function armDeadline(log: readonly TaskEvent[], timeScale: number, stop: AbortController): Timer | undefined {
  const endsAt = deadlineOf(log, timeScale)
  if (endsAt === undefined) return undefined
  return startTimer(() => stop.abort(stops.expire), Math.max(0, endsAt - Date.now()))
}
