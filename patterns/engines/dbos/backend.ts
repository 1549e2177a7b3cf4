import { hash } from 'node:crypto'
import { planTask } from '../../agent/plan.ts'
import type { Backend, NodeSettings, Submission } from '../../contract/engine/backend.ts'
import { createdEvent, foldEvents, requestOf } from '../../contract/engine/log.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'
import { openFeed } from '../../contract/engine/feed.ts'
import { listen } from '../_postgres/listener.ts'
import { openStore } from '../_postgres/store.ts'
import { announcing, newsChannel } from './announcements.ts'
import { openTaskClient, type TaskClient } from './client.ts'
import { prepareDatabase } from './database.ts'
import { type Journal, journalReader, newsReader } from './journal.ts'
import { timingOf } from './timeouts.ts'

/** Of a start, for the database, in real time: no client waits for it, and a busy machine takes its time. */
const startPatienceMs = 10_000

type ReadJournal = (taskId: string) => Promise<Journal | undefined>

/** The API's side: it enqueues workflows and reads what workers have recorded. It needs no worker for an answer. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  const { node, storeUrl, timeScale } = settings
  if (!storeUrl) throw new Error('the dbos engine needs OUTLAST_STORE_URL')
  const timing = timingOf(settings)
  const patienceMs = Math.max(1000, timing.connectTimeoutMs)
  await prepareDatabase({ node, storeUrl, timing }, startPatienceMs)
  const store = openStore({ url: storeUrl, timing, connections: 8, patienceMs })
  const client = await openTaskClient({ node, storeUrl, timing, patienceMs })
  const readJournal = journalReader(store)
  const announce = announcing(store)
  const feed = openFeed(newsReader(store), timing)
  const listener = listen({
    url: storeUrl,
    timing,
    channels: [newsChannel],
    onNotification: (_channel, taskIds) => feed.stir(taskIds.split(',')),
    onUp: () => feed.stirAll(),
  })
  return {
    submit: (submission) => submit(client, readJournal, submission, timeScale),
    read: async (taskId) => taskIn(await readJournal(taskId)),
    events: async (taskId, after) => (await readJournal(taskId))?.events.slice(after),
    follow: (taskId, after, signal) => feed.follow(taskId, after, signal),
    cancel: async (taskId) => {
      const journal = await readJournal(taskId)
      if (!journal || isTerminal(journal.events.at(-1)!.status)) return taskIn(journal)
      await client.cancel(taskId, requestOf(journal.events).delivery !== undefined)
      announce(taskId)
      return taskIn(await readJournal(taskId))
    },
    [Symbol.asyncDispose]: async () => {
      feed[Symbol.dispose]()
      await listener[Symbol.asyncDispose]()
      await client[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

/** The workflow's id follows from the key, so the database itself refuses a second one: no race, and no index of ours. */
async function submit(
  client: TaskClient,
  readJournal: ReadJournal,
  { key, fingerprint, request }: Submission,
  timeScale: number,
): Promise<{ task: Task; replayed: boolean }> {
  const taskId = `task_${hash('sha256', key, 'hex').slice(0, 32)}`
  const created = createdEvent(taskId, request, planTask(request.input, timeScale), new Date())
  if (await client.start(taskId, { created, fingerprint })) return { task: foldEvents([created]), replayed: false }
  const known = await readJournal(taskId)
  if (known?.accepted.fingerprint === fingerprint) return { task: foldEvents(known.events), replayed: true }
  throw new ProblemError('idempotency-key-reused', 'this Idempotency-Key came with another request', taskId)
}

function taskIn(journal: Journal | undefined): Task | undefined {
  return journal && foldEvents(journal.events)
}
