import { stops } from './after-step.ts'
import type { TaskEvent } from '../types/events.ts'
import { requestOf } from '../types/fold.ts'
import { startTimer, type Timer } from '../types/timer.ts'

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
