import { emptyDigest } from '../../agent/plan.ts'
import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { timingOf } from '../_bullmq/declaration.ts'
import { startQueueWorker } from '../_bullmq/worker.ts'
import { openAccounts } from '../../contract/engine/accounts.ts'
import { openAccountStore } from './accounts.ts'
import { listen, openRedisStore, redisBroker } from './connection.ts'
import { openOutbox } from './outbox.ts'
import { channels } from './scripts.ts'
import { openSubTasks } from './sub-tasks.ts'
import { openTaskLog } from './task-log.ts'

/** A job that lost its worker begins again. */
export async function startWorker(own: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  const settings = withAddresses(own, 'storeUrl', 'toolsUrl')
  const { storeUrl: url, node } = settings
  const timing = timingOf(settings)
  const stack = new AsyncDisposableStack()
  const store = stack.use(openRedisStore({ url, timing, patienceMs: Infinity }))
  const outbox = stack.use(openOutbox({ node, url, store, timing }))
  const sweeps = setInterval(() => void outbox.sweep().catch(() => {}), timing.claimPollMs)
  stack.defer(() => clearInterval(sweeps))
  const worker = await startQueueWorker({
    settings,
    timing,
    notify,
    broker: redisBroker(url, timing),
    log: openTaskLog(store, outbox),
    subTasks: openSubTasks(store, outbox, settings),
    accounts: await openAccounts(settings, (given) => openAccountStore(store, given)),
    resumption: () => ({ step: 0, digest: emptyDigest }),
    listen: (heard) =>
      listen({
        url,
        timing,
        channels: [channels.cancel, channels.command],
        onMessage: (channel, taskId) => (channel === channels.cancel ? heard.cancel(taskId) : heard.tell(taskId)),
        onUp: () => {},
      }),
  })
  stack.use(worker)
  return stack
}
