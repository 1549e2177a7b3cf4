import type { BackendFactory, IQueueBackend } from 'bullmq'

/** The library's queues: one job per task, one per callback that is owed. A job's id is its task's. */
export const queueNames = { tasks: 'tasks', callbacks: 'callbacks' } as const

/** Tries of a job that throws, which no task does that merely fails. A lost worker costs none. */
export const attempts = 3

/** One of the databases on which the library keeps its queues. */
export interface Broker<B extends IQueueBackend, C> {
  readonly backend: BackendFactory<B, C>
  readonly connection: C
}
