import { JobFailed, type ClientPorts, type Job } from '../../contract/client/client.ts'
import { describeFailure, exchange, retryAfterMs, type Answer } from '../../contract/client/http.ts'
import { backoffMs, sleep } from '../../contract/types/timer.ts'
import { problemKind } from '../../contract/types/problems.ts'
import { authorization, problemOf, taskOf, timingOf } from '../../contract/client/submit.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'

/** What a polling client remembers of a task. */
export interface Watch {
  task: Task
  /** Replica of the next read: the one that accepted the task, or the next one in turn. */
  replica: number
  /** Reads in a row that the server answered with `not-found`. */
  missing: number
  /** Reads in a row without a usable answer. */
  failures: number
}

export function watchTask(task: Task, replica: number): Watch {
  return { task, replica, missing: 0, failures: 0 }
}

export interface PollOptions {
  /** Ask the server to hold the answer until something changes. */
  readonly longPoll: boolean
  /** Shortest time between reads, whatever the server advises; for who only makes sure. */
  readonly everyMs?: number
  readonly signal: AbortSignal
}

/**
 * Poll until the task has ended. Conditional reads (ETag); waits as the server advises, with full-jitter backoff after
 * errors. Rejects with JobFailed(`gone`) once two reads in a row say that the task is unknown; where replicas share
 * their tasks, these are reads at two replicas. Rejects with the abort reason when the signal aborts.
 */
export async function pollUntilEnd(job: Job, ports: ClientPorts, watch: Watch, options: PollOptions): Promise<Task> {
  for (;;) {
    const delayMs = await pollOnce(job, ports, watch, options)
    if (isTerminal(watch.task.status)) return watch.task
    if (delayMs > 0) await sleep(Math.max(delayMs, options.everyMs ?? 0), options.signal)
  }
}

/** One read. Resolves with the time to wait before the next one. */
async function pollOnce(job: Job, ports: ClientPorts, watch: Watch, options: PollOptions): Promise<number> {
  const taskId = watch.task.task_id
  const { longPollMs, requestTimeoutMs } = timingOf(ports)
  const { url } = ports.apis[watch.replica]!
  const query = options.longPoll ? `?wait=${(longPollMs / 1000).toFixed(3)}` : ''
  const headers = { ...authorization(ports), 'if-none-match': `"${watch.task.version}"` }
  const call = { method: 'GET' as const, url: `${url}/v1/tasks/${taskId}${query}`, headers }
  const began = ports.now()
  try {
    const answer = await exchange(ports.dispatcher, call, requestTimeoutMs, options.signal)
    return takeAnswer(answer, job, ports, watch, ports.now() - began)
  } catch (error) {
    if (error instanceof JobFailed) throw error
    const value = { taskId, waitedMs: ports.now() - began }
    ports.observe(job.key, { f: 'poll', type: 'fail', value, error: describeFailure(error) })
    options.signal.throwIfAborted()
    return retryLater(ports, watch)
  } finally {
    if (!ports.sticky) watch.replica = (watch.replica + 1) % ports.apis.length
  }
}

function takeAnswer(answer: Answer, job: Job, ports: ClientPorts, watch: Watch, waitedMs: number): number {
  const { status: httpStatus } = answer
  const fresh = httpStatus === 200 ? taskOf(answer) : undefined
  if (fresh?.task_id === watch.task.task_id || httpStatus === 304) {
    // Replicas may lag behind each other: what the client knows never goes back.
    if (fresh && fresh.version > watch.task.version) learn(fresh, ports, watch)
    const { task_id: taskId, status, version } = fresh ?? watch.task
    ports.observe(job.key, { f: 'poll', type: 'ok', value: { taskId, status, version, httpStatus, waitedMs } })
    watch.missing = watch.failures = 0
    return retryAfterMs(answer) ?? timingOf(ports).retryAfterMs
  }
  const taskId = watch.task.task_id
  const document = problemOf(answer)
  const error = document ? `${document.type}: ${document.detail ?? document.title}` : `HTTP ${httpStatus}`
  ports.observe(job.key, { f: 'poll', type: 'fail', value: { taskId, httpStatus, waitedMs }, error })
  if (!document || problemKind(document.type) !== 'not-found') return retryLater(ports, watch, retryAfterMs(answer))
  if (++watch.missing >= 2) throw new JobFailed('gone', `task ${taskId} is not known any more`, taskId)
  return 0
}

function learn(fresh: Task, ports: ClientPorts, watch: Watch): void {
  watch.task = fresh
  ports.onProgress?.(fresh)
}

function retryLater(ports: ClientPorts, watch: Watch, atLeastMs = 0): number {
  watch.missing = 0
  return Math.max(atLeastMs, backoffMs(timingOf(ports), watch.failures++, ports.random()))
}
