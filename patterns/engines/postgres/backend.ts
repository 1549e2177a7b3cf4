import type { Backend, Deliveries, NodeSettings } from '../../contract/engine/backend.ts'
import { foldEvents } from '../../contract/engine/log.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'
import { openDeliveries } from './deliveries.ts'
import { openFeed } from '../../contract/engine/feed.ts'
import { listen } from '../_postgres/listener.ts'
import { migrate } from './schema.ts'
import { openStore, type Statement, type Store } from '../_postgres/store.ts'
import { accept, acceptTask, appendCancelRequest, logReader, newsReader } from '../_postgres/task-log.ts'
import { type StoreTiming, timingOf } from './timeouts.ts'

/** The API's side of the journal: it writes first events and requests to cancel, and reads logs. Workers do the rest. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  return openJournalBackend(settings, {
    timing: timingOf(settings),
    prepare: migrate,
    insert: accept,
    deliveries: openDeliveries,
  })
}

/** What engines that keep their tasks in such tables differ in. */
export interface JournalTables {
  readonly timing: StoreTiming
  /** Create the tables. */
  prepare(store: Store): Promise<void>
  /** As `accept`, with whatever else a new task needs. */
  readonly insert: Statement
  /** Where the engine keeps callbacks on record. */
  readonly deliveries?: (store: Store) => Deliveries
}

export async function openJournalBackend(
  settings: NodeSettings,
  { timing, prepare, insert, deliveries }: JournalTables,
): Promise<Backend> {
  const { storeUrl, timeScale, engine } = settings
  if (!storeUrl) throw new Error(`the ${engine} engine needs OUTLAST_STORE_URL`)
  const store = openStore({
    url: storeUrl,
    timing,
    connections: 8,
    patienceMs: Math.max(1000, timing.connectTimeoutMs),
  })
  await prepare(store)
  const readLog = logReader(store)
  const feed = openFeed(newsReader(store), timing)
  const listener = listen({
    url: storeUrl,
    timing,
    channels: ['outlast_events'],
    onNotification: (_channel, taskIds) => feed.stir(taskIds.split(',')),
    onUp: () => feed.stirAll(),
  })

  async function read(taskId: string): Promise<Task | undefined> {
    const log = await readLog(taskId)
    return log && foldEvents(log)
  }

  /** Until the request is in the log, or the task is past it. */
  async function cancel(taskId: string): Promise<Task | undefined> {
    for (;;) {
      const log = await readLog(taskId)
      const head = log?.at(-1)
      if (!head || isTerminal(head.status) || head.status === 'cancelling') return log && foldEvents(log)
      if (await appendCancelRequest(store, head)) return read(taskId)
    }
  }

  return {
    submit: async (submission) => {
      const { taskId, created } = await acceptTask(store, submission, timeScale, insert)
      const log = created ? [created] : await readLog(taskId)
      return { task: foldEvents(log!), replayed: !created }
    },
    read,
    events: async (taskId, after) => (await readLog(taskId))?.filter((event) => event.seq > after),
    follow: (taskId, after, signal) => feed.follow(taskId, after, signal),
    cancel,
    ...(deliveries && { deliveries: deliveries(store) }),
    [Symbol.asyncDispose]: async () => {
      feed[Symbol.dispose]()
      await listener[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}
