import { Client, Connection, isGrpcServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { defaultPayloadConverter } from '@temporalio/common'
import type { Command } from '../../contract/types/command.ts'
import { retryUntilReached } from '../../contract/engine/reach.ts'
import { timeoutsAt } from '../../contract/types/timeouts.ts'
import type { Timing } from '../../contract/types/timing.ts'
import { connectLimitMs } from '../../contract/engine/workplace.ts'
import { type HistoryEvent, openTaskLog, type TaskLog } from './history.ts'
import { type Accepted, cancellationOf, cancellationType, commandSignal, type Place, workflowType } from './protocol.ts'
import { patienceOf, timeouts } from './engine.ts'

/** Status codes of gRPC. */
const notFound = 5
/** Unknown, deadline exceeded, resource exhausted, aborted, internal, unavailable, data loss: not now, rather than no. */
const passing: ReadonlySet<number> = new Set([2, 4, 8, 10, 13, 14, 15])

interface CallOptions {
  /** Each try. */
  readonly answerMs: number
  /** All tries. */
  readonly patienceMs: number
  readonly signal: AbortSignal
}

interface Started {
  readonly args: Accepted[]
  readonly workflowTaskTimeout?: number
}

/** The server's frontend, for tasks. Every call may be repeated, and is while the server is out of reach. */
export class Frontend implements AsyncDisposable {
  readonly #place: Place
  readonly #patience: ReturnType<typeof patienceOf>
  readonly #connection: Connection
  readonly #client: Client
  readonly #closing = new AbortController()

  constructor(place: Place, timing: Timing) {
    this.#place = place
    this.#patience = patienceOf(timing)
    this.#connection = connect(place.address, timing)
    this.#client = new Client({ connection: this.#connection, namespace: place.namespace })
  }

  /** Start the workflow of this id, once. False: it was started before. Resolves when the server has it on disk. */
  async start(taskId: string, accepted: Accepted): Promise<boolean> {
    const { workflowTaskMs } = timeoutsAt(timeouts, accepted.pace)
    return this.#startOnce(workflowType, taskId, { args: [accepted], workflowTaskTimeout: workflowTaskMs })
  }

  /** Note that somebody has asked to cancel this task, whether it has ended or not. Resolves when that is on disk. */
  async noteCancelled(taskId: string): Promise<void> {
    await this.#startOnce(cancellationType, cancellationOf(taskId), { args: [] })
  }

  /** Whether that is noted of one of these. */
  async hasNoted(taskIds: readonly string[]): Promise<boolean> {
    const noted = await Promise.all(taskIds.map((taskId) => this.#describe(cancellationOf(taskId))))
    return noted.some((answer) => answer !== undefined)
  }

  /** The log as the history has it now, or undefined for an id under which nothing was started. */
  async read(taskId: string): Promise<TaskLog | undefined> {
    const log = openTaskLog()
    for await (const events of this.#pages(taskId, false)) log.add(events)
    return log.events.length > 0 ? log : undefined
  }

  /** The log, and again after each of its changes, until the workflow has closed. Nothing for an unknown id. */
  async *watch(taskId: string, signal: AbortSignal): AsyncGenerator<TaskLog> {
    const log = openTaskLog()
    const either = AbortSignal.any([signal, this.#closing.signal])
    const patiently = { answerMs: this.#patience.waitMs, patienceMs: Infinity, signal: either }
    for await (const events of this.#pages(taskId, true, patiently)) {
      log.add(events)
      yield log
    }
  }

  /** Resolves when the request is on record, or the workflow has closed. */
  async cancel(taskId: string): Promise<void> {
    await unlessUnknown(this.#retry(() => this.#client.workflow.getHandle(taskId).cancel()))
  }

  /**
   * Resolves when the command is on disk: in the history, or before it there while a worker decides. A repetition of its id
   * adds nothing. False: the workflow has closed, or never was.
   */
  async signal(taskId: string, command: Command): Promise<boolean> {
    const request = {
      namespace: this.#place.namespace,
      workflowExecution: { workflowId: taskId },
      signalName: commandSignal,
      requestId: command.id,
      input: { payloads: [defaultPayloadConverter.toPayload(command)!] },
    }
    const send = () => this.#connection.workflowService.signalWorkflowExecution(request)
    return (await unlessUnknown(this.#retry(send))) !== undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the client was closed'))
    await this.#connection.close()
  }

  async #startOnce(type: string, workflowId: string, options: Started): Promise<boolean> {
    const { taskQueue } = this.#place
    const once = { ...options, workflowId, taskQueue, workflowIdReusePolicy: 'REJECT_DUPLICATE' } as const
    try {
      await this.#retry(() => this.#client.workflow.start(type, once))
      return true
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false
      throw error
    }
  }

  #describe(workflowId: string) {
    const request = { namespace: this.#place.namespace, execution: { workflowId } }
    return unlessUnknown(this.#retry(() => this.#connection.workflowService.describeWorkflowExecution(request)))
  }

  /** The history, page by page. With `waits` the server holds each call until there is more. */
  async *#pages(taskId: string, waits: boolean, options?: CallOptions): AsyncGenerator<readonly HistoryEvent[]> {
    let token: Uint8Array | undefined
    do {
      const ask = () => this.#page(taskId, token, waits)
      const answer = await unlessUnknown(this.#retry(ask, options))
      if (!answer) return
      yield answer.history?.events ?? []
      token = answer.nextPageToken ?? undefined
    } while (token && token.length > 0)
  }

  #page(workflowId: string, nextPageToken: Uint8Array | undefined, waitNewEvent: boolean) {
    const { namespace } = this.#place
    const request = { namespace, execution: { workflowId }, waitNewEvent, ...(nextPageToken && { nextPageToken }) }
    return this.#connection.workflowService.getWorkflowExecutionHistory(request)
  }

  #retry<T>(call: () => Promise<T>, options: Partial<CallOptions> = {}): Promise<T> {
    const { answerMs, patienceMs, retryCapMs } = this.#patience
    const limits = { answerMs, patienceMs, signal: this.#closing.signal, ...options }
    const limited = (): Promise<T> => this.#connection.withDeadline(Date.now() + limits.answerMs, call)
    return retryUntilReached(() => this.#connection.withAbortSignal(limits.signal, limited), {
      ...limits,
      callee: 'the engine',
      retryCapMs,
      retryBaseMs: 20,
      isTransient: (error) => passing.has(codeOf(error) ?? 0),
    })
  }
}

/** Lazy: an API node starts before its server answers, and lives on without it. */
function connect(address: string, timing: Timing): Connection {
  const { pingMs } = patienceOf(timing)
  return Connection.lazy({
    address,
    tls: false,
    connectTimeout: connectLimitMs(timing),
    // We retry by ourselves, with the patience that the pattern states.
    interceptors: [],
    channelArgs: {
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.keepalive_time_ms': pingMs,
      'grpc.keepalive_timeout_ms': pingMs,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': Math.max(500, timing.backoffBaseMs),
    },
  })
}

async function unlessUnknown<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (codeOf(error) === notFound || isNotFound(error)) return undefined
    throw error
  })
}

/** The client library wraps some failures; what the server said is their cause. */
function codeOf(error: unknown): number | undefined {
  if (isGrpcServiceError(error)) return error.code
  return error instanceof Error && error.cause ? codeOf(error.cause) : undefined
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'WorkflowNotFoundError'
}
