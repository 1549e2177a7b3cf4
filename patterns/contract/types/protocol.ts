import type { Task, TaskRequest } from './task.ts'

/** A node of a service. */
export interface Service {
  /** Base address. */
  readonly url: string
  readonly token: string
  readonly signal: AbortSignal
}

/** One node whose tasks do outlast's own work, which knows its right answers. */
export interface CheckedService extends Service {
  readonly timeScale: number
  /** A request for a short task under this key: the same for the same key. */
  requestFor(key: string): TaskRequest
  /** The digest of its right result. */
  answerTo(request: TaskRequest): string
}

/** A sentence about a delivery's own protocol that can be false. */
export interface ProtocolCase {
  readonly name: string
  /** The sentence that it proves. */
  readonly proves: string
  /** Where the protocol says so. */
  readonly source: string
  /** Part of the check before a run: takes no longer than one short task. */
  readonly quick?: true
  /** Throws an AssertionError (`node:assert`) for what is wrong. A connection that breaks is wrong as well; any other error is a defect of the case. */
  check(service: CheckedService): Promise<void>
}

/** Default export of `deliveries/<name>/protocol.ts`, for a delivery that does not serve the task API. */
export interface Protocol {
  /** What is checked of it in place of the contract's cases. */
  readonly cases: readonly ProtocolCase[]
  /** The task as this node knows it; undefined: it knows none of this id. Rejects where it cannot say. */
  readTask(service: Service, taskId: string): Promise<Task | undefined>
}
