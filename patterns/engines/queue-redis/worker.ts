import { Agent } from 'undici'
import { emptyDigest } from '../../agent/plan.ts'
import type { NodeSettings } from '../../contract/engine/backend.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { openExecutor } from '../_bullmq/executor.ts'
import { sweepFailures } from '../_bullmq/failures.ts'
import { timingOf } from '../_bullmq/timeouts.ts'
import { openTaskLog } from './task-log.ts'
import { listen, openRedisStore, redisBroker } from './connection.ts'
import { openOutbox } from './outbox.ts'
import { channels } from './scripts.ts'

/** A worker of the queue on Redis: a job that lost its worker begins again. Disposing is as in the queue engine. */
export async function startWorker(settings: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  const { storeUrl: url, toolsUrl, node, timeScale, tuning } = settings
  if (!url || !toolsUrl) throw new Error('the queue-redis engine needs OUTLAST_STORE_URL and OUTLAST_TOOLS_URL')
  const timing = timingOf(settings)
  const store = openRedisStore({ url, timing, patienceMs: Infinity })
  const outbox = openOutbox({ node, url, store, timing })
  const log = openTaskLog(store, outbox)
  const dispatcher = new Agent({ connections: 64, connect: { timeout: Math.max(1000, timing.connectTimeoutMs) } })
  const resumption = () => ({ step: 0, digest: emptyDigest })
  const place = { node, toolsUrl, dispatcher, timeScale, timing, journal: log.journal, resumption }
  const broker = redisBroker(url, timing)
  const failures = sweepFailures(broker, log, node, timing.stalledCheckMs)
  const executor = openExecutor({ broker, log, place, tuning, notify, onFailed: () => failures.look() })
  const sweeps = setInterval(() => void outbox.sweep().catch(() => {}), timing.claimPollMs)
  const listener = listen({
    url,
    timing,
    channels: [channels.cancel],
    onMessage: (_channel, taskId) => executor.cancel(taskId),
    onUp: () => {},
  })
  const health = await answerHealth(settings)
  return {
    [Symbol.asyncDispose]: async () => {
      health.close()
      await executor.drain(timing.drainMs)
      clearInterval(sweeps)
      listener[Symbol.dispose]()
      await failures[Symbol.asyncDispose]()
      await outbox[Symbol.asyncDispose]()
      await Promise.all([store[Symbol.asyncDispose](), dispatcher.destroy()])
    },
  }
}
