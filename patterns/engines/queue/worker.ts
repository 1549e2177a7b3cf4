import { Agent } from 'undici'
import { emptyDigest } from '../../agent/plan.ts'
import type { NodeSettings } from '../../contract/engine/backend.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import type { Workplace } from '../../contract/engine/execution.ts'
import { listen } from '../_postgres/listener.ts'
import { openStore } from '../_postgres/store.ts'
import { openTaskLog } from './task-log.ts'
import { openExecutor } from '../_bullmq/executor.ts'
import { sweepFailures } from '../_bullmq/failures.ts'
import { postgresBroker } from '../_bullmq/queues.ts'
import { prepareDatabase } from './schema.ts'
import { timingOf } from '../_bullmq/timeouts.ts'

/** What a queue gives: a job that lost its worker begins again. */
export async function startWorker(settings: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  return startQueueWorker(settings, notify, () => ({ step: 0, digest: emptyDigest }))
}

/**
 * A worker of the queue, whose jobs begin where `resumption` says. Disposing takes no more, gives steps in flight a moment
 * to end, and puts all jobs back.
 */
export async function startQueueWorker(
  settings: NodeSettings,
  notify: Notify,
  resumption: Workplace['resumption'],
): Promise<AsyncDisposable> {
  const { storeUrl, toolsUrl, node, timeScale, tuning, engine } = settings
  if (!storeUrl || !toolsUrl) throw new Error(`the ${engine} engine needs OUTLAST_STORE_URL and OUTLAST_TOOLS_URL`)
  const timing = timingOf(settings)
  const store = openStore({ url: storeUrl, timing, connections: 6, patienceMs: Infinity })
  await prepareDatabase(store, storeUrl, timing)
  const log = openTaskLog(store, settings)
  const dispatcher = new Agent({ connections: 64, connect: { timeout: Math.max(1000, timing.connectTimeoutMs) } })
  const place = { node, toolsUrl, dispatcher, timeScale, timing, journal: log.journal, resumption }
  const broker = postgresBroker(storeUrl, timing)
  const failures = sweepFailures(broker, log, node, timing.stalledCheckMs)
  const executor = openExecutor({ broker, log, place, tuning, notify, onFailed: () => failures.look() })
  const listener = listen({
    url: storeUrl,
    timing,
    channels: ['outlast_cancel'],
    onNotification: (_channel, taskId) => executor.cancel(taskId),
    onUp: () => {},
  })
  const health = await answerHealth(settings)
  return {
    [Symbol.asyncDispose]: async () => {
      health.close()
      await executor.drain(timing.drainMs)
      await failures[Symbol.asyncDispose]()
      await listener[Symbol.asyncDispose]()
      await Promise.all([store[Symbol.asyncDispose](), dispatcher.destroy()])
    },
  }
}
