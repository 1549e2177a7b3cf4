import { Agent, request, type Dispatcher } from 'undici'
import type { TaskEvent } from '../../contract/types/events.ts'
import type { Timing } from '../../contract/types/timing.ts'
import { retryUntilReached } from '../../contract/engine/reach.ts'
import { connectLimitMs } from '../../contract/engine/workplace.ts'
import {
  type Accepted,
  accountName,
  familyName,
  type Posting,
  type Receipt,
  type Snapshot,
  workflowName,
} from './protocol.ts'

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

interface CallOptions {
  readonly dispatcher: Dispatcher
  readonly signal: AbortSignal
  /** Each try. */
  readonly answerMs: number
  /** All tries. */
  readonly patienceMs: number
}

/** The server's HTTP interface, for tasks and accounts. Every call may be repeated, and is while the server is out of reach. */
export class Ingress implements AsyncDisposable {
  readonly #url: string
  readonly #limits: ReturnType<typeof limitsOf>
  readonly #brief: Agent
  /** Every follower has a call of its own under way. */
  readonly #waiting: Agent
  readonly #closing = new AbortController()

  constructor(url: string, timing: Timing) {
    const connect = { timeout: connectLimitMs(timing) }
    this.#url = url
    this.#limits = limitsOf(timing)
    this.#brief = new Agent({ connections: 64, connect })
    this.#waiting = new Agent({ connect })
  }

  /** Start the run of this id, once. False: it was started before. Resolves when the server has it on disk. */
  async send(taskId: string, accepted: Accepted): Promise<boolean> {
    return (await this.#call<{ status: string }>(taskId, 'run/send', accepted)).status === 'Accepted'
  }

  /** Whether a run was ever started under this id: answered by the server itself, without a worker. */
  async isKnown(taskId: string): Promise<boolean> {
    const path = `/restate/workflow/${workflowName}/${taskId}/output`
    return (await this.#retry({ method: 'GET', path }, isUnanswered)).status !== 404
  }

  read(taskId: string): Promise<Snapshot> {
    return this.#call(taskId, 'read')
  }

  /** Event `seq`, as soon as there is one. */
  event(taskId: string, seq: number, signal: AbortSignal): Promise<TaskEvent> {
    const either = AbortSignal.any([signal, this.#closing.signal])
    const patiently = { answerMs: this.#limits.waitMs, patienceMs: Infinity }
    return this.#call(taskId, 'event', seq, { dispatcher: this.#waiting, signal: either, ...patiently })
  }

  post(taskId: string, posting: Posting): Promise<Receipt> {
    return this.#call(taskId, 'post', posting)
  }

  /** Note that somebody has asked to cancel this task, whether it has ended or not. */
  async noteCancelled(taskId: string): Promise<void> {
    await this.#ask(`${familyName}/${taskId}/cancel`)
  }

  account<T>(principal: string, handler: string, input?: unknown): Promise<T> {
    return this.#ask(`${accountName}/${encodeURIComponent(principal)}/${handler}`, input)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the ingress client was closed'))
    await Promise.all([this.#brief.destroy(), this.#waiting.destroy()])
  }

  #call<T>(taskId: string, handler: string, input?: unknown, options?: CallOptions): Promise<T> {
    return this.#ask(`${workflowName}/${taskId}/${handler}`, input, options)
  }

  async #ask<T>(handler: string, input?: unknown, options?: CallOptions): Promise<T> {
    const { status, body } = await this.#retry(
      { method: 'POST', path: `/${handler}`, body: input },
      isUnserved,
      options,
    )
    if (status >= 300) throw new Error(`restate answered ${status} to ${handler}: ${JSON.stringify(body)}`)
    return body as T
  }

  #retry(
    request: Request,
    isPassing: (status: number) => boolean,
    options: CallOptions = { dispatcher: this.#brief, signal: this.#closing.signal, ...this.#limits },
  ): Promise<Answer> {
    const tryOnce = async (): Promise<Answer> => {
      const answer = await ask(this.#url, request, options)
      if (isPassing(answer.status)) throw new Unreached(answer)
      return answer
    }
    const isTransient = (error: unknown): boolean => error instanceof Unreached
    const { patienceMs, signal } = options
    const { retryCapMs } = this.#limits
    return retryUntilReached(tryOnce, {
      callee: 'the engine',
      patienceMs,
      retryCapMs,
      retryBaseMs: 20,
      isTransient,
      signal,
    })
  }
}

interface Request {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: unknown
}

/** Status 0: there was no answer, and the body says why. */
interface Answer {
  readonly status: number
  readonly body: unknown
}

class Unreached extends Error {
  constructor({ status, body }: Answer) {
    super(`${status} ${JSON.stringify(body)}`)
  }
}

async function ask(server: string, { method, path, body }: Request, options: CallOptions): Promise<Answer> {
  const { dispatcher, signal, answerMs } = options
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const limits = { headersTimeout: answerMs, bodyTimeout: answerMs }
  try {
    const answer = await request(`${server}${path}`, { method, dispatcher, signal, ...limits, ...content })
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
