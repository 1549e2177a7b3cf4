import type { TaskEvent } from '../../contract/events.ts'

/** Input of a run: made by the API, so that it can answer before any worker has seen the task. */
export interface Accepted {
  readonly created: TaskEvent
  readonly fingerprint: string
}

/** The state of a workflow, by key. `run` alone writes it. */
export interface State {
  log: readonly TaskEvent[]
  fingerprint: string
}

/** Answer of `read`. An empty log: no run has begun under this id. */
export interface Snapshot {
  readonly log: readonly TaskEvent[]
  readonly fingerprint: string | null
}

/** Answer of `next`. Empty and not ended: nothing happened within the wait. */
export interface News {
  readonly events: readonly TaskEvent[]
  readonly ended: boolean
}

export const workflowName = 'task'

/** Resolved with event `seq` when it is in the log. */
export function eventPromise(seq: number): string {
  return `event-${seq}`
}

/** Resolved with the time at which somebody asked for the cancellation. */
export const cancelPromise = 'cancel'
