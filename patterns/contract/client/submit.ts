import { JobFailed } from './client.ts'
import { taskApi } from './dialect.ts'
import { describeFailure, exchange, neverSent, retryAfterMs, traceOf, type Answer } from './http.ts'
import { describeAnswer, isUndone, wasTurnedAway } from './meaning.ts'
import { readTask, unread } from './read.ts'
import type { Talk } from './talk.ts'
import type { Task, TaskRequest } from '../types/task.ts'

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
  /** Ids of tasks of which there was word at an address that only this job has. */
  readonly heardOf?: () => readonly string[]
}

/**
 * Submit until accepted, always with the job's key. A sticky client begins at the replica of its ordinal and moves on
 * only after a definite refusal; another client takes the next replica at every attempt.
 * Rejects with JobFailed(`refused`) when the request itself is refused, or when time is up and every attempt was
 * definitely refused; with the abort reason when time is up and nobody knows; with RangeError for a key that is none.
 */
export async function submitJob(talk: Talk, options: SubmitOptions = {}): Promise<Accepted> {
  const { signal } = talk
  requireKey(talk.job.key)
  const state = { attempt: 0, moves: 0, doubts: 0, mayHaveBegun: false }
  try {
    for (;;) {
      await talk.pace.turn('submit', signal)
      const accepted = await submitOnce(talk, options, state)
      if (!accepted) continue
      talk.follow(accepted.task.task_id, talk.ports.now())
      return accepted
    }
  } catch (error) {
    if (!signal.aborted || state.doubts > 0 || state.attempt === 0) throw error
    const tries = `${state.attempt} ${state.attempt === 1 ? 'attempt' : 'attempts'}`
    throw new JobFailed('refused', `not accepted before time was up, in ${tries}; the last answer: ${talk.last}`)
  }
}

