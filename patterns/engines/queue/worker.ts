import { createPostgresBackend } from 'bullmq'
import { emptyDigest } from '../../agent/plan.ts'
import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { completedSteps } from '../../contract/types/fold.ts'
import type { StoreTiming } from '../../contract/engine/store-timeouts.ts'
import { timingOf } from '../_bullmq/declaration.ts'
import { startQueueWorker } from '../_bullmq/worker.ts'
import { openAccounts } from '../../contract/engine/accounts.ts'
import { openAccountStore } from '../_postgres/accounts.ts'
import { listen } from '../_postgres/listener.ts'
import { connectionOptions, openStore } from '../_postgres/store.ts'
import { cancelChannel, openSubTasks } from '../_postgres/sub-tasks.ts'
import { commandChannel, insertOnce, taskHasEnded } from '../_postgres/task-log.ts'
import { memo } from './engine.ts'
import { createSchema, insertWithJob, openTaskLog } from './task-log.ts'

/**
 * A job that lost its worker begins again: from step 1, or in the variant with a memo after the last step in the log.
 */
export async function startWorker(node: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  const settings = withAddresses(node, 'storeUrl', 'toolsUrl')
  const { storeUrl: url } = settings
  const timing = timingOf(settings)
  const stack = new AsyncDisposableStack()
  const store = stack.use(openStore({ url, timing, connections: 6, patienceMs: Infinity }))
  await createSchema(store, url, timing)
  const log = openTaskLog(store, settings)
  const insert = insertWithJob(settings)
  const worker = await startQueueWorker({
    settings,
    timing,
    notify,
    broker: postgresBroker(url, timing),
    log,
    subTasks: {
      ...openSubTasks(store, settings),
      accept: (task) => insertOnce(store, insert, log.read, task),
    },
    accounts: await openAccounts(settings, (given) => openAccountStore(store, given, taskHasEnded)),
    resumption: settings.engine === memo.name ? completedSteps : () => ({ step: 0, digest: emptyDigest }),
    listen: (heard) =>
      listen({
        url,
        timing,
        channels: [cancelChannel, commandChannel],
        onNotification: (channel, taskId) => (channel === cancelChannel ? heard.cancel(taskId) : heard.tell(taskId)),
        onUp: () => {},
      }),
  })
  stack.use(worker)
  return stack
}

/** Connections of their own, which the library opens and mends. */
export function postgresBroker(url: string, timing: StoreTiming) {
  const connection = { ...connectionOptions(url, timing), max: 4 }
  return { backend: createPostgresBackend, connection }
}
