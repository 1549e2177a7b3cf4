import { type KnownTask, type NewTask, backendOver, type TaskLogs } from '../../contract/engine/task-backend.ts'
import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import { openAccounts, shownOf } from '../../contract/engine/accounts.ts'
import type { Backend, ShownAccounts } from '../../contract/engine/backend.ts'
import type { Command } from '../../contract/types/command.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { type Feed, openFeed } from '../../contract/engine/feed.ts'
import { cancelRequestedEvent, commandedEvent } from '../../contract/engine/log.ts'
import { within } from '../../contract/engine/wakeup.ts'
import { connectLimitMs } from '../../contract/engine/workplace.ts'
import { timingOf } from '../_bullmq/declaration.ts'
import { openAccountStore } from './accounts.ts'
import { listen, openRedisStore, type RedisStore } from './connection.ts'
import { openOutbox, type Outbox } from './outbox.ts'
import { append, cancelledTasks, channels, keysOf, noteCancelled, outboxes, publish } from './scripts.ts'
import { acceptTask, lineOf, logReader, newsReader } from './task-log.ts'

export async function openBackend(node: NodeSettings): Promise<Backend> {
  const settings = withAddresses(node, 'storeUrl')
  const logs = new RedisLogs(settings)
  await logs.open(settings)
  return backendOver(logs, settings)
}

/** The API's side: it writes first events, their jobs, and requests to cancel, and reads logs. */
class RedisLogs implements TaskLogs {
  readonly read: (taskId: string) => Promise<readonly TaskEvent[] | undefined>
  accounts: ShownAccounts | undefined
  readonly #patienceMs: number
  readonly #store: RedisStore
  readonly #outbox: Outbox
  readonly #feed: Feed
  readonly #listener: Disposable

  constructor(settings: NodeSettings & { readonly storeUrl: string }) {
    const { node, storeUrl: url } = settings
    const timing = timingOf(settings)
    this.#patienceMs = connectLimitMs(timing)
    this.#store = openRedisStore({ url, timing, patienceMs: this.#patienceMs })
    this.#outbox = openOutbox({ node, url, store: this.#store, timing })
    this.read = logReader(this.#store)
    this.#feed = openFeed(newsReader(this.#store), timing)
    this.#listener = listen({
      url,
      timing,
      channels: [channels.events],
      onMessage: (_channel, taskId) => this.#feed.refresh([taskId]),
      onUp: () => this.#feed.refreshAll(),
    })
  }

  /** Balances, where the settings have any. */
  async open(settings: NodeSettings): Promise<void> {
    this.accounts = shownOf(await openAccounts(settings, (given) => openAccountStore(this.#store, given)))
  }

  async insert({ taskId, fingerprint, created }: NewTask): Promise<KnownTask | undefined> {
    const known = await acceptTask(this.#store, { taskId, fingerprint, created })
    if (known !== null) return { fingerprint: known, log: (await this.read(taskId))! }
    // It is accepted: a job that cannot be made now is made by a worker's sweep.
    await within(this.#patienceMs, this.#outbox.add('tasks', taskId))
    return undefined
  }

  async cancelSubTasks(taskId: string): Promise<void> {
    await this.#store.run(noteCancelled, [cancelledTasks], [channels.cancel, taskId])
  }

  follow(taskId: string, after: number, signal: AbortSignal): AsyncIterable<TaskEvent> {
    return this.#feed.follow(taskId, after, signal)
  }

  requestCancel(known: readonly TaskEvent[]): Promise<boolean> {
    const event = cancelRequestedEvent(known.at(-1)!, new Date())
    return withFaultPoints('queue-redis.cancel', () => this.#request(event, channels.cancel))
  }

  async requestCommand(known: readonly TaskEvent[], command: Command): Promise<'recorded' | 'stale'> {
    const event = commandedEvent(known.at(-1)!, command, new Date())
    const written = await withFaultPoints('queue-redis.command', () => this.#request(event, channels.command))
    return written ? 'recorded' : 'stale'
  }

  /** Whether it was written or not, a worker may have missed an earlier message about it. */
  async #request(event: TaskEvent, channel: string): Promise<boolean> {
    const { task_id, seq } = event
    const { task, log } = keysOf(task_id)
    const values = [task_id, '', seq - 1, 0, 0, lineOf(0, event)]
    const written = await this.#store.run<number>(append, [task, log, outboxes.callbacks], values)
    await this.#store.run(publish, [], [channel, task_id])
    return written === 1
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#feed[Symbol.dispose]()
    this.#listener[Symbol.dispose]()
    await this.#outbox[Symbol.asyncDispose]()
    await this.#store[Symbol.asyncDispose]()
  }
}
