import type { Plan } from '../../agent/plan.ts'
import { type StepDone, ToolRefusal } from '../../agent/step.ts'
import type { TaskEvent } from '../types/events.ts'
import { cancelledEvent, completedEvent, expiredEvent, failedEvent, progressEvent, resultOf } from './log.ts'
import { type Head, requestOf } from '../types/fold.ts'
import { startTimer, type Timer } from '../types/timer.ts'

/** Reasons to cut a step short that end its task. */
export const stops = { cancel: new Error('cancelled'), expire: new Error('the deadline has passed') } as const

/**
 * Events after a completed step. It is recorded even when the task is being cancelled. A task whose last step is done is
 * completed.
 */
export function afterStep(
  head: Head,
  plan: Plan,
  done: StepDone & { readonly step: number },
  time = new Date(),
): readonly TaskEvent[] {
  const { step, digest } = done
  const progress = progressEvent(head, plan, done, time)
  if (step === plan.steps.length) return [progress, completedEvent(progress, resultOf(plan, digest), time)]
  return head.status === 'cancelling' ? [progress, cancelledEvent(progress, time)] : [progress]
}

/** The event that ends a task whose step failed with this error. Rethrows an error that ends no task. */
export function endingBy(error: unknown): (head: Head) => TaskEvent {
  if (error === stops.cancel) return (head) => cancelledEvent(head, new Date())
  if (error === stops.expire) return (head) => expiredEvent(head, stops.expire.message, new Date())
  if (error instanceof ToolRefusal) return (head) => failedEvent(head, error.message, new Date())
  throw error
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
