import { randomUUID } from 'node:crypto'
import type { ServiceOptions } from '@restatedev/restate-sdk'
import type { Dispatcher } from 'undici'
import type { AgentPlan } from '../../agent/plan.ts'
import { performStep, ToolRefusal } from '../../agent/step.ts'
import type { NodeSettings } from '../../contract/engine/backend.ts'
import type { Callback, CallbackAttempt, Notify } from '../../contract/types/callback.ts'
import { type Pace, timeoutsAt } from '../../contract/types/timeouts.ts'
import type { Timing } from '../../contract/types/timing.ts'
import { mostAttempts, timeouts } from './timeouts.ts'

/** Who executes from here on. `life` names this process; `at` is milliseconds since 1970. */
export interface Opening {
  readonly executor: string
  readonly life: string
  readonly at: number
}

/** A step as it is asked for: by `life`, as far as the journal knows, in its `attempt`. */
export interface Work {
  readonly taskId: string
  readonly job: string
  readonly plan: AgentPlan
  readonly step: number
  readonly digest: string
  readonly attempt: number
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
   * Perform a step, or answer `resumed` when the journal does not know that this process executes it: after a crash the
   * resumption is on record, as a new attempt, before anything is done again. Rejects when `abandoned`, because the
   * server tries elsewhere; answers nothing that matters when `dropped`, because the task has ended.
   */
  perform(work: Work, abandoned: AbortSignal, dropped: AbortSignal): Promise<StepResult>
  notify(callback: Callback): Promise<CallbackAttempt>
  /** The task is over. */
  forget(taskId: string): void
}

export interface ExecutorParts {
  readonly settings: NodeSettings & { readonly toolsUrl: string }
  readonly timing: Timing
  readonly dispatcher: Dispatcher
  readonly notify: Notify
}

export function openExecutor({ settings, timing, dispatcher, notify }: ExecutorParts): Executor {
  const { node, timeScale, toolsUrl } = settings
  const life = randomUUID()
  /** Steps that this process has begun, by task: one that is asked for again was interrupted. */
  const begun = new Map<string, Set<string>>()
  const open = (): Opening => ({ executor: node, life, at: Date.now() })

  async function perform(work: Work, abandoned: AbortSignal, dropped: AbortSignal): Promise<StepResult> {
    const { taskId, plan, step, digest, attempt } = work
    const steps = begun.get(taskId) ?? new Set()
    const key = `${attempt}/${step}`
    if (work.life !== life || steps.has(key)) return { kind: 'resumed', ...open() }
    begun.set(taskId, steps.add(key))
    const signal = AbortSignal.any([abandoned, dropped])
    const context = { taskId, job: work.job, attempt, executor: node, toolsUrl, dispatcher, timing, signal }
    try {
      return { kind: 'done', ...(await performStep(plan, step, digest, context)), at: Date.now() }
    } catch (error) {
      if (dropped.aborted) return { kind: 'refused', reason: 'dropped', at: Date.now() }
      if (error instanceof ToolRefusal) return { kind: 'refused', reason: error.message, at: Date.now() }
      throw error
    }
  }

  return {
    timeScale,
    options: serviceOptions(settings),
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
