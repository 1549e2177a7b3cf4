import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Backend } from '../engine/backend.ts'
import type { TaskEvent } from '../types/events.ts'
import { isTerminal, type Task } from '../types/task.ts'
import { startTimer, monotonicMs } from '../types/timer.ts'
import { ProblemError } from '../types/problems.ts'
import type { Timing } from '../types/timing.ts'

/** What a node holds open at a time: streams, sockets, answers that are held back. Each costs memory for as long as it is. */
export class Places {
  readonly #most: number
  #taken = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Gives the place back, once; undefined when all are taken. */
  take(): (() => void) | undefined {
    if (this.#taken >= this.#most) return undefined
    this.#taken++
    let isTaken = true
    return () => {
      if (isTaken) this.#taken--
      isTaken = false
    }
  }

  /** Likewise, or the problem that there is none. */
  require(taskId: string): () => void {
    const giveBack = this.take()
    if (giveBack) return giveBack
    throw new ProblemError('temporary-reduced-capacity', 'this node holds as many connections as it may', taskId)
  }
}

/** What a held request needs. */
export interface Holding {
  readonly backend: Backend
  /** Aborts when the node is asked to stop: held requests are answered at once. */
  readonly drain: AbortSignal
  readonly places: Places
}

/** How holding an answer ended. `over`: in its time, or with its client or its log. `full`: it was not held at all. */
export type Held = 'enough' | 'over' | 'leaving' | 'full'

/**
 * Hold a request until an event of the task after `version` is enough; true then. False when the limit was reached,
 * when client or node go away, and at once where this node holds as much as it may.
 */
export async function holdUntil(
  c: Context,
  api: Holding,
  task: Pick<Task, 'task_id' | 'version'>,
  { isEnough, limitMs }: { isEnough: (event: TaskEvent) => boolean; limitMs?: number | undefined },
): Promise<Held> {
  const giveBack = api.places.take()
  if (!giveBack) return 'full'
  const { over, release } = untilEither(c.req.raw.signal, api.drain)
  const { socket } = (c.env as Partial<HttpBindings> | undefined)?.incoming ?? {}
  const silenceMs = socket?.timeout ?? 0
  // We are silent here, and not the client.
  socket?.setTimeout(0)
  const timer = limitMs === undefined ? undefined : startTimer(() => over.abort(), limitMs)
  try {
    for await (const event of api.backend.follow(task.task_id, task.version, over.signal))
      if (isEnough(event)) return 'enough'
    return api.drain.aborted ? 'leaving' : 'over'
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

/** What a long poll came to. */
interface Waited {
  readonly task: Task
  /** The server's holding, or news, has paced the client: it may come back at once. */
  readonly isPaced: boolean
}

/**
 * Long poll. `?wait=S` (seconds, may be fractional) holds the answer until the task is newer than what the client knows
 * (`after`, else `If-None-Match`), for at most the time limit of the contract. Without such a place, without `wait`,
 * for a place beyond the log, and for a terminal task the answer is immediate.
 */
export async function waitForChange(
  c: Context,
  api: Holding & { readonly timing: Timing },
  task: Task,
): Promise<Waited> {
  const waitMs = Math.min(requestedWaitMs(c), api.timing.longPollMs)
  const version = knownVersion(c)
  if (waitMs <= 0 || version === undefined) return { task, isPaced: false }
  if (version !== task.version || isTerminal(task.status)) return { task, isPaced: task.version > version }
  const beganAt = monotonicMs()
  const held = await holdUntil(c, api, task, { isEnough: () => true, limitMs: waitMs })
  const now = (await api.backend.read(task.task_id)) ?? task
  // A node that is full, or leaves, has not held it.
  return { task: now, isPaced: held === 'enough' || (monotonicMs() - beganAt >= waitMs * 0.9 && !api.drain.aborted) }
}

const longestWaitS = 999_999

/** The `wait` of a request in milliseconds; 0 without one. */
function requestedWaitMs(c: Context): number {
  const text = c.req.query('wait')
  if (text === undefined) return 0
  if (/^\d+(\.\d+)?(e-?\d+)?$/i.test(text) && Number(text) <= longestWaitS) return Number(text) * 1000
  throw new ProblemError('validation', `wait: "${text}" is not a number of seconds`)
}

function knownVersion(c: Context): number | undefined {
  const text = c.req.query('after') ?? /^(?:W\/)?"(\d{1,9})"$/.exec(c.req.header('If-None-Match') ?? '')?.[1]
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new ProblemError('validation', `after: "${text}" is not a version`)
}
