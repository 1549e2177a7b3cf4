/// <reference lib="esnext.disposable" />
/** What `outlast/client` promises. `test/unit/patterns/client-package.test.ts` holds the source against it. */

/** A task as its server shows it. `version` grows with every change. */
export interface Task {
  readonly task_id: string
  readonly type: 'agent'
  readonly status:
    | 'queued'
    | 'running'
    | 'input_required'
    | 'cancelling'
    | 'completed'
    | 'failed'
    | 'cancelled'
    | 'expired'
    | 'rejected'
  readonly status_reason?: string | undefined
  readonly current_action: { readonly name: string; readonly step: number; readonly started_at: string } | null
  readonly progress_pct: number | null
  readonly estimated_completion: string | null
  readonly version: number
  readonly attempt: number
  readonly created_at: string
  readonly updated_at: string
  readonly finished_at?: string | undefined
  readonly credits_used: number
  readonly credits_granted?: number | undefined
  readonly context_version?: number | undefined
  readonly input: unknown
  readonly result?: { readonly digest: string; readonly steps: number; readonly text?: string | undefined } | undefined
  readonly links: { readonly self: string; readonly events: string; readonly cancel: string }
}

/** A JSON object: what the agent of a task remembers. */
export type Memory = Readonly<Record<string, unknown>>

/** One operation of a JSON Patch (RFC 6902). */
export type PatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly from: string; readonly path: string }

/**
 * What a running agent is to do. `id` is your own, and unique within the task: sent again, it is the same command. `interrupt`
 * stops it before its next step, `resume` lets it go on, `steer` changes its memory, `top_up` adds to its budget.
 */
export type Command =
  | { readonly id: string; readonly type: 'interrupt' | 'resume' }
  | { readonly id: string; readonly type: 'steer'; readonly patch: readonly PatchOperation[] }
  | { readonly id: string; readonly type: 'top_up'; readonly credits: number }

/** A command is on record: durable, and in order with those before it. */
export interface CommandAck {
  /** It was on record before. */
  readonly replayed: boolean
}

/** What an agent remembers at a version. */
export interface ContextSnapshot {
  readonly version: number
  /** Of the document: SHA-256 in hexadecimal of its canonical JSON. */
  readonly digest: string
  readonly document: Memory
}

export interface TaskClientOptions {
  /** Base URLs of the API's replicas, each of which knows every task; one is enough. */
  readonly apis: readonly string[]
  readonly token: string
  /** Divides every pause and limit, for tests against a compressed server; 1 by default. */
  readonly timeScale?: number
}

export interface TaskRun {
  /** Give up after this, on a monotonic clock, whatever happens. */
  readonly deadlineMs: number
  readonly signal?: AbortSignal
  /** Every newer state of the task, in order. */
  readonly onProgress?: (task: Task) => void
}

export interface TaskSubmission extends TaskRun {
  /**
   * Idempotency key: the same for every attempt, also those of a process that comes back. Write it down first. 1 to 128 visible
   * ASCII characters without a quotation mark; RangeError for any other.
   */
  readonly key: string
  readonly type: string
  readonly input: unknown
  /** What the task may spend; without it there is no limit. Exhausted, it waits for a `top_up`, or fails. */
  readonly budget?: { readonly credits: number; readonly on_exhausted?: 'wait' | 'fail' }
  /** What its agent remembers, to begin with: `context` shows it, `steer` changes it. */
  readonly memory?: Memory
  /** Awaited before the task is followed: write its id down here, and `resume` can go on after a crash. */
  readonly onAccepted?: (task: Task) => void | Promise<void>
}

export interface TaskClient {
  /**
   * Submit, and resolve with the completed task. Rejects with JobFailed when there is no result to be had; its `isCertain`
   * says whether that is so for everybody. Rejects with the signal's reason when that is not known in time, or with a
   * TimeoutError, which names the last answer.
   */
  run(submission: TaskSubmission): Promise<Task>
  /** Go on with a task that was accepted before. Ends as `run` does. */
  resume(taskId: string, run: TaskRun): Promise<Task>
  /**
   * Ask for a task's cancellation. Resolves with its state in the answer: `cancelling`, or an end, perhaps another one. Rejects
   * as `run` does.
   */
  cancel(taskId: string, run: Omit<TaskRun, 'onProgress'>): Promise<Task>
  /**
   * Have a running agent do something, once, however often it is asked under the command's id. Resolves when it is on record; the
   * task's log says what comes of it. Rejects as `run` does; `problem` says why: `task-ended`, `command-id-reused`, `validation`.
   */
  command(taskId: string, command: Command, run: Omit<TaskRun, 'onProgress'>): Promise<CommandAck>
  /** What the task's agent remembers now. Rejects as `run` does: with `gone` also where it was submitted without a memory. */
  context(taskId: string, run: Omit<TaskRun, 'onProgress'>): Promise<ContextSnapshot>
  [Symbol.asyncDispose](): PromiseLike<void>
}

/** Throws RangeError for options with which no request could be made. */
export declare function openTaskClient(options: TaskClientOptions): TaskClient

/** The client ends without a result. */
export declare class JobFailed extends Error {
  /**
   * `refused`: never accepted; `gone`: the server does not know it any more; `task-failed`: it ended without a result. Others
   * may come.
   */
  readonly reason: string
  readonly taskId: string | undefined
  /** There will be none, whoever asks. False: the task may still end well, and another client may learn how. */
  readonly isCertain: boolean
  /** By which problem the API refused it: the name of one of ours, such as `task-ended`, or the `type` of another one. */
  readonly problem: string | undefined
}
