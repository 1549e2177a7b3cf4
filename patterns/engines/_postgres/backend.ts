import { randomUUID } from 'node:crypto'
import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import type { Backend, Deliveries } from '../../contract/engine/backend.ts'
import type { StoreTiming } from '../../contract/engine/store-timeouts.ts'
import { backendOver, type TaskLogs } from '../../contract/engine/task-backend.ts'
import { connectLimitMs } from '../../contract/engine/workplace.ts'
import { openAccounts, shownOf } from '../../contract/engine/accounts.ts'
import { openAccountStore } from './accounts.ts'
import { openListeningFeed } from './listener.ts'
import { openStore, type Statement, type Store } from './store.ts'
import { noteCancelled } from './sub-tasks.ts'
import {
  appendCancelRequest,
  appendCommand,
  insertOnce,
  logReader,
  newsChannel,
  newsReader,
  taskHasEnded,
} from './task-log.ts'

/** What engines differ in whose tasks are in these tables. */
export interface LogTables {
  readonly timing: StoreTiming
  create(store: Store): Promise<void>
  readonly insert: Statement
  /** Where the engine keeps callbacks on record. */
  readonly deliveries?: (store: Store) => Deliveries
}

/** The API's side of the task log: it writes first events and requests to cancel, and reads logs. Workers do the rest. */
export async function openLogBackend(settings: NodeSettings, tables: LogTables): Promise<Backend> {
  const { storeUrl: url, timeScale } = withAddresses(settings, 'storeUrl')
  const { timing, insert, deliveries } = tables
  const store = openStore({ url, timing, connections: 8, patienceMs: connectLimitMs(timing) })
  await tables.create(store)
  const accounts = await openAccounts(settings, (given) => openAccountStore(store, given, taskHasEnded))
  const read = logReader(store)
  const feed = openListeningFeed({ url, timing, channel: newsChannel }, newsReader(store))
  const logs: TaskLogs = {
    insert: (task) => insertOnce(store, insert, read, task),
    read,
    follow: (taskId, after, signal) => feed.follow(taskId, after, signal),
    requestCancel: (log) => appendCancelRequest(store, log.at(-1)!),
    requestCommand: (log, command) => appendCommand(store, log.at(-1)!, command),
    cancelSubTasks: (taskId) => noteCancelled(store, taskId),
    ...(deliveries && { deliveries: deliveries(store) }),
    accounts: shownOf(accounts),
    [Symbol.asyncDispose]: async () => {
      await feed[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
  return backendOver(logs, { timeScale, idOf: () => `task_${randomUUID()}` })
}
