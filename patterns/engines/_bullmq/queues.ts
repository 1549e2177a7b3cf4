import type { BackendFactory, IQueueBackend } from 'bullmq'
import { sleep } from '../../contract/types/timer.ts'

/** The library's queues: one job per task, one per callback that is owed. A job's id is its task's. */
export const queueNames = { tasks: 'tasks', callbacks: 'callbacks' } as const

/** Tries of a job that throws, which no task does that merely fails. A lost worker costs none. */
export const attempts = 3

/** One of the databases on which the library keeps its queues. */
export interface Broker<B extends IQueueBackend, C> {
  readonly backend: BackendFactory<B, C>
  readonly connection: C
}

interface Opened {
  waitUntilReady(): Promise<unknown>
  close(): Promise<unknown>
}

/**
 * A queue or worker of the library that has reached its database. One whose first connection fails keeps that error for
 * good, and stays deaf: so it is reported, and another one is opened, for as long as it takes.
 */
export async function openReady<T extends Opened>(
  open: () => T,
  retryMs: number,
  report: (error: unknown) => void,
): Promise<T> {
  for (;;) {
    const opened = open()
    try {
      await opened.waitUntilReady()
      return opened
    } catch (error) {
      report(error)
      await opened.close().catch(() => {})
      await sleep(retryMs, never)
    }
  }
}

const never = new AbortController().signal
