import { withAddresses } from '../../contract/engine/addresses.ts'
import type { Backend } from '../../contract/engine/backend.ts'
import type { NodeSettings } from '../../contract/types/settings.ts'
import { requestOf } from '../../contract/types/fold.ts'
import { backendOver, type TaskLogs } from '../../contract/engine/task-backend.ts'
import { connectLimitMs } from '../../contract/engine/workplace.ts'
import { openListeningFeed } from '../_postgres/feed.ts'
import { openStore } from '../_postgres/store.ts'
import { announcing, newsChannel } from './announcements.ts'
import { openTaskClient } from './client.ts'
import { prepareDatabase } from './database.ts'
import { journalReader, newsReader } from './journal.ts'
import { timingOf } from './timeouts.ts'

/** Of a start, for the database, in real time: no client waits for it, and a busy machine takes its time. */
const startPatienceMs = 10_000

/** The API's side: it enqueues workflows and reads what workers have recorded. It needs no worker for an answer. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  const { node, storeUrl, timeScale } = withAddresses(settings, 'storeUrl')
  const timing = timingOf(settings)
  const patienceMs = connectLimitMs(timing)
  await prepareDatabase({ node, storeUrl, timing }, startPatienceMs)
  const store = openStore({ url: storeUrl, timing, connections: 8, patienceMs })
  const client = await openTaskClient({ node, storeUrl, timing, patienceMs })
  const readJournal = journalReader(store)
  const announce = announcing(store)
  const feed = openListeningFeed({ url: storeUrl, timing, channel: newsChannel }, newsReader(store))
  const logs: TaskLogs = {
    insert: async ({ taskId, created, fingerprint }) => {
      if (await client.start(taskId, { created, fingerprint })) return undefined
      const { accepted, events } = (await readJournal(taskId))!
      return { fingerprint: accepted.fingerprint, log: events }
    },
    read: async (taskId) => (await readJournal(taskId))?.events,
    follow: (taskId, after, signal) => feed.follow(taskId, after, signal),
    requestCancel: async (log) => {
      const taskId = log[0]!.task_id
      await client.cancel(taskId, requestOf(log).delivery !== undefined)
      announce(taskId)
      return true
    },
    [Symbol.asyncDispose]: async () => {
      await feed[Symbol.asyncDispose]()
      await client[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
  return backendOver(logs, { timeScale })
}
