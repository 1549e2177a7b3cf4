import { JobFailed, type ClientPorts, type Job } from './client.ts'
import { describeFailure, exchange, jsonOf, neverSent, retryAfterMs, type Answer } from './http.ts'
import { backoffMs, isRetryable, sleep } from '../types/timer.ts'
import { isUnsure, problem, problemKind, type Problem } from '../types/problems.ts'
import { isPosition, isStatus, type Task, type TaskRequest } from '../types/task.ts'
import { timingAt, type Timing } from '../types/timing.ts'

export interface Accepted {
  readonly task: Task
  /** Index of the replica that accepted it. */
  readonly replica: number
  readonly status: number
  /** The server's advice when to look again. */
  readonly retryAfterMs: number | undefined
}

export interface SubmitOptions {
  readonly delivery?: TaskRequest['delivery']
  readonly headers?: Record<string, string>
  /** Longest wait for an answer; `requestTimeoutMs` by default. */
  readonly limitMs?: number
  /** Says whether an answer with a task is what was asked for; by default it always is. */
  readonly isDone?: (task: Task) => boolean
}

/**
 * Submit until accepted, always with the job's key. A sticky client begins at the replica of its ordinal and moves on
 * only after a definite refusal; another client takes the next replica at every attempt.
 * Rejects with JobFailed(`refused`) when the request itself is refused, or when time is up and every attempt was
 * definitely refused; with the abort reason when time is up and nobody knows.
 */
export async function submitJob(
  job: Job,
  ports: ClientPorts,
  signal: AbortSignal,
  options: SubmitOptions = {},
): Promise<Accepted> {
  const state = { attempt: 0, moves: 0, unknown: 0 }
  try {
    for (;;) {
      signal.throwIfAborted()
      const attempt = await submitOnce(job, ports, signal, options, state)
      if ('task' in attempt) return attempt
      await sleep(pause(attempt, ports, state), signal)
    }
  } catch (error) {
    if (!signal.aborted || state.unknown > 0 || state.attempt === 0) throw error
    throw new JobFailed('refused', `refused ${state.attempt} times`)
  }
}

interface SubmitState {
  attempt: number
  /** How often the client went on to another replica. */
  moves: number
  /** Attempts whose outcome nobody knows. */
  unknown: number
}

interface Failure {
  readonly definite: boolean
  readonly retryAfterMs?: number
}

async function submitOnce(
  job: Job,
  ports: ClientPorts,
  signal: AbortSignal,
  options: SubmitOptions,
  state: SubmitState,
): Promise<Accepted | Failure> {
  const replica = (job.ordinal + state.moves) % ports.apis.length
  const { name: api, url } = ports.apis[replica]!
  const seen = { attempt: ++state.attempt, api }
  ports.observe(job.key, { f: 'submit', type: 'invoke', value: seen })
  let answer: Answer
  try {
    const call = { method: 'POST' as const, url: `${url}/v1/tasks`, ...requestOf(job, ports, options) }
    answer = await exchange(ports.dispatcher, call, options.limitMs ?? timingOf(ports).requestTimeoutMs, signal)
  } catch (error) {
    const definite = neverSent(error)
    const type = definite ? 'fail' : 'info'
    ports.observe(job.key, { f: 'submit', type, value: seen, error: describeFailure(error) })
    const failure = failed(definite, ports, state)
    signal.throwIfAborted()
    return failure
  }
  return judge(answer, { job, ports, options, state, seen, replica })
}

interface Attempt {
  readonly job: Job
  readonly ports: ClientPorts
  readonly options: SubmitOptions
  readonly state: SubmitState
  readonly seen: { attempt: number; api: string }
  readonly replica: number
}

function judge(answer: Answer, { job, ports, options, state, seen, replica }: Attempt): Accepted | Failure {
  const { status } = answer
  const task = status === 200 || status === 202 ? taskOf(answer) : undefined
  if (task && (options.isDone?.(task) ?? true)) {
    const replayed = answer.header('idempotent-replayed') === 'true'
    const value = { ...seen, taskId: task.task_id, replayed, status }
    ports.observe(job.key, { f: 'submit', type: 'ok', value })
    return { task, replica, status, retryAfterMs: retryAfterMs(answer) }
  }
  const document = problemOf(answer)
  const definite = document !== undefined && !isUnsure(problemKind(document.type)) && document.task_id === undefined
  const error = document ? `${document.type}: ${document.detail ?? document.title}` : `HTTP ${status}`
  ports.observe(job.key, { f: 'submit', type: definite ? 'fail' : 'info', value: { ...seen, status }, error })
  if (definite && !isRetryable(status)) throw new JobFailed('refused', error)
  const after = retryAfterMs(answer)
  return { ...failed(definite, ports, state), ...(after !== undefined && { retryAfterMs: after }) }
}

function failed(definite: boolean, ports: ClientPorts, state: SubmitState): Failure {
  if (!definite) state.unknown++
  if (definite || !ports.sticky) state.moves++
  return { definite }
}

/** A refusal costs nothing, so the next replica is tried at once; after a whole round of them the client backs off. */
function pause({ definite, retryAfterMs = 0 }: Failure, ports: ClientPorts, state: SubmitState): number {
  if (definite && state.attempt % ports.apis.length !== 0) return 0
  return Math.max(retryAfterMs, backoffMs(timingOf(ports), state.attempt - 1, ports.random()))
}

function requestOf(job: Job, ports: ClientPorts, { delivery, headers }: SubmitOptions) {
  const request = { type: job.type ?? 'agent', input: job.input, ...(delivery && { delivery }) }
  const own = { 'content-type': 'application/json', 'idempotency-key': `"${job.key}"` }
  return { headers: { ...authorization(ports), ...own, ...headers }, body: JSON.stringify(request) }
}

export function authorization(ports: ClientPorts): Record<string, string> {
  return { authorization: `Bearer ${ports.token}` }
}

let lastTiming: { readonly scale: number; readonly timing: Timing } | undefined

/** Thousands of clients share one scale: its table is made once. */
export function timingOf({ timeScale }: ClientPorts): Timing {
  if (lastTiming?.scale !== timeScale) lastTiming = { scale: timeScale, timing: timingAt(timeScale) }
  return lastTiming.timing
}

/** The task in an answer, or undefined for an answer that holds none: also one with a state or a version that no task has. */
export function taskOf(answer: Answer): Task | undefined {
  const value = jsonOf(answer) as Partial<Task> | null | undefined
  if (typeof value?.task_id !== 'string' || !isStatus(value.status)) return undefined
  const digest: unknown = value.result?.digest ?? ''
  return isPosition(value.version) && typeof digest === 'string' ? (value as Task) : undefined
}

/** The problem document in an answer, or undefined: then whoever answered was not the API. */
export function problemOf(answer: Answer): Problem | undefined {
  return problem.safeParse(jsonOf(answer)).data
}
