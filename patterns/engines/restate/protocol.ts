import type { Command } from '../../contract/types/command.ts'
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

/** What is asked of a run. `at` is milliseconds since 1970, by the clock of the API node that was asked. */
export type Mail =
  | { readonly kind: 'command'; readonly command: Command; readonly at: number }
  | { readonly kind: 'cancel'; readonly at: number }

/** Where the run has put it, no mail comes any more. Behind a cancellation none comes either. */
export const closed = { kind: 'closed' } as const

/** Of the durable promise that is place `n` of a task's mailbox. Places are filled from 1 on, without a gap. */
export function placeKey(n: number): string {
  return `mail-${n}`
}

/** Input of `post`. No place before `place` is free, and the poster knows what is there. */
export interface Posting {
  readonly mail: Mail
  readonly place: number
}

/** Answer of `post`. `known` is what has the command's id already. `ended`: the task takes no mail any more. */
export type Receipt = 'recorded' | 'ended' | { readonly known: Command }

export const familyName = 'family'

export const accountName = 'account'

/** What a step costs. */
export interface Cost {
  readonly taskId: string
  readonly step: number
  readonly credits: number
}

/** Answer of a bucket. `waitMs` 0: a token was taken, at `at`, in milliseconds since 1970. Else when there may be one. */
export interface Taken {
  readonly waitMs: number
  readonly at: number
}

/** `known`: it was made before. `reused`: its id belongs to another one. `unknown`: no account. */
export type TopUpOutcome = 'made' | 'known' | 'reused' | 'unknown'
