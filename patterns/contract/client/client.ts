import type { Dispatcher } from 'undici'
import type { Memory } from '../types/context.ts'
import type { Observe } from '../types/observations.ts'
import type { Budget, Task, TaskRequest } from '../types/task.ts'
import type { Answer, Call } from './http.ts'

/** What a delivery's client needs from its caller: the harness, or an application. */
export interface ClientPorts {
  /** API replicas, each behind its link. A sticky task stays with the replica that accepted it. */
  readonly apis: readonly { readonly name: string; readonly url: string }[]
  readonly sticky: boolean
  readonly dispatcher: Dispatcher
  readonly token: string
  readonly timeScale: number
  /** How the API is written to and read; the task API's own by default. */
  readonly dialect?: Dialect
  /** Milliseconds, monotonic: the clock of `deadlineAt`. */
  readonly now: () => number
  /** Uniform in [0, 1): for jitter. */
  readonly random: () => number
  readonly observe: Observe
  /** A state of a task, as the client learns it: from a stream and from a poll by turns, so perhaps an older one again. */
  readonly onProgress?: (task: Task) => void
  /** Where callbacks arrive; only for deliveries that need one. */
  readonly inbox?: Inbox
  /** Hears of every answer that does not come through the dispatcher: how a handshake at this address ended. */
  readonly onHandshake?: (url: string, handshake: Handshake) => void
}

export interface Handshake {
  readonly status: number
  readonly header: (name: string) => string | undefined
}

export interface Inbox {
  /** The URL to register for a job, unique to it. */
  urlFor(job: string): string
  /**
   * The next task posted to that URL that no earlier call had, in whatever state; or rejects on abort. `open` judges every
   * request to it from now on, so call `wait` before submitting; without it the body is the task.
   */
  wait(job: string, signal: AbortSignal, open?: OpenCallback): Promise<Notice>
}

/** A task as a callback tells of it. */
export interface Notice extends Task {
  /** It is news of a task, and no more: not its state, or not the result of one that is over. Whoever wants them reads. */
  readonly isThin?: boolean
}

/** A request as it came: signatures are over these bytes. */
export interface CallbackRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer
  /** Seconds since 1970, by the receiver's clock; absent: now. */
  readonly receivedAtS?: number
}

/** The task in a callback. Throws for one that is not to be believed: it is answered 400, and never a delivery. */
export type OpenCallback = (request: CallbackRequest) => Notice

/**
 * How an API is written to and read: the requests about a job, and the task in what comes back. Clients decide when to ask, how
 * often, and what an answer means that holds no task; that is the same for every API.
 */
export interface Dialect {
  submission(job: Job, apiUrl: string, ports: Access, delivery: TaskRequest['delivery']): Call
  read(task: Task, apiUrl: string, ports: Access, condition: Condition): Call
  /** Undefined: there is none in it. `job`: whose answer it is; `known`: the task that was asked for. */
  taskOf(answer: Answer, job: Job, known?: Task): Task | undefined
  /** The id of the task that a refusal (409) names as the one that the job has already; undefined: it names none. */
  earlierIn(answer: Answer, job: Job): string | undefined
  /** The task in a callback, where it is not the body. Throws for one that is not to be believed. */
  openCallback?(request: CallbackRequest, job: Job): Notice
  /** Its tasks can be read. Otherwise `read` throws, and only callbacks tell. */
  readonly isReadable: boolean
  /** A submission that is sent again under its key begins no second task. */
  readonly isIdempotent: boolean
}

type Access = Pick<ClientPorts, 'token'>

/** What a read may ask of a server that offers it. */
export interface Condition {
  /** The validator of what the client has. */
  readonly etag: string | undefined
  /** Hold the answer until there is news, this long at most. */
  readonly waitMs: number | undefined
}

/** One piece of work. `key` is its idempotency key and its name in every record. */
export interface Job {
  readonly key: string
  readonly ordinal: number
  /** Of the task; `agent` by default. */
  readonly type?: string
  /** As the service takes it: of outlast's own agent a `TaskInput`. */
  readonly input: object
  /** What the task may spend; absent: there is no limit. */
  readonly budget?: Budget | undefined
  /** What its agent remembers, to begin with; absent: it has no memory. */
  readonly memory?: Memory | undefined
  /** The tools that it may use; absent: all that the token allows. */
  readonly tools?: readonly string[] | undefined
  /** The trace that its requests belong to, as W3C Trace Context has it: sent with each of them. */
  readonly traceparent?: string
  /** Give up then, on the clock of `now`. The signal aborts at the same moment. */
  readonly giveUpAt: number
}

/** A delivery's client: submit the job and learn its end. Rejects with `JobFailed` when the client knows that it failed; with the abort reason when it gave up. */
export type RunJob = (job: Job, ports: ClientPorts, signal: AbortSignal) => Promise<Delivered>

export interface Delivered {
  readonly task: Task
  /** How it learned the end: `response`, `callback`, `poll`, `stream`, or a word of the delivery's own. */
  readonly via: string
}

/**
 * Why a client learns no result. `refused`: the API does not do what was asked. `gone`: it knows no such task any more.
 * `not-streamable`: it does not show the task's events, or not from where the client is. `task-failed`: the task has ended without.
 */
export type Failure = 'refused' | 'gone' | 'not-streamable' | 'task-failed'

/** The client will not learn a result. */
export class JobFailed extends Error {
  override readonly name = 'JobFailed'
  readonly reason: Failure
  readonly taskId: string | undefined
  /** There will be none, whoever asks. False: the task may still end well, and another client or channel may learn how. */
  readonly isCertain: boolean
  /** By which problem the API refused it: the name of one of ours, such as `task-ended`, or the `type` of another one. */
  readonly problem: string | undefined
  constructor(reason: Failure, detail: string, known: Known = {}) {
    super(detail)
    this.reason = reason
    this.taskId = known.taskId
    this.isCertain = known.isCertain ?? true
    this.problem = known.problem
  }
}

/** What is known of a failure. */
interface Known {
  readonly taskId?: string | undefined
  readonly isCertain?: boolean | undefined
  readonly problem?: string | undefined
}
