import { hash } from 'node:crypto'
import { planTask } from '../../agent/plan.ts'
import type { Backend, NodeSettings, Submission } from '../../contract/engine/backend.ts'
import { cancelRequestedEvent, createdEvent, foldEvents } from '../../contract/engine/log.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'
import { within } from '../../contract/engine/wakeup.ts'
import { openFeed } from '../../contract/engine/feed.ts'
import { timingOf } from '../_bullmq/timeouts.ts'
import { lineOf, logReader, newsReader } from './task-log.ts'
import { listen, openRedisStore } from './connection.ts'
import { openOutbox } from './outbox.ts'
import { accept, append, channels, keysOf, outboxes, publishCancel } from './scripts.ts'

/** The API's side: it writes first events, their jobs, and requests to cancel, and reads logs. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  const { node, storeUrl: url, timeScale } = settings
  if (!url) throw new Error('the queue-redis engine needs OUTLAST_STORE_URL')
  const timing = timingOf(settings)
  const patienceMs = Math.max(1000, timing.connectTimeoutMs)
  const store = openRedisStore({ url, timing, patienceMs })
  const outbox = openOutbox({ node, url, store, timing })
  const readLog = logReader(store)
  const feed = openFeed(newsReader(store), timing)
  const listener = listen({
    url,
    timing,
    channels: [channels.events],
    onMessage: (_channel, taskId) => feed.stir([taskId]),
    onUp: () => feed.stirAll(),
  })

  async function read(taskId: string): Promise<Task | undefined> {
    const log = await readLog(taskId)
    return log && foldEvents(log)
  }

  /** The task's id follows from the key: no race, and no index. */
  async function submit({ key, fingerprint, request }: Submission): Promise<{ task: Task; replayed: boolean }> {
    const taskId = `task_${hash('sha256', key, 'hex').slice(0, 32)}`
    const created = createdEvent(taskId, request, planTask(request.input, timeScale), new Date())
    const { task, log } = keysOf(taskId)
    const values = [taskId, fingerprint, lineOf(0, created)]
    const insert = () => store.run<string | null>(accept, [task, log, outboxes.tasks], values)
    const known = await withFaultPoints('queue-redis.accept', insert)
    if (known !== null && known !== fingerprint)
      throw new ProblemError('idempotency-key-reused', 'this Idempotency-Key came with another request', taskId)
    if (known !== null) return { task: (await read(taskId))!, replayed: true }
    // It is accepted: a job that cannot be made now is made by a worker's sweep.
    await within(patienceMs, outbox.add('tasks', taskId))
    return { task: foldEvents([created]), replayed: false }
  }

  /** Until the request is in the log, or the task is past it. */
  async function cancel(taskId: string): Promise<Task | undefined> {
    for (;;) {
      const known = await readLog(taskId)
      const head = known?.at(-1)
      if (!head || isTerminal(head.status) || head.status === 'cancelling') return known && foldEvents(known)
      const { task, log } = keysOf(taskId)
      const values = [taskId, '', head.seq, 0, 0, lineOf(0, cancelRequestedEvent(head, new Date()))]
      await withFaultPoints('queue-redis.cancel', () => store.run(append, [task, log, outboxes.callbacks], values))
      await store.run(publishCancel, [], [taskId])
    }
  }

  return {
    submit,
    read,
    events: async (taskId, after) => (await readLog(taskId))?.slice(after),
    follow: (taskId, after, signal) => feed.follow(taskId, after, signal),
    cancel,
    [Symbol.asyncDispose]: async () => {
      feed[Symbol.dispose]()
      listener[Symbol.dispose]()
      await outbox[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}
