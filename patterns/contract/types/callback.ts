import { z } from 'zod'
import { type Task } from './task.ts'
import { storable } from './text.ts'

/** What follows an attempt. `unchanged`: it was made by hand, beside the schedule, and failed. */
const decision = z.discriminatedUnion('next', [
  z.strictObject({ next: z.literal('delivered') }),
  z.strictObject({ next: z.literal('retry'), delay_ms: z.int().min(0) }),
  z.strictObject({ next: z.literal('dead'), reason: z.enum(['once', 'gone', 'blocked', 'refused', 'horizon']) }),
  z.strictObject({ next: z.literal('unchanged') }),
])
export type Decision = z.infer<typeof decision>

const callbackAttempt = z.strictObject({
  attempt: z.int().min(1),
  time: z.iso.datetime().describe('When it began'),
  manual: z.boolean().describe('Made by hand: it takes no place in the schedule'),
  status: z.int().optional().describe('HTTP status of the answer; absent: there was none'),
  detail: z.string(),
  decision,
})
/** One attempt to post a callback, as it is on record. No URL: in its path or query may be a secret of its owner. */
export type CallbackAttempt = z.infer<typeof callbackAttempt>

export const deliveryStatus = z.enum(['pending', 'delivered', 'dead'])
export type DeliveryStatus = z.infer<typeof deliveryStatus>

/** The callback of one ended task, as the engine keeps it. */
export const callbackDelivery = z.strictObject({
  id: z.string().describe('The webhook-id of every attempt'),
  task_id: z.string(),
  status: deliveryStatus,
  next_attempt_at: z.iso.datetime().nullable(),
  attempts: z.array(callbackAttempt),
})
export type CallbackDelivery = z.infer<typeof callbackDelivery>

/** A callback that is owed: what the next attempt needs to know. */
export interface Callback {
  readonly task: Task
  readonly url: string
  /** The attempts on record, in order. */
  readonly earlier: readonly CallbackAttempt[]
  /** The endpoint answered 410 before and has accepted nothing since. Absent: this engine keeps no record of that. */
  readonly isGone?: boolean
  /** By hand, and not because its time has come. */
  readonly manual?: boolean
}

/** Makes one attempt to post a callback. The engine records it, waits as it says, and calls again. Never rejects. */
export type Notify = (callback: Callback) => Promise<CallbackAttempt>

/** The id of the only message about a task's end: its receiver removes repetitions by it. Without dots. */
export function deliveryId(taskId: string, version: number): string {
  return `evt_${taskId}_${version}`
}

/** The record of an attempt that began at `beganAtMs`, in milliseconds since 1970. */
export function recordAttempt(
  { earlier, manual = false }: Callback,
  beganAtMs: number,
  outcome: Pick<CallbackAttempt, 'status' | 'detail' | 'decision'>,
): CallbackAttempt {
  const detail = storable(outcome.detail)
  return { attempt: earlier.length + 1, time: new Date(beganAtMs).toISOString(), manual, ...outcome, detail }
}
