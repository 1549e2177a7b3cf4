import type { TaskStatus } from './task.ts'

/** What a client reports while it works: operations of a run's history, to which the harness adds who and when. */
export type Observation =
  /** One attempt to submit. */
  | Seen<'submit', 'invoke', Attempt>
  | Seen<'submit', 'ok', Attempt & { readonly taskId: string; readonly replayed: boolean; readonly status: number }>
  /** `fail`: definitely not accepted, refused before a byte was sent or answered with a problem. `info`: sent, outcome unknown. */
  | Missed<'submit', 'fail' | 'info', Attempt & { readonly status?: number }>
  /** One read of the status. */
  | Seen<'poll', 'ok', Read & { readonly status: TaskStatus; readonly version: number; readonly httpStatus: number }>
  | Missed<'poll', 'fail', Read & { readonly httpStatus?: number }>
  | Seen<'stream', 'observe', StreamChange>
  | Seen<'event', 'observe', EventSeen>

export type Observe = (job: string, seen: Observation) => void

interface Seen<F extends string, T extends string, V> {
  readonly f: F
  readonly type: T
  readonly value: V
}

interface Missed<F extends string, T extends string, V> extends Seen<F, T, V> {
  readonly error: string
}

interface Attempt {
  readonly attempt: number
  readonly api: string
}

interface Read {
  readonly taskId: string
  readonly waitedMs: number
}

export const streamStates = ['open', 'closed', 'heartbeat-missed', 'fallback', 'recovered'] as const

/** The stream came up or was resumed after `after`; `closed` says why it ended; `heartbeat-missed` is the watchdog. */
export interface StreamChange {
  readonly taskId: string
  readonly state: (typeof streamStates)[number]
  readonly after?: number
  readonly reason?: string
}

/** One event on a stream, in the order of arrival. */
interface EventSeen {
  readonly taskId: string
  readonly seq: number
  readonly type: string
  readonly status: TaskStatus
}
