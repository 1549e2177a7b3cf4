import { randomUUID } from 'node:crypto'
import type { ServiceOptions } from '@restatedev/restate-sdk'
import { type StepDone, ToolRefusal } from '../../agent/step.ts'
import type { Callback, CallbackAttempt, Notify } from '../../contract/types/callback.ts'
import { type Pace, timeoutsAt } from '../../contract/types/timeouts.ts'
import { type Accounts, freshTokenMs } from '../../contract/engine/accounts.ts'
import { defaultSpawnLimits, freshAnswerMs } from '../../contract/engine/sub-tasks.ts'
import type { NodeSettings, SpawnLimits } from '../../contract/types/settings.ts'
import type { StepWork, Workplace } from '../../contract/engine/workplace.ts'
import { mostAttempts, timeouts } from './engine.ts'
import { beginStep, type StepUnderWay } from './step-under-way.ts'

/** What a worker asks accounts for, by its settings. It is journaled with the opening: another life may have other settings. */
export type Limits = Pick<Accounts, 'keepsBalances' | 'rates'>

/** Who executes from here on. `life` names this process; `at` is milliseconds since 1970. */
export interface Opening {
  readonly executor: string
  readonly life: string
  readonly at: number
  /** Absent: a step asks for nothing. */
  readonly limits?: Limits
  readonly spawnLimits: SpawnLimits
}

/** A step that the workflow asks for. `life` is the process that executes it, as far as the journal knows. */
export interface Work extends StepWork {
  readonly life: string
  /** It stops before its tool call, until it is its turn. */
  readonly isLimited: boolean
  /** Of a sub-task: when it was asked whether a task above is cancelled, in milliseconds since 1970. */
  readonly askedAboveAt?: number | undefined
}

export type StepResult =
  /** It has not begun: what was heard of the tasks above is too old. */
  | { readonly kind: 'stale' }
  /** All that is left is its tool call. */
  | { readonly kind: 'ready' }
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
  /** Goes on with a step that was ready. It is so again where its token, of milliseconds since 1970, is too old. */
  callTool(work: Work & Turn, abandoned: AbortSignal, dropped: AbortSignal): Promise<StepResult>
  notify(callback: Callback): Promise<CallbackAttempt>
  /** The task is over. */
  forget(taskId: string): void
}

export interface Turn {
  readonly tokenAt?: number | undefined
}

type Settings = Pace & Pick<NodeSettings, 'balances' | 'toolRates' | 'spawnLimits'>

export function openExecutor(place: Workplace, settings: Settings, notify: Notify): Executor {
  const life = randomUUID()
  const limits = limitsIn(settings)
  /** Steps that this process has begun, by task: one that is asked for again was interrupted. */
  const begun = new Map<string, Set<string>>()
  /** Those that are ready, or will be: by task. */
  const underWay = new Map<string, StepUnderWay>()
  const { spawnLimits = defaultSpawnLimits } = settings
  const open = (): Opening => ({
    executor: place.node,
    life,
    at: Date.now(),
    spawnLimits,
    ...(limits && { limits }),
  })

  async function perform(work: Work, abandoned: AbortSignal, dropped: AbortSignal): Promise<StepResult> {
    const { taskId, step, attempt, askedAboveAt = Infinity } = work
    const steps = begun.get(taskId) ?? new Set()
    const key = `${attempt}/${step}`
    if (work.life !== life || steps.has(key)) return { kind: 'resumed', ...open() }
    if (Date.now() - askedAboveAt > freshAnswerMs) return { kind: 'stale' }
    begun.set(taskId, steps.add(key))
    drop(taskId)
    const { isLimited, life: _, ...of } = work
    const begunStep = beginStep(place, of, isLimited)
    if (isLimited) underWay.set(taskId, begunStep)
    return resultOf(begunStep.untilReady(AbortSignal.any([abandoned, dropped])), dropped)
  }

  async function callTool(work: Work & Turn, abandoned: AbortSignal, dropped: AbortSignal): Promise<StepResult> {
    const { taskId, tokenAt = Infinity } = work
    const ready = work.life === life ? underWay.get(taskId) : undefined
    if (!ready) return { kind: 'resumed', ...open() }
    if (Date.now() - tokenAt > freshTokenMs) return { kind: 'ready' }
    underWay.delete(taskId)
    return resultOf(ready.callTool(AbortSignal.any([abandoned, dropped])), dropped)
  }

  function drop(taskId: string): void {
    underWay.get(taskId)?.stop(new Error('nobody waits for the step any more'))
    underWay.delete(taskId)
  }

  return {
    timeScale: settings.timeScale,
    options: serviceOptions(settings),
    open,
    perform,
    callTool,
    notify,
    forget: (taskId) => {
      drop(taskId)
      begun.delete(taskId)
    },
  }
}

async function resultOf(doing: Promise<StepDone | 'ready'>, dropped: AbortSignal): Promise<StepResult> {
  try {
    const done = await doing
    return done === 'ready' ? { kind: 'ready' } : { kind: 'done', ...done, at: Date.now() }
  } catch (error) {
    if (dropped.aborted) return { kind: 'refused', reason: 'dropped', at: Date.now() }
    if (error instanceof ToolRefusal) return { kind: 'refused', reason: error.message, at: Date.now() }
    throw error
  }
}

function limitsIn({ balances, toolRates }: Settings): Limits | undefined {
  return balances || toolRates ? { keepsBalances: balances !== undefined, rates: toolRates ?? {} } : undefined
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
