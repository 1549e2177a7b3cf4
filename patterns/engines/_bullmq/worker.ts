import type { IQueueBackend } from 'bullmq'
import type { NodeSettings } from '../../contract/types/settings.ts'
import type { Notify } from '../../contract/types/callback.ts'
import type { JournalPlace } from '../../contract/engine/execution.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import { openWorkplace } from '../../contract/engine/workplace.ts'
import { Executor, type TaskLog } from './executor.ts'
import { sweepFailures } from './failures.ts'
import type { Broker } from './queues.ts'
import type { QueueTiming } from './timeouts.ts'

export interface QueueWorkerOptions<B extends IQueueBackend, C> {
  readonly settings: NodeSettings & { readonly toolsUrl: string }
  readonly timing: QueueTiming
  readonly notify: Notify
  readonly broker: Broker<B, C>
  readonly log: TaskLog
  /** Where a run of a task's job begins. */
  readonly resumption: JournalPlace['resumption']
  /** Calls `cancel` with each task that is to be cancelled. */
  readonly listenForCancels: (cancel: (taskId: string) => void) => AsyncDisposable | Disposable
}

/**
 * A worker of the queues on one of their databases. Disposing takes no more jobs, gives steps in flight a moment to end, and
 * releases all jobs.
 */
export async function startQueueWorker<B extends IQueueBackend, C>(
  options: QueueWorkerOptions<B, C>,
): Promise<AsyncDisposable> {
  const { settings, timing, notify, broker, log, resumption } = options
  const { node, tuning } = settings
  const stack = new AsyncDisposableStack()
  const place = { ...openWorkplace(settings, timing, 64), journal: log.journal, resumption }
  stack.defer(() => place.dispatcher.destroy())
  const failures = stack.use(sweepFailures(broker, log, node, timing.stalledCheckMs))
  const executor = new Executor({ broker, log, place, tuning, notify, onFailed: () => failures.look() })
  stack.use(options.listenForCancels((taskId) => executor.cancel(taskId)))
  stack.defer(() => executor.drain(timing.drainMs))
  const health = await answerHealth(settings)
  stack.defer(() => void health.close())
  return stack
}
