import { type IQueueBackend, type Job, Worker } from 'bullmq'
import type { Notify } from '../../contract/types/callback.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { reportFailure } from '../../contract/engine/log-error.ts'
import { isTerminal } from '../../contract/types/task.ts'
import type { Tuning } from '../../contract/types/timeouts.ts'
import { within } from '../../contract/engine/wakeup.ts'
import { execute, stops, type Workplace } from '../../contract/engine/execution.ts'
import type { Journal } from '../postgres/journal.ts'
import { type Claim, LeaseLost } from '../postgres/leases.ts'
import { attemptCallback } from './callback.ts'
import { putBack, putOff } from './release.ts'
import { type Broker, queueNames } from './queues.ts'
import { mostStalls, type QueueTiming } from './timeouts.ts'

/** Most tasks that one worker runs at a time: they wait far more than they compute. */
const capacity = 1000

/** For the library a run is over a moment later than here: when the database has answered. */
const settleMs = 500

/** Where the tasks' events are. The queue knows jobs only. */
export interface TaskLog {
  /**
   * Take a task for one run of its job, which fences off every run before it. Undefined when the task has ended, or its job
   * is with another run by now.
   */
  claim(taskId: string, owner: string): Promise<Claim | undefined>
  read(taskId: string): Promise<readonly TaskEvent[] | undefined>
  readonly journal: Journal
}

export interface ExecutorParts<B extends IQueueBackend, C> {
  readonly broker: Broker<B, C>
  readonly log: TaskLog
  readonly place: Workplace & { readonly timing: QueueTiming }
  readonly tuning: Tuning
  readonly notify: Notify
  /** The queue has given up on a job. */
  readonly onFailed: () => void
}

/** This process's workers on both queues. */
export interface Executor {
  cancel(taskId: string): void
  /** Take no more; resolves when all is put back, after `mostMs` by cutting steps short. */
  drain(mostMs: number): Promise<void>
}

interface Run {
  readonly stop: AbortController
  readonly ended: Promise<unknown>
}

const abandoned = new Error('the worker is leaving')

export function openExecutor<B extends IQueueBackend, C>(parts: ExecutorParts<B, C>): Executor {
  const { log, place, notify, onFailed } = parts
  const runs = new Map<string, Run>()
  const draining = new AbortController()
  const cut = (taskId: string, reason: Error): void => runs.get(taskId)?.stop.abort(reason)

  async function runTask(job: Job, token: string): Promise<void> {
    const taskId = job.id!
    const before = runs.get(taskId)
    // The library renews locks by job: the end of a run that lost its lock would end the renewal of this one.
    if (before) {
      before.stop.abort(new LeaseLost('another run of this task has begun'))
      await before.ended
      return putOff(job, token, settleMs)
    }
    const stop = new AbortController()
    const run = runClaimed(taskId, token, stop)
    const ended = run.catch(() => {})
    runs.set(taskId, { stop, ended })
    void ended.then(() => setTimeout(() => runs.delete(taskId), settleMs).unref())
    if (!(await run)) return putBack(job, token)
  }

  /** True when nothing is left to do, false when this worker leaves before its task has ended. */
  async function runClaimed(taskId: string, token: string, stop: AbortController): Promise<boolean> {
    const claim = await log.claim(taskId, token)
    if (!claim) return true
    try {
      return isTerminal((await execute(claim, place, stop, draining.signal)).status)
    } catch (error) {
      if (error === abandoned) return false
      throw error
    }
  }

  const callOut = async (job: Job, token: string): Promise<void> =>
    attemptCallback(job, token, (await log.read(job.id!))!, notify)

  const tasks = openWorker(parts, queueNames.tasks, runTask)
  tasks.on('failed', onFailed)
  const callbacks = openWorker(parts, queueNames.callbacks, callOut)

  return {
    cancel: (taskId) => cut(taskId, stops.cancel),
    drain: async (mostMs) => {
      draining.abort(abandoned)
      const closed = Promise.all([tasks.close(), callbacks.close()])
      await within(mostMs, closed)
      for (const taskId of runs.keys()) cut(taskId, abandoned)
      await within(mostMs, closed)
    },
  }
}

function openWorker<B extends IQueueBackend, C>(
  { broker, place, tuning }: ExecutorParts<B, C>,
  name: string,
  run: (job: Job, token: string) => Promise<void>,
) {
  const { lockMs, stalledCheckMs, drainDelayMs, refusedRetryMs } = place.timing
  const options = {
    name: place.node,
    connection: broker.connection,
    concurrency: capacity,
    lockDuration: lockMs,
    stalledInterval: stalledCheckMs,
    maxStalledCount: mostStalls[tuning],
    drainDelay: drainDelayMs / 1000,
    runRetryDelay: refusedRetryMs,
    removeOnComplete: { count: 0 },
  }
  const worker = new Worker<unknown, void, string, B, number, C>(
    name,
    (job, token) => run(job, token!),
    options,
    broker.backend,
  )
  worker.on('stalled', (taskId) => reportFailure(place.node, `queue ${name}`, `${taskId} had lost its worker`))
  worker.on('error', (error) => reportFailure(place.node, `queue ${name}`, error))
  return worker
}
