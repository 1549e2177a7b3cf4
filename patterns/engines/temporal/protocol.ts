import type { TaskEvent } from '../../contract/types/events.ts'
import type { TaskInput } from '../../contract/types/task.ts'
import type { Pace } from '../../contract/types/timeouts.ts'

/** Input of a workflow: made by the API, so that it can answer before any worker has seen the task. */
export interface Accepted {
  readonly created: TaskEvent
  readonly fingerprint: string
  readonly pace: Pace
  /** Of each step, in real milliseconds. The plan itself is made where code may be slow or change: in activities. */
  readonly stepDurationsMs: readonly number[]
  readonly deadlineMs?: number
  readonly owesCallback: boolean
}

/** A step as the workflow asks for it; `step` counts from 1. */
export interface StepWork {
  readonly input: TaskInput
  readonly step: number
  /** What the steps before it returned. */
  readonly digest: string
  /** Of the task: one more after each interruption. */
  readonly attempt: number
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
}

/** How a task ended: input of the callback that is owed, and result of the workflow. */
export type Ending =
  | { readonly kind: 'completed'; readonly digest: string; readonly steps: number }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed' | 'expired'; readonly reason: string }

export const workflowType = 'task'

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
