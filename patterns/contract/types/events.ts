import { z } from 'zod'
import type { Command } from './command.ts'
import type { Patch } from './context.ts'
import { type TaskInput, taskStatus } from './task.ts'

/** One line of a task's log. `seq` counts from 1 without gaps; the terminal event is the last. */
export const taskEvent = z.strictObject({
  seq: z.int().min(1),
  type: z.enum([
    'task.created',
    'task.started',
    'task.progress',
    'task.resumed',
    'task.commanded',
    'task.interrupted',
    'task.continued',
    'task.topped_up',
    'task.command_void',
    'task.spawned',
    'context.patch',
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

/** Data of `task.commanded`: it is durable, and its answer follows at the agent's next safe point. */
export interface Commanded {
  readonly command: Command
}

/** Data of `task.interrupted`. A budget or a balance that is exhausted is nobody's command. */
export interface Interrupted {
  readonly reason: 'asked' | 'budget-exhausted' | 'balance-exhausted'
  /** The id of the command that it answers, here and below. */
  readonly command?: string
}

/** Data of `task.spawned`: the task starts this sub-task, which is accepted after it. */
export interface Spawned {
  /** Its id. */
  readonly sub_task: string
  /** Before which step of this task. */
  readonly step: number
  readonly input: TaskInput
  /** The part of this task's budget that it gets; absent: there is none. */
  readonly credits?: number
}

/** Data of `context.patch`: of a command, or of the step that the agent has done. */
export interface ContextPatched {
  readonly command?: string
  readonly step?: number
  /** The version that it continues, and the one that it makes. */
  readonly base: number
  readonly version: number
  /** Of the document after it, as `digestOf` says. */
  readonly digest: string
  readonly patch: Patch
}
