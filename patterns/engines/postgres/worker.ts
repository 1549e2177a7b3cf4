import { Agent } from 'undici'
import type { NodeSettings } from '../../contract/engine/backend.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import { completedSteps } from '../../contract/engine/log.ts'
import { within } from '../../contract/engine/wakeup.ts'
import { openBench } from './active-tasks.ts'
import { openJournal } from './journal.ts'
import { listen } from '../_postgres/listener.ts'
import { openOutbox } from './outbox.ts'
import { migrate } from './schema.ts'
import { openStore } from '../_postgres/store.ts'
import { holdTenure } from './worker-lease.ts'
import { timingOf } from './timeouts.ts'

/**
 * An executor: claims waiting tasks, runs hundreds at a time, delivers what ended tasks owe. Disposing drains it: no
 * more claims, steps in flight get a moment to end, then everything it holds is free for others.
 */
export async function startWorker(settings: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  const { storeUrl, toolsUrl, node, timeScale } = settings
  if (!storeUrl || !toolsUrl) throw new Error('the postgres engine needs OUTLAST_STORE_URL and OUTLAST_TOOLS_URL')
  const timing = timingOf(settings)
  const store = openStore({ url: storeUrl, timing, connections: 6, patienceMs: Infinity })
  await migrate(store)
  const dispatcher = new Agent({ connections: 64, connect: { timeout: Math.max(1000, timing.connectTimeoutMs) } })
  const journal = openJournal(store)
  const place = { node, toolsUrl, dispatcher, timeScale, timing, journal, resumption: completedSteps }
  const tenure = await holdTenure(store, node, timing, {
    onEvicted: () => bench.abandonAll(),
    onFreed: () => bench.look(),
  })
  const outbox = openOutbox(store, notify, (delayMs) => bench.lookAtOutbox(delayMs))
  const bench = openBench({ store, place, tenure, outbox })
  const listener = listen({
    url: storeUrl,
    timing,
    channels: ['outlast_ready', 'outlast_cancel'],
    onNotification: (channel, taskId) => (channel === 'outlast_cancel' ? bench.cancel(taskId) : bench.look()),
    onUp: () => bench.look(),
  })
  const health = await answerHealth(settings)
  return {
    [Symbol.asyncDispose]: async () => {
      health.close()
      await bench.drain(timing.drainMs)
      await within(timing.drainMs, Promise.resolve(tenure[Symbol.asyncDispose]()))
      await listener[Symbol.asyncDispose]()
      await Promise.all([store[Symbol.asyncDispose](), dispatcher.destroy()])
    },
  }
}
