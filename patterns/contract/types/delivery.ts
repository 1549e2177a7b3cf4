import type { Promised } from './promises.ts'

/** Default export of `deliveries/<name>/delivery.ts`: data. */
export interface Delivery {
  readonly name: string
  readonly summary: string
  readonly promises: readonly Promised[]
  /** Other deliveries whose code is in this one. A plugin imports no other one that it does not name here. */
  readonly madeOf?: readonly string[]
  /** It does not serve the task API: its `protocol.ts` says how a task is read, and what is checked of it (`Protocol`). */
  readonly ownProtocol?: true
  /** It shows a task's events as they happen, and its client follows them. */
  readonly events: boolean
  /** The client must be reachable: a callback receiver is part of the deployment. */
  readonly callback: boolean
  /** Its events come over a WebSocket, and over no event stream. */
  readonly sockets?: true
  /** Its client waits within the submission, and submits again where that breaks. */
  readonly resubmits?: true
  /** Requests, answers and callbacks are all that its client needs: it can wait for a service with an API of its own. */
  readonly anyApi?: true
}
