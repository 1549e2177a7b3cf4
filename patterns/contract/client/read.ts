import { JobFailed } from './client.ts'
import { taskApi } from './dialect.ts'
import { describeFailure, exchange, retryAfterMs, traceOf, type Answer } from './http.ts'
import { describeAnswer } from './meaning.ts'
import type { Talk } from './talk.ts'
import type { Task } from '../types/task.ts'

/** What a reading client knows of a task. */
export interface Watch {
  task: Task
  /** The validator of the last representation that came: it is the server's, and the client makes up none. */
  etag?: string | undefined
  /** Replica of the next read: the one that accepted the task, or the next one in turn. */
  replica: number
}

/** A task of which no more is known than its id: everything that the server says is newer. */
export function unread(taskId: string): Task {
  return { task_id: taskId, version: 0, status: 'queued' } as Task
}

export interface ReadOptions {
  /** Ask the server to hold the answer until something changes. */
  readonly longPoll: boolean
  /** Shortest time between reads, whatever the server advises; for who only makes sure. */
  readonly everyMs?: number
  readonly signal: AbortSignal
}

/**
 * One conditional read (ETag), when its turn has come. True when its answer was the task, changed or not. Rejects with
 * JobFailed once a final answer is proved; with the abort reason when the signal aborts.
 */
export async function readTask(talk: Talk, watch: Watch, options: ReadOptions): Promise<boolean> {
  const { job, ports, timing, pace } = talk
  await pace.turn('read', options.signal)
  const taskId = watch.task.task_id
  const { url } = ports.apis[watch.replica]!
  const condition = { etag: watch.etag, waitMs: options.longPoll ? timing.longPollMs : undefined }
  const { headers, ...asked } = (ports.dialect ?? taskApi).read(watch.task, url, ports, condition)
  const call = { ...asked, headers: { ...traceOf(job), ...headers } }
  const began = ports.now()
  try {
    const answer = await exchange(ports.dispatcher, call, timing.requestTimeoutMs, options.signal)
    return takeAnswer(answer, talk, watch, { waitedMs: ports.now() - began, everyMs: options.everyMs ?? 0 })
  } catch (error) {
    if (error instanceof JobFailed) throw error
    const value = { taskId, waitedMs: ports.now() - began }
    ports.observe(job.key, { f: 'poll', type: 'fail', value, error: describeFailure(error) })
    // Given up or not: it went out.
    pace.arrived('read')
    options.signal.throwIfAborted()
    talk.failed('read', error, { atLeastMs: options.everyMs ?? 0 })
    return false
  } finally {
    if (!ports.sticky) watch.replica = (watch.replica + 1) % ports.apis.length
  }
}

interface Spent {
  readonly waitedMs: number
  readonly everyMs: number
}

function takeAnswer(answer: Answer, talk: Talk, watch: Watch, { waitedMs, everyMs }: Spent): boolean {
  const { job, ports, timing } = talk
  const { status: httpStatus } = answer
  const fresh = (ports.dialect ?? taskApi).taskOf(answer, job, watch.task)
  const isOther = fresh && fresh.task_id !== watch.task.task_id
  if ((!fresh && httpStatus !== 304) || isOther) {
    const value = { taskId: watch.task.task_id, httpStatus, waitedMs }
    ports.observe(job.key, { f: 'poll', type: 'fail', value, error: describeAnswer(answer) })
    talk.refused('read', answer, { atLeastMs: everyMs })
    return false
  }
  if (fresh) watch.etag = answer.header('etag')
  const { task_id: taskId, status, version } = fresh ?? watch.task
  ports.observe(job.key, { f: 'poll', type: 'ok', value: { taskId, status, version, httpStatus, waitedMs } })
  // Replicas may lag behind each other: what the client knows never goes back.
  const isNews = fresh !== undefined && fresh.version > watch.task.version
  if (isNews) learn(fresh, talk, watch)
  const { status_reason: why } = fresh ?? watch.task
  talk.heard('read', `HTTP ${httpStatus}, the task is ${status}${why === undefined ? '' : ` (${why})`}`)
  // Advice to come back at once is for an answer that was held until there was news.
  const quietMs = isNews ? 0 : timing.paceMs - waitedMs
  talk.pace.pause('read', {
    adviceMs: retryAfterMs(answer) ?? timing.retryAfterMs,
    atLeastMs: Math.max(quietMs, everyMs),
  })
  return true
}

function learn(fresh: Task, { ports }: Talk, watch: Watch): void {
  watch.task = fresh
  ports.onProgress?.(fresh)
}
