import { Agent, request, type Dispatcher } from 'undici'
import { monotonicMs, sleep } from '../../contract/types/retry.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import type { Timing } from '../../contract/types/timing.ts'
import { type Accepted, type Snapshot, workflowName } from './protocol.ts'

/** The server's HTTP interface, for one workflow. Every call may be repeated, and is while the server is out of reach. */
export interface Ingress extends AsyncDisposable {
  /** Start the run of this id, once. False: it was started before. Resolves when the server has it on disk. */
  send(taskId: string, accepted: Accepted): Promise<boolean>
  /** Whether a run was ever started under this id: answered by the server itself, without a worker. */
  isKnown(taskId: string): Promise<boolean>
  read(taskId: string): Promise<Snapshot>
  /** Event `seq`, as soon as there is one. */
  event(taskId: string, seq: number, signal: AbortSignal): Promise<TaskEvent>
  cancel(taskId: string): Promise<void>
}

/** Real milliseconds; the floors are for a busy machine. */
function limitsOf(timing: Timing) {
  return {
    answerMs: Math.max(2000, timing.requestTimeoutMs / 4),
    patienceMs: Math.max(2000, timing.requestTimeoutMs / 2),
    // A call that is given up stays in the server until its event comes: rather few of them.
    waitMs: Math.max(10_000, 2 * timing.longPollMs),
    retryCapMs: Math.max(100, timing.backoffBaseMs),
  }
}

export function openIngress(engineUrl: string, timing: Timing): Ingress {
  const limits = limitsOf(timing)
  const connect = { timeout: Math.max(1000, timing.connectTimeoutMs) }
  const brief = new Agent({ connections: 64, connect })
  // Every follower has a call of its own under way.
  const waiting = new Agent({ connect })
  const closing = new AbortController()
  const { answerMs, patienceMs } = limits
  const now: How = { dispatcher: brief, signal: closing.signal, answerMs, patienceMs, passing: isUnanswered }

  async function insist(path: string, body: unknown, how: How): Promise<Answer> {
    const giveUpAt = monotonicMs() + how.patienceMs
    for (let failures = 0; ; failures++) {
      const answer = await ask(`${engineUrl}${path}`, body, how)
      if (!how.passing(answer.status)) return answer
      how.signal.throwIfAborted()
      if (monotonicMs() >= giveUpAt) throw outOfReach(answer)
      await sleep(Math.random() * Math.min(limits.retryCapMs, 20 * 2 ** Math.min(failures, 10)), how.signal)
    }
  }

  async function call<T>(taskId: string, handler: string, input?: unknown, how: How = now): Promise<T> {
    const { status, body } = await insist(`/${workflowName}/${taskId}/${handler}`, input, {
      ...how,
      passing: isUnserved,
    })
    if (status >= 300) throw new Error(`restate answered ${status} to ${handler}: ${JSON.stringify(body)}`)
    return body as T
  }

  return {
    send: async (taskId, accepted) =>
      (await call<{ status: string }>(taskId, 'run/send', accepted)).status === 'Accepted',
    isKnown: async (taskId) => {
      const { status } = await insist(`/restate/workflow/${workflowName}/${taskId}/output`, undefined, now)
      return status !== 404
    },
    read: (taskId) => call(taskId, 'read'),
    event: (taskId, seq, signal) => {
      const either = AbortSignal.any([signal, closing.signal])
      const patiently = { dispatcher: waiting, signal: either, answerMs: limits.waitMs, patienceMs: Infinity }
      return call(taskId, 'event', seq, { ...now, ...patiently })
    },
    cancel: (taskId) => call(taskId, 'cancel', { time: new Date().toISOString() }),
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error('the ingress client was closed'))
      await Promise.all([brief.destroy(), waiting.destroy()])
    },
  }
}

interface How {
  readonly dispatcher: Dispatcher
  readonly signal: AbortSignal
  readonly answerMs: number
  /** How long to insist while the answer is a passing one. */
  readonly patienceMs: number
  readonly passing: (status: number) => boolean
}

/** Status 0: there was no answer, and the body says why. */
interface Answer {
  readonly status: number
  readonly body: unknown
}

async function ask(url: string, body: unknown, { dispatcher, signal, answerMs }: How): Promise<Answer> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const limits = { headersTimeout: answerMs, bodyTimeout: answerMs }
  const method = url.endsWith('/output') ? 'GET' : 'POST'
  try {
    const answer = await request(url, { method, dispatcher, signal, ...limits, ...content })
    const text = await answer.body.text()
    return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text) }
  } catch (error) {
    return { status: 0, body: String(error) }
  }
}

/** No answer, or a server that cannot answer now. */
function isUnanswered(status: number): boolean {
  return status === 0 || status === 429 || status >= 500
}

/** Likewise for a handler: 404 is a workflow that no worker has registered yet. */
function isUnserved(status: number): boolean {
  return status === 404 || isUnanswered(status)
}

function outOfReach({ status, body }: Answer): ProblemError {
  const detail = `the engine cannot be reached: ${status} ${JSON.stringify(body)}`
  return new ProblemError('temporary-reduced-capacity', detail)
}
