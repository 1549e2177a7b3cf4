import type { NewTask } from '../../contract/engine/task-backend.ts'
import type { Interrupted, Spawned, TaskEvent } from '../../contract/types/events.ts'
import type { TaskInput, TaskRequest, TaskStatus } from '../../contract/types/task.ts'
import type { Pace } from '../../contract/types/timeouts.ts'

/** Input of a workflow: made by the API, so that it can answer before any worker has seen the task. */
export interface Accepted {
  readonly created: TaskEvent
  readonly fingerprint: string
  readonly pace: Pace
  /** Of each step, in real milliseconds. The plan itself is made where code may be slow or change: in activities. */
  readonly stepDurationsMs: readonly number[]
  /** Steps that start sub-tasks, from 1. */
  readonly spawningSteps: readonly number[]
  readonly deadlineMs?: number
  readonly owesCallback: boolean
}

export function acceptedOf({ created, fingerprint, plan, request }: NewTask, { tuning, timeScale }: Pace): Accepted {
  return {
    created,
    fingerprint,
    pace: { tuning, timeScale },
    stepDurationsMs: plan.steps.map(({ durationMs }) => durationMs),
    spawningSteps: plan.steps.flatMap(({ index, spawns }) => (spawns ? index : [])),
    owesCallback: request.delivery !== undefined,
    ...(request.deadline_s !== undefined && { deadlineMs: Math.ceil((request.deadline_s * 1000) / timeScale) }),
  }
}

/** What the log of the parent says of a sub-task that one of its steps starts. */
export function spawnedBy(step: number, { created }: Accepted): Spawned {
  const { input, budget } = (created.data as { readonly request: TaskRequest }).request
  return { sub_task: created.task_id, step, input, ...(budget && { credits: budget.credits }) }
}

/** A step as the workflow asks for it; `step` counts from 1. */
export interface StepWork {
  readonly input: TaskInput
  readonly step: number
  /** What the steps before it returned. */
  readonly digest: string
  /** Of the task: one more after each interruption. */
  readonly attempt: number
  /** What the task may use, for the tool gateway. */
  readonly grant?: string | undefined
}

export type StepResult =
  | { readonly kind: 'done'; readonly digest: string; readonly credits: number }
  /** An earlier try was lost. That is on record before anything is done again. */
  | { readonly kind: 'resumed'; readonly executor: string }
  | { readonly kind: 'refused'; readonly reason: string }

/** Who decides what comes next; `life` names the process. Another one than before goes on after a crash. */
export interface Decider {
  readonly executor: string
  readonly life: string
  /** What was decided besides, where somebody had asked for something, or the step starts sub-tasks. */
  readonly standing?: Standing
  /** The sub-tasks of the next step. The workflow starts them. */
  readonly spawned?: readonly Accepted[]
  /** Somebody has cancelled a task above this one. */
  readonly isCancelled?: true
}

/** What the workflow knows at a safe point: before a step, and while the agent stands still. */
export interface SafePoint {
  readonly created: TaskEvent
  /** After the safe point before this one. */
  readonly standing: Standing
  /** What was signalled since. */
  readonly commands: readonly unknown[]
  /** Steps done, and the credits that they cost or gave to sub-tasks. */
  readonly completed: number
  readonly spent: number
  /** Of each sub-task that it has started: before which step. */
  readonly spawnedAt: readonly number[]
}

/** How a task stands after a safe point: all on which its next step depends. */
export interface Standing {
  readonly status: TaskStatus
  /** Commands that have their answer, of those that came. */
  readonly taken: number
  /** Credits beside the budget that it was submitted with. */
  readonly toppedUp: number
  readonly waitsFor?: Interrupted['reason']
  /** Why it has failed. */
  readonly failedFor?: string
}

/** How a task ended: input of the callback that is owed, and result of the workflow. */
export type Ending =
  | { readonly kind: 'completed'; readonly digest: string; readonly steps: number }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed' | 'expired'; readonly reason: string }

export const workflowType = 'task'

/** A workflow that does nothing: its id says for good that somebody has asked to cancel a task. */
export const cancellationType = 'cancellation'

/** No task's id has a colon. */
export function cancellationOf(taskId: string): string {
  return `cancelled:${taskId}`
}

/** Name of the signal by which a task is sent a command, its only argument. */
export const commandSignal = 'command'

/** Where on a server the tasks live. */
export interface Place {
  readonly address: string
  readonly namespace: string
  readonly taskQueue: string
  /** Before every idempotency key: others may use the same ones on this server. */
  readonly space: string
}

/** `http://host:port`, our own server; or `http://host:port/namespace/space` on one that we share with others. */
export function placeOf(engineUrl: string): Place {
  const { host, pathname } = new URL(engineUrl)
  const [, namespace, space = ''] = pathname.split('/')
  return {
    address: host,
    namespace: namespace || 'outlast',
    taskQueue: space === '' ? 'tasks' : `tasks-${space}`,
    space,
  }
}
