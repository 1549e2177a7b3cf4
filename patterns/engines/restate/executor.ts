import { randomUUID } from 'node:crypto'
import type { ServiceOptions } from '@restatedev/restate-sdk'
import { ToolRefusal } from '../../agent/step.ts'
import type { Callback, CallbackAttempt, Notify } from '../../contract/types/callback.ts'
import { type Pace, timeoutsAt } from '../../contract/types/timeouts.ts'
import { performAt, type StepWork, type Workplace } from '../../contract/engine/workplace.ts'
import { mostAttempts, timeouts } from './engine.ts'

/** Who executes from here on. `life` names this process; `at` is milliseconds since 1970. */
export interface Opening {
  readonly executor: string
  readonly life: string
  readonly at: number
}

/** A step that the workflow asks for. `life` is the process that executes it, as far as the journal knows. */
export interface Work extends StepWork {
  readonly life: string
}

export type StepResult =
  | { readonly kind: 'done'; readonly digest: string; readonly credits: number; readonly at: number }
  | ({ readonly kind: 'resumed' } & Opening)
  | { readonly kind: 'refused'; readonly reason: string; readonly at: number }

/** The part of a workflow that is not replayed: what happens inside `ctx.run`. */
export interface Executor {
  readonly timeScale: number
  readonly options: ServiceOptions
  open(): Opening
  /**
   * Performs a step, or answers `resumed` when the journal does not know that this process executes it. So after a
   * crash the resumption is on record, as a new attempt, before anything is done again. Rejects when `abandoned`,
   * because the server tries elsewhere; answers nothing that matters when `dropped`, because the task has ended.
   */
  perform(work: Work, abandoned: AbortSignal, dropped: AbortSignal): Promise<StepResult>
  notify(callback: Callback): Promise<CallbackAttempt>
  /** The task is over. */
  forget(taskId: string): void
}

export function openExecutor(place: Workplace, pace: Pace, notify: Notify): Executor {
  const life = randomUUID()
  /** Steps that this process has begun, by task: one that is asked for again was interrupted. */
  const begun = new Map<string, Set<string>>()
  const open = (): Opening => ({ executor: place.node, life, at: Date.now() })

  async function perform(work: Work, abandoned: AbortSignal, dropped: AbortSignal): Promise<StepResult> {
    const { taskId, step, attempt } = work
    const steps = begun.get(taskId) ?? new Set()
    const key = `${attempt}/${step}`
    if (work.life !== life || steps.has(key)) return { kind: 'resumed', ...open() }
    begun.set(taskId, steps.add(key))
    try {
      const done = await performAt(place, work, AbortSignal.any([abandoned, dropped]))
      return { kind: 'done', ...done, at: Date.now() }
    } catch (error) {
      if (dropped.aborted) return { kind: 'refused', reason: 'dropped', at: Date.now() }
      if (error instanceof ToolRefusal) return { kind: 'refused', reason: error.message, at: Date.now() }
      throw error
    }
  }

  return {
    timeScale: pace.timeScale,
    options: serviceOptions(pace),
    open,
    perform,
    notify,
    forget: (taskId) => void begun.delete(taskId),
  }
}

/** What the server's own settings would be, said aloud, so that they can be scaled. */
function serviceOptions(pace: Pace): ServiceOptions {
  const { inactivityMs, abortMs, retryInitialMs, retryCapMs } = timeoutsAt(timeouts, pace)
  return {
    inactivityTimeout: inactivityMs,
    abortTimeout: abortMs,
    retryPolicy: {
      initialInterval: retryInitialMs,
      exponentiationFactor: 2,
      maxInterval: retryCapMs,
      maxAttempts: mostAttempts[pace.tuning],
      onMaxAttempts: 'pause',
    },
  }
}
