import { DelayedError, type IQueueBackend, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import { stops } from '../../contract/engine/after-step.ts'
import type { CallbackAttempt, Notify } from '../../contract/types/callback.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { execute, type JournalPlace } from '../../contract/engine/execution.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { type Claim, type Journal, LeaseLost } from '../../contract/engine/journal.ts'
import { isOfFamily } from '../../contract/types/family.ts'
import { foldEvents, requestOf } from '../../contract/types/fold.ts'
import { logFailure } from '../../contract/engine/log-error.ts'
import { isTerminal } from '../../contract/types/task.ts'
import type { Tuning } from '../../contract/types/timeouts.ts'
import { Wakeup, within } from '../../contract/engine/wakeup.ts'
import { type Broker, openReady, queueNames } from './queues.ts'
import { mostStalls, type QueueTiming } from './declaration.ts'

/** Most tasks that one worker runs at a time: they wait far more than they compute. */
const capacity = 1000

/** For the library a run is over a moment later than here: when the database has answered. */
const settleMs = 500

/** Where the tasks' events are. The queue knows jobs only. */
export interface TaskLog {
  /** Take a task and fence off earlier runs of its job. Undefined when the task has ended, or a later run has it. */
  claim(taskId: string, owner: string): Promise<Claim | undefined>
  read(taskId: string): Promise<readonly TaskEvent[] | undefined>
  readonly journal: Journal
}

/** Where jobs run; each run knows for itself when it has news. */
export type QueuePlace = Omit<JournalPlace, 'untilNews'> & { readonly timing: QueueTiming }

export interface ExecutorOptions<B extends IQueueBackend, C> {
  readonly broker: Broker<B, C>
  readonly log: TaskLog
  readonly place: QueuePlace
  readonly tuning: Tuning
  readonly notify: Notify
  /** The queue has given up on a job. */
  readonly onFailed: () => void
}

interface Run {
  readonly stop: AbortController
  /** There may be a command for its task. */
  readonly news: Wakeup
  readonly ended: Promise<unknown>
}

const abandoned = new Error('the worker is leaving')

/** This process's workers on both queues. */
export class Executor<B extends IQueueBackend, C> {
  readonly #log: TaskLog
  readonly #place: QueuePlace
  readonly #notify: Notify
  readonly #runs = new Map<string, Run>()
  readonly #draining = new AbortController()
  #workers: readonly { close(): Promise<void> }[] = []

  private constructor({ log, place, notify }: ExecutorOptions<B, C>) {
    this.#log = log
    this.#place = place
    this.#notify = notify
  }

  /** Takes jobs when it is there. */
  static async open<B extends IQueueBackend, C>(options: ExecutorOptions<B, C>): Promise<Executor<B, C>> {
    const executor = new Executor(options)
    const [tasks, callbacks] = await Promise.all([
      openWorker(options, queueNames.tasks, (job, token) => executor.#runTask(job, token)),
      openWorker(options, queueNames.callbacks, (job, token) => executor.#callBack(job, token)),
    ])
    tasks.on('failed', options.onFailed)
    executor.#workers = [tasks, callbacks]
    for (const worker of [tasks, callbacks]) worker.run().catch((error: Error) => worker.emit('error', error))
    return executor
  }

  /** The task, and all below it. */
  cancel(headId: string): void {
    for (const taskId of this.#runs.keys()) if (isOfFamily(taskId, headId)) this.#cut(taskId, stops.cancel)
  }

  /** There may be a command for this task. */
  tell(taskId: string): void {
    this.#runs.get(taskId)?.news.notify()
  }

  /** Take no more. Resolves when all jobs are released; after `mostMs` it cuts steps short. */
  async drain(mostMs: number): Promise<void> {
    this.#draining.abort(abandoned)
    for (const { news } of this.#runs.values()) news.notify()
    const closed = Promise.all(this.#workers.map((worker) => worker.close()))
    await within(mostMs, closed)
    for (const taskId of this.#runs.keys()) this.#cut(taskId, abandoned)
    await within(mostMs, closed)
  }

  #cut(taskId: string, reason: Error): void {
    this.#runs.get(taskId)?.stop.abort(reason)
  }

  async #runTask(job: Job, token: string): Promise<void> {
    const taskId = job.id!
    const before = this.#runs.get(taskId)
    // The library renews locks by job: the end of a run that lost its lock would end the renewal of this one.
    if (before) {
      before.stop.abort(new LeaseLost('another run of this task has begun'))
      await before.ended
      return releaseLater(job, token, settleMs)
    }
    const [stop, news] = [new AbortController(), new Wakeup()]
    const run = this.#runClaimed(taskId, token, { stop, news })
    const ended = run.catch(() => {})
    this.#runs.set(taskId, { stop, news, ended })
    void ended.then(() => setTimeout(() => this.#runs.delete(taskId), settleMs).unref())
    if (!(await run)) return release(job, token)
  }

  /** True when nothing is left to do, false when this worker leaves before its task has ended. */
  async #runClaimed(taskId: string, token: string, { stop, news }: Omit<Run, 'ended'>): Promise<boolean> {
    const claim = await this.#log.claim(taskId, token)
    if (!claim) return true
    const untilNews = (_: string, signal: AbortSignal) => news.wait(this.#place.timing.drainDelayMs, signal)
    try {
      const head = await execute(claim, { ...this.#place, untilNews }, stop, this.#draining.signal)
      return isTerminal(head.status)
    } catch (error) {
      if (error === abandoned) return false
      throw error
    }
  }

  /**
   * One attempt to call back for each run of the job. Its record goes into the job before anything else happens, and the
   * queue does the waiting, which takes no place. A callback that is dead stays among the failed jobs: no worker tries it
   * again, and an operator can.
   */
  async #callBack(job: Job, token: string): Promise<void> {
    const { attempts: earlier = [] } = job.data as { readonly attempts?: readonly CallbackAttempt[] }
    const log = (await this.#log.read(job.id!))!
    const url = requestOf(log).delivery!.webhook_url
    const attempt = await this.#notify({ task: foldEvents(log), url, earlier })
    await withFaultPoints('queue.record', () => job.updateData({ attempts: [...earlier, attempt] }))
    const { decision } = attempt
    if (decision.next === 'retry') return releaseLater(job, token, decision.delay_ms)
    if (decision.next === 'dead') throw new UnrecoverableError(`the callback is dead: ${decision.reason}`)
  }
}

async function openWorker<B extends IQueueBackend, C>(
  { broker, place, tuning }: ExecutorOptions<B, C>,
  name: string,
  run: (job: Job, token: string) => Promise<void>,
) {
  const { lockMs, stalledCheckMs, drainDelayMs, refusedRetryMs, backoffBaseMs } = place.timing
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
    autorun: false,
  }
  const report = (error: unknown): void => logFailure(place.node, `queue ${name}`, error)
  const open = () =>
    new Worker<unknown, void, string, B, number, C>(name, (job, token) => run(job, token!), options, broker.backend)
      .on('stalled', (taskId) => report(`${taskId} had lost its worker`))
      .on('error', report)
  return openReady(open, backoffBaseMs, report)
}

/** Free for any worker at once. By throwing, this run of the job ends without an outcome. */
async function release(job: Job, token: string): Promise<never> {
  await withFaultPoints('queue.put-back', () => job.moveToWait(token))
  throw new WaitingError()
}

/** As `release`, after a while. */
async function releaseLater(job: Job, token: string, delayMs: number): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token)
  throw new DelayedError()
}
