import { type IQueueBackend, Queue } from 'bullmq'
import type { NodeSettings } from '../../contract/types/settings.ts'
import type { Notify } from '../../contract/types/callback.ts'
import type { Accounts } from '../../contract/engine/accounts.ts'
import type { SubTasks } from '../../contract/engine/sub-tasks.ts'
import { atEnd } from '../../contract/engine/control.ts'
import type { JournalPlace } from '../../contract/engine/execution.ts'
import type { Claim } from '../../contract/engine/journal.ts'
import { KnownLog } from '../../contract/engine/known-log.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import { openWorkplace } from '../../contract/engine/workplace.ts'
import { Executor, type TaskLog } from './executor.ts'
import { type Broker, openReady, queueNames } from './queues.ts'
import type { QueueTiming } from './declaration.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { cancelledEvent, failedEvent, rejectedEvent } from '../../contract/engine/log.ts'
import { logFailure } from '../../contract/engine/log-error.ts'
import { Wakeup } from '../../contract/engine/wakeup.ts'

export interface QueueWorkerOptions<B extends IQueueBackend, C> {
  readonly settings: NodeSettings & { readonly toolsUrl: string }
  readonly timing: QueueTiming
  readonly notify: Notify
  readonly broker: Broker<B, C>
  readonly log: TaskLog
  readonly accounts: Accounts | undefined
  readonly subTasks: SubTasks
  /** Where a run of a task's job begins. */
  readonly resumption: JournalPlace['resumption']
  /** Calls `cancel` with each task that is to be cancelled, and `tell` with each that has a new command. */
  readonly listen: (heard: Pick<Executor<B, C>, 'cancel' | 'tell'>) => AsyncDisposable | Disposable
}

/** Disposing takes no more jobs, gives steps in flight a moment to end, and releases all jobs. */
export async function startQueueWorker<B extends IQueueBackend, C>(
  options: QueueWorkerOptions<B, C>,
): Promise<AsyncDisposable> {
  const { settings, timing, notify, broker, log, resumption, accounts, subTasks } = options
  const { node, tuning } = settings
  const stack = new AsyncDisposableStack()
  const place = { ...openWorkplace(settings, timing, 64), journal: log.journal, resumption, accounts, subTasks }
  stack.defer(() => place.dispatcher.destroy())
  const failures = stack.use(await sweepFailures(broker, log, node, timing))
  const executor = await Executor.open({ broker, log, place, tuning, notify, onFailed: () => failures.look() })
  stack.use(options.listen(executor))
  stack.defer(() => executor.drain(timing.drainMs))
  const health = await answerHealth(settings)
  stack.defer(() => void health.close())
  return stack
}

interface Failures extends AsyncDisposable {
  /** There may be some. */
  look(): void
}

/**
 * Jobs that the queue gave up (they stalled too often, or threw on every try) end their tasks here. A queue keeps
 * failed jobs, and notifies only workers that listen at that moment. It looks at the start, when notified, and as
 * often as the queue looks for stalled ones.
 */
async function sweepFailures<B extends IQueueBackend, C>(
  { backend, connection }: Broker<B, C>,
  log: TaskLog,
  node: string,
  { stalledCheckMs, backoffBaseMs }: QueueTiming,
): Promise<Failures> {
  const report = (error: unknown): void => logFailure(node, 'failed jobs', error)
  const open = () => new Queue(queueNames.tasks, { connection }, backend).on('error', report)
  const queue = await openReady(open, backoffBaseMs, report)
  const wakeup = new Wakeup()
  let closing = false
  async function sweepUntilClosed(): Promise<void> {
    while (!closing) {
      await sweep(queue, log, node).catch(report)
      await wakeup.wait(stalledCheckMs)
    }
  }
  const ended = sweepUntilClosed()
  return {
    look: () => wakeup.notify(),
    [Symbol.asyncDispose]: async () => {
      closing = true
      wakeup.notify()
      await ended
      await queue.close()
    },
  }
}

/** The job goes when its task has its end: a crash in between finds it again. */
async function sweep(queue: Pick<Queue, 'getFailed'>, log: TaskLog, node: string): Promise<void> {
  for (const job of await queue.getFailed(0, 99)) {
    const claim = await log.claim(job.id!, node)
    if (claim) await endTask(claim, log, job.failedReason)
    await job.remove()
  }
}

async function endTask(claim: Claim, { journal }: TaskLog, reason: string): Promise<void> {
  const known = new KnownLog(claim.log)
  await journal.append(claim, known, () => endingOf(known, reason, new Date()))
}

/** A task that never began is rejected and has not failed. A task that was being cancelled is cancelled. */
function endingOf({ head, control }: KnownLog, reason: string, time: Date): readonly TaskEvent[] {
  if (head.status === 'queued') return [rejectedEvent(head, reason, time)]
  const voided = atEnd(control, head, time)
  const last = voided.at(-1) ?? head
  return [...voided, head.status === 'cancelling' ? cancelledEvent(last, time) : failedEvent(last, reason, time)]
}
