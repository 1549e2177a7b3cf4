import type { Backend, NodeSettings } from '../../contract/backend.ts'
import { foldEvents } from '../../contract/log.ts'
import { isTerminal, type Task } from '../../contract/task.ts'
import { openDeliveries } from './deliveries.ts'
import { openFeed } from './feed.ts'
import { listen } from './listener.ts'
import { migrate } from './schema.ts'
import { openStore } from './store.ts'
import { acceptTask, appendCancelRequest, logReader, newsReader } from './tasks.ts'
import { timingOf } from './timeouts.ts'

/** The API's side of the journal: it writes first events and requests to cancel, and reads logs. Workers do the rest. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  const { storeUrl, timeScale } = settings
  if (!storeUrl) throw new Error('the postgres engine needs OUTLAST_STORE_URL')
  const timing = timingOf(settings)
  const store = openStore({
    url: storeUrl,
    timing,
    connections: 8,
    patienceMs: Math.max(1000, timing.connectTimeoutMs),
  })
  await migrate(store)
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
      const { taskId, created } = await acceptTask(store, submission, timeScale)
      const log = created ? [created] : await readLog(taskId)
      return { task: foldEvents(log!), replayed: !created }
    },
    read,
    events: async (taskId, after) => (await readLog(taskId))?.filter((event) => event.seq > after),
    follow: (taskId, after, signal) => feed.follow(taskId, after, signal),
    cancel,
    deliveries: openDeliveries(store),
    [Symbol.asyncDispose]: async () => {
      feed[Symbol.dispose]()
      await listener[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}
