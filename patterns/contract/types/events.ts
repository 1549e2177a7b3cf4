import { z } from 'zod'
import { taskStatus } from './task.ts'

/** One line of a task's log. `seq` counts from 1 without gaps; the terminal event is the last. */
export const taskEvent = z.strictObject({
  seq: z.int().min(1),
  type: z.enum([
    'task.created',
    'task.started',
    'task.progress',
    'task.resumed',
    'task.cancel_requested',
    'task.completed',
    'task.failed',
    'task.cancelled',
    'task.expired',
    'task.rejected',
  ]),
  task_id: z.string(),
  time: z.iso.datetime(),
  attempt: z.int().min(0),
  status: taskStatus,
  data: z.record(z.string(), z.unknown()),
})
export type TaskEvent = z.infer<typeof taskEvent>
export type EventType = TaskEvent['type']

/** Data of `task.progress`: step `step` is done, `next` begins. `credits` are those of this step alone. */
export interface Progress {
  readonly step: number
  readonly steps: number
  readonly digest: string
  readonly credits: number
  readonly next: { readonly name: string; readonly step: number } | null
  readonly estimated_completion: string | null
}
