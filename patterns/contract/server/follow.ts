import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Backend } from '../engine/backend.ts'
import type { Places } from './places.ts'
import type { TaskEvent } from '../types/events.ts'
import { isTerminal, type Task } from '../types/task.ts'
import { startTimer } from '../types/timer.ts'

/** What a held request needs. */
export interface Holding {
  readonly backend: Backend
  /** Aborts when the node is asked to stop: held requests are answered at once. */
  readonly drain: AbortSignal
  readonly places: Places
}

/**
 * Hold a request until an event of the task after `version` is enough; true then. False when the limit was reached,
 * when client or node go away, and at once where this node holds as much as it may.
 */
export async function holdUntil(
  c: Context,
  api: Holding,
  task: Pick<Task, 'task_id' | 'version'>,
  { isEnough, limitMs }: { isEnough: (event: TaskEvent) => boolean; limitMs?: number | undefined },
): Promise<boolean> {
  const giveBack = api.places.take()
  if (!giveBack) return false
  const { over, release } = untilEither(c.req.raw.signal, api.drain)
  const { socket } = (c.env as Partial<HttpBindings> | undefined)?.incoming ?? {}
  const silenceMs = socket?.timeout ?? 0
  // We are silent here, and not the client.
  socket?.setTimeout(0)
  const timer = limitMs === undefined ? undefined : startTimer(() => over.abort(), limitMs)
  try {
    for await (const event of api.backend.follow(task.task_id, task.version, over.signal))
      if (isEnough(event)) return true
    return false
  } finally {
    timer?.cancel()
    release()
    socket?.setTimeout(silenceMs)
    giveBack()
  }
}

/** The log ended at this place or before it: a follower from here would wait for ever. */
export function nothingFollows(task: Task, after: number): boolean {
  return isTerminal(task.status) && after >= task.version
}

/** A controller that aborts with either signal. `release` takes its listeners off: the signals may live much longer. */
export function untilEither(a: AbortSignal, b: AbortSignal): { over: AbortController; release: () => void } {
  const over = new AbortController()
  const stop = (): void => over.abort()
  for (const signal of [a, b]) {
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  }
  const release = (): void => {
    for (const signal of [a, b]) signal.removeEventListener('abort', stop)
  }
  return { over, release }
}
