import { Client, Connection, isGrpcServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { monotonicMs, sleep } from '../../contract/types/retry.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import { timeoutsAt } from '../../contract/types/timeouts.ts'
import type { Timing } from '../../contract/types/timing.ts'
import { type HistoryEvent, openTaskLog, type TaskLog } from './history.ts'
import { type Accepted, type Place, workflowType } from './protocol.ts'
import { patienceOf, timeouts } from './timeouts.ts'

/** The server's frontend, for tasks. Every call may be repeated, and is while the server is out of reach. */
export interface Frontend extends AsyncDisposable {
  /** Start the workflow of this id, once. False: it was started before. Resolves when the server has it on disk. */
  start(taskId: string, accepted: Accepted): Promise<boolean>
  /** The log as the history has it now, or undefined for an id under which nothing was started. */
  read(taskId: string): Promise<TaskLog | undefined>
  /** The log, and again after each of its changes, until the workflow has closed. Nothing for an unknown id. */
  watch(taskId: string, signal: AbortSignal): AsyncIterable<TaskLog>
  /** Resolves when the request is on record, or the workflow has closed. */
  cancel(taskId: string): Promise<void>
}

/** Status codes of gRPC. */
const notFound = 5
/** Unknown, deadline exceeded, resource exhausted, aborted, internal, unavailable, data loss: not now, rather than no. */
const passing: ReadonlySet<number> = new Set([2, 4, 8, 10, 13, 14, 15])

export function openFrontend({ address, namespace, taskQueue }: Place, timing: Timing): Frontend {
  const patience = patienceOf(timing)
  const connection = connect(address, timing)
  const client = new Client({ connection, namespace })
  const closing = new AbortController()

  /** Try until there is an answer, or no more patience. */
  async function insist<T>(
    call: () => Promise<T>,
    { answerMs, patienceMs, signal }: Omit<Watching, 'waits'> = { ...patience, signal: closing.signal },
  ): Promise<T> {
    const giveUpAt = monotonicMs() + patienceMs
    for (let failures = 0; ; failures++) {
      // The library does not notice a signal that was given before its call.
      signal.throwIfAborted()
      try {
        const within = (): Promise<T> => connection.withDeadline(Date.now() + answerMs, call)
        return await connection.withAbortSignal(signal, within)
      } catch (error) {
        signal.throwIfAborted()
        if (!passing.has(codeOf(error) ?? 0)) throw error
        if (monotonicMs() >= giveUpAt) throw outOfReach(error)
      }
      await sleep(Math.random() * Math.min(patience.retryCapMs, 20 * 2 ** Math.min(failures, 10)), signal)
    }
  }

  function page(workflowId: string, nextPageToken: Uint8Array | undefined, waitNewEvent: boolean) {
    const request = { namespace, execution: { workflowId }, waitNewEvent, ...(nextPageToken && { nextPageToken }) }
    return connection.workflowService.getWorkflowExecutionHistory(request)
  }

  async function* pages(taskId: string, how: Watching): AsyncGenerator<readonly HistoryEvent[]> {
    let token: Uint8Array | undefined
    do {
      const ask = () => page(taskId, token, how.waits)
      const answer = await unlessUnknown(insist(ask, how))
      if (!answer) return
      yield answer.history?.events ?? []
      token = answer.nextPageToken ?? undefined
    } while (token && token.length > 0)
  }

  return {
    start: async (taskId, accepted) => {
      const { workflowTaskMs } = timeoutsAt(timeouts, accepted.pace)
      const options = { workflowId: taskId, taskQueue, args: [accepted], workflowTaskTimeout: workflowTaskMs }
      const once = { ...options, workflowIdReusePolicy: 'REJECT_DUPLICATE' } as const
      try {
        await insist(() => client.workflow.start(workflowType, once))
        return true
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false
        throw error
      }
    },
    read: async (taskId) => {
      const log = openTaskLog()
      const now = { ...patience, waits: false, signal: closing.signal }
      for await (const events of pages(taskId, now)) log.add(events)
      return log.events.length > 0 ? log : undefined
    },
    watch: async function* (taskId, signal) {
      const log = openTaskLog()
      const either = AbortSignal.any([signal, closing.signal])
      const patiently = { answerMs: patience.waitMs, patienceMs: Infinity, waits: true, signal: either }
      for await (const events of pages(taskId, patiently)) {
        log.add(events)
        yield log
      }
    },
    cancel: async (taskId) => {
      await unlessUnknown(insist(() => client.workflow.getHandle(taskId).cancel()))
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error('the client was closed'))
      await connection.close()
    },
  }
}

interface Watching {
  readonly answerMs: number
  readonly patienceMs: number
  /** Whether the server holds the call until there is more. */
  readonly waits: boolean
  readonly signal: AbortSignal
}

/** Lazy: an API node starts before its server answers, and lives on without it. */
function connect(address: string, timing: Timing): Connection {
  const { pingMs } = patienceOf(timing)
  return Connection.lazy({
    address,
    tls: false,
    connectTimeout: Math.max(1000, timing.connectTimeoutMs),
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

function outOfReach(error: unknown): ProblemError {
  return new ProblemError('temporary-reduced-capacity', `the engine cannot be reached: ${String(error)}`)
}
