import { Queue } from 'bullmq'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { logFailure } from '../../contract/engine/log-error.ts'
import { attempts, queueNames } from '../_bullmq/queues.ts'
import type { QueueTiming } from '../_bullmq/declaration.ts'
import { redisBroker, type RedisStore } from './connection.ts'
import { outboxes, overdue, settle } from './scripts.ts'

type QueueName = keyof typeof queueNames

export interface OutboxOptions {
  readonly node: string
  readonly url: string
  readonly store: RedisStore
  readonly timing: QueueTiming
}

/** From the log to the queue. */
export interface Outbox extends AsyncDisposable {
  /** Make a task's job, or its callback's; one that is there already stays. Never rejects: a sweep repeats what failed. */
  add(queue: QueueName, taskId: string): Promise<void>
  /** Add jobs that are overdue: the node that wrote the task could not. */
  sweep(): Promise<void>
}

/**
 * Task and job are two writes: the library's scripts take no part in ours. So the task says that it needs a job until it has one.
 * A job's id is its task's: adding it again changes nothing, and a job that comes back after its task's end finds nothing to do.
 */
export function openOutbox({ node, url, store, timing }: OutboxOptions): Outbox {
  const { backend, connection } = redisBroker(url, timing)
  const report = (error: unknown): void => logFailure(node, 'outbox', error)
  const open = (name: QueueName) => new Queue(queueNames[name], { connection }, backend).on('error', report)
  const queues = { tasks: open('tasks'), callbacks: open('callbacks') }
  const backoff = { type: 'exponential', delay: timing.backoffBaseMs }

  async function add(queue: QueueName, taskId: string): Promise<void> {
    try {
      const addJob = () => queues[queue].add(queueNames[queue], {}, { jobId: taskId, attempts, backoff })
      await withFaultPoints('queue-redis.add', addJob)
      await withFaultPoints('queue-redis.settle', () => store.run(settle, [outboxes[queue]], [taskId]))
    } catch (error) {
      report(error)
    }
  }

  return {
    add,
    sweep: async () => {
      for (const queue of ['tasks', 'callbacks'] as const) {
        const waiting = await store.run<string[]>(overdue, [outboxes[queue]], [timing.claimPollMs])
        for (const taskId of waiting) await add(queue, taskId)
      }
    },
    [Symbol.asyncDispose]: async () => void (await Promise.all(Object.values(queues).map((queue) => queue.close()))),
  }
}
