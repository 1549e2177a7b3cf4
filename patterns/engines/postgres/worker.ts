import { withAddresses } from '../../contract/engine/addresses.ts'
import type { NodeSettings } from '../../contract/types/settings.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import { completedSteps } from '../../contract/types/fold.ts'
import { within } from '../../contract/engine/wakeup.ts'
import { openWorkplace } from '../../contract/engine/workplace.ts'
import { listen } from '../_postgres/listener.ts'
import { openStore } from '../_postgres/store.ts'
import { cancelChannel } from '../_postgres/task-log.ts'
import { ActiveTasks } from './active-tasks.ts'
import { openJournal } from './journal.ts'
import { createSchema, readyChannel } from './schema.ts'
import { timingOf } from './timeouts.ts'
import { WorkerLease } from './worker-lease.ts'

/**
 * An executor: claims waiting tasks, runs hundreds at a time, delivers what ended tasks owe. Disposing drains it: no
 * more claims, steps in flight get a moment to end, then everything it holds is free for others.
 */
export async function startWorker(node: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  const settings = withAddresses(node, 'storeUrl', 'toolsUrl')
  const { storeUrl: url } = settings
  const timing = timingOf(settings)
  const store = openStore({ url, timing, connections: 6, patienceMs: Infinity })
  await createSchema(store)
  const place = { ...openWorkplace(settings, timing, 64), journal: openJournal(store), resumption: completedSteps }
  const lease = await WorkerLease.enrol(store, settings.node, timing)
  const active = new ActiveTasks({ store, place, lease, notify })
  lease.keep({ onEvicted: () => active.abandonAll(), onFreed: () => active.look() })
  const listener = listen({
    url,
    timing,
    channels: [readyChannel, cancelChannel],
    onNotification: (channel, taskId) => (channel === cancelChannel ? active.cancel(taskId) : active.look()),
    onUp: () => active.look(),
  })
  const health = await answerHealth(settings)
  return {
    [Symbol.asyncDispose]: async () => {
      health.close()
      await active.drain(timing.drainMs)
      await within(timing.drainMs, lease[Symbol.asyncDispose]())
      await listener[Symbol.asyncDispose]()
      await Promise.all([store[Symbol.asyncDispose](), place.dispatcher.destroy()])
    },
  }
}