/** What no header can carry would be sent by nobody, again and again. */
function requireKey(key: string): void {
  if (/^[!#-~]{1,128}$/.test(key)) return
  throw new RangeError('the idempotency key: 1 to 128 visible ASCII characters, and no quotation mark')
}

interface SubmitState {
  attempt: number
  /** How often the client went on to another replica. */
  moves: number
  /** Attempts whose outcome nobody knows. */
  doubts: number
  /** One of them may have been accepted. */
  mayHaveBegun: boolean
}

interface Attempt {
  readonly state: SubmitState
  readonly seen: { readonly attempt: number; readonly api: string }
  readonly replica: number
}

async function submitOnce(talk: Talk, options: SubmitOptions, state: SubmitState): Promise<Accepted | undefined> {
  const { job, ports, signal, timing } = talk
  const replica = (job.ordinal + state.moves) % ports.apis.length
  const { name: api, url } = ports.apis[replica]!
  const attempt = { state, replica, seen: { attempt: ++state.attempt, api } }
  ports.observe(job.key, { f: 'submit', type: 'invoke', value: attempt.seen })
  const { headers, ...call } = (ports.dialect ?? taskApi).submission(job, url, ports, options.delivery)
  let answer: Answer
  try {
    const sent = { ...call, headers: { ...traceOf(job), ...headers, ...options.headers } }
    answer = await exchange(ports.dispatcher, sent, options.limitMs ?? timing.requestTimeoutMs, signal)
  } catch (error) {
    unanswered(talk, attempt, error)
    return undefined
  }
  return (
    acceptedIn(talk, options, attempt, answer) ??
    (await acceptedBefore(talk, options, attempt, answer)) ??
    refusedWith(talk, attempt, answer)
  )
}

function unanswered(talk: Talk, { state, seen }: Attempt, error: unknown): void {
  const { job, ports, signal, pace } = talk
  const isUndone = neverSent(error)
  const type = isUndone ? 'fail' : 'info'
  ports.observe(job.key, { f: 'submit', type, value: seen, error: describeFailure(error) })
  moveOn(talk, state, isUndone)
  state.mayHaveBegun ||= !isUndone
  signal.throwIfAborted()
  if (!isUndone) mayRepeat(talk, describeFailure(error))
  if (isUndone) pace.unsent('submit')
  talk.failed('submit', error, { isNow: isUndone && hasOthers(talk, state) })
}

function acceptedIn(talk: Talk, options: SubmitOptions, attempt: Attempt, answer: Answer): Accepted | undefined {
  const task = (talk.ports.dialect ?? taskApi).taskOf(answer, talk.job)
  if (!task || !(options.isDone?.(task) ?? true)) return undefined
  const replayed = answer.header('idempotent-replayed') === 'true'
  return accepted(talk, attempt, answer, { task, replayed })
}

function accepted(
  talk: Talk,
  { seen, replica }: Attempt,
  answer: Answer,
  { task, replayed }: { readonly task: Task; readonly replayed: boolean },
): Accepted {
  const { status } = answer
  const value = { ...seen, taskId: task.task_id, replayed, status }
  talk.ports.observe(talk.job.key, { f: 'submit', type: 'ok', value })
  talk.heard('submit', `HTTP ${status}, the task is ${task.status}`)
  return { task, replica, status, retryAfterMs: retryAfterMs(answer) }
}

/**
 * A conflict (409) with what an earlier attempt may have begun: it was accepted then, where there was word of the task that the
 * answer names, or of a single one, or a read shows it. The state in the answer may be that of the refusal.
 */
async function acceptedBefore(
  talk: Talk,
  { isDone = () => true, heardOf = () => [] }: SubmitOptions,
  attempt: Attempt,
  answer: Answer,
): Promise<Accepted | undefined> {
  if (answer.status !== 409 || !attempt.state.mayHaveBegun) return undefined
  const dialect = talk.ports.dialect ?? taskApi
  const heard = heardOf()
  const id = dialect.earlierIn(answer, talk.job) ?? (heard.length === 1 ? heard[0] : undefined)
  if (id === undefined || !(dialect.isReadable || heard.includes(id))) return undefined
  const watch = { task: unread(id), replica: attempt.replica }
  const isThere = heard.includes(id) || (await readTask(talk, watch, { longPoll: false, signal: talk.signal }))
  return isThere && isDone(watch.task)
    ? accepted(talk, attempt, answer, { task: watch.task, replayed: true })
    : undefined
}

/** What an earlier attempt may have begun, no refusal of a later one undoes. */
function refusedWith(talk: Talk, { state, seen }: Attempt, answer: Answer): undefined {
  const { job, ports } = talk
  const { status } = answer
  const isDone = !isUndone(answer)
  const type = isDone ? 'info' : 'fail'
  ports.observe(job.key, { f: 'submit', type, value: { ...seen, status }, error: describeAnswer(answer) })
  moveOn(talk, state, !isDone)
  state.mayHaveBegun ||= isDone && status !== 409
  if (isDone && !wasTurnedAway(answer)) mayRepeat(talk, describeAnswer(answer))
  // A 4xx that passes is about this client, whom another replica would tell the same.
  const isNow = !isDone && status >= 500 && hasOthers(talk, state)
  talk.refused('submit', answer, { isNow, isCertain: state.doubts === 0 })
}

function moveOn({ ports }: Talk, state: SubmitState, isUndone: boolean): void {
  if (!isUndone) state.doubts++
  if (isUndone || !ports.sticky) state.moves++
}

/** A refusal costs nothing, so the next replica is tried at once; after a whole round of them the client backs off. */
function hasOthers({ ports }: Talk, { attempt }: SubmitState): boolean {
  return attempt % ports.apis.length !== 0
}

/** A second submission to an API without keys would be a second task. `last`: what the first one came to. */
function mayRepeat(talk: Talk, last: string): void {
  if ((talk.ports.dialect ?? taskApi).isIdempotent) return
  const why = 'nobody knows whether it was accepted, and an API without idempotency keys must not be asked again'
  throw new JobFailed('refused', `${why}; the last answer: ${last}`, { isCertain: false })
}
