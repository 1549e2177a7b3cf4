import type { TaskEvent } from '../../contract/types/events.ts'

/** Input of a run: made by the API, so that it can answer before any worker has seen the task. */
export interface Accepted {
  readonly created: TaskEvent
  readonly fingerprint: string
}

/** The state of a workflow: written by `run` alone, one key per event, so that an append costs the same at any length. */
export type State = { fingerprint: string } & Record<EventKey, TaskEvent>
export type EventKey = `event-${number}`

/** Answer of `read`. An empty log: no run has begun under this id. */
export interface Snapshot {
  readonly log: readonly TaskEvent[]
  readonly fingerprint: string | null
}

export const workflowName = 'task'

/** Of the state, and of the durable promise that is resolved with the event when it is in the log. */
export function eventKey(seq: number): EventKey {
  return `event-${seq}`
}

/** Resolved with the time of the request to cancel. */
export const cancelPromise = 'cancel'
