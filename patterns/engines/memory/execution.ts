import type { Dispatcher } from 'undici'
import { emptyDigest } from '../../agent/plan.ts'
import { performStep, ToolRefusal, type StepContext } from '../../agent/step.ts'
import type { NodeSettings } from '../../contract/engine/backend.ts'
import type { Notify } from '../../contract/types/callback.ts'
import {
  cancelledEvent,
  completedEvent,
  expiredEvent,
  failedEvent,
  progressEvent,
  startedEvent,
} from '../../contract/engine/log.ts'
import { reportError } from '../../contract/engine/log-error.ts'
import { startTimer, type Timer } from '../../contract/types/timer.ts'
import type { Timing } from '../../contract/types/timing.ts'
import { OwedCallback } from './callback.ts'
import type { TaskRecord } from './record.ts'

export interface Executor {
  readonly settings: NodeSettings
  readonly timing: Timing
  readonly dispatcher: Dispatcher
  readonly toolsUrl: string
  readonly notify: Notify
}

/** Why an execution was stopped from outside; each but the last ends the task. */
export const stops = { cancel: new Error('cancelled'), expire: new Error('deadline'), exit: new Error('exit') } as const

/** Perform every step of a task in this process and begin to post the callback. Never rejects. */
export async function executeTask(record: TaskRecord, executor: Executor): Promise<void> {
  using _ = armDeadline(record, executor)
  try {
    await performSteps(record, executor)
  } catch (error) {
    if (error === stops.exit) return
    record.append(endedBy(error, record, executor))
  }
  const url = record.request.delivery?.webhook_url
  if (url !== undefined) record.owed = new OwedCallback(record.task, url, executor.notify)
}

async function performSteps(record: TaskRecord, executor: Executor): Promise<void> {
  const { plan } = record
  record.append(startedEvent(record.head, plan, executor.settings.node, new Date()))
  let digest = emptyDigest
  for (const { index } of plan.steps) {
    const done = await performStep(plan, index, digest, stepContext(record, executor))
    record.append(progressEvent(record.head, plan, { step: index, ...done }, new Date()))
    digest = done.digest
  }
  record.append(completedEvent(record.head, { digest, steps: plan.steps.length }, new Date()))
}

function stepContext(record: TaskRecord, { settings, timing, dispatcher, toolsUrl }: Executor): StepContext {
  const { task_id: taskId, attempt } = record.task
  const { job } = record.request.input
  return { taskId, job, attempt, executor: settings.node, toolsUrl, dispatcher, timing, signal: record.stop.signal }
}

function endedBy(error: unknown, record: TaskRecord, { settings }: Executor) {
  const { head } = record
  if (error === stops.cancel) return cancelledEvent(head, new Date())
  if (error === stops.expire) return expiredEvent(head, 'the deadline has passed', new Date())
  if (error instanceof ToolRefusal) return failedEvent(head, error.message, new Date())
  reportError(settings.node, `task ${head.task_id}`, error)
  return failedEvent(head, 'the executor failed', new Date())
}

function armDeadline(record: TaskRecord, { settings }: Executor): Timer | undefined {
  const seconds = record.request.deadline_s
  if (seconds === undefined) return undefined
  return startTimer(() => record.stop.abort(stops.expire), (seconds * 1000) / settings.timeScale)
}
