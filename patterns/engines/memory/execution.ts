import { emptyDigest } from '../../agent/plan.ts'
import { afterStep, endingBy } from '../../contract/engine/after-step.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { armDeadline } from '../../contract/engine/deadline.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { failedEvent, startedEvent } from '../../contract/engine/log.ts'
import { reportError } from '../../contract/engine/log-error.ts'
import { performAt, type Workplace } from '../../contract/engine/workplace.ts'
import { OwedCallback } from './callback.ts'
import type { TaskRecord } from './record.ts'

/** Why an execution is cut short that does not end its task: the process leaves, and takes the task with it. */
export const exit = new Error('exit')

/** Perform every step of a task in this process and begin to post the callback. Never rejects. */
export async function executeTask(record: TaskRecord, place: Workplace, notify: Notify): Promise<void> {
  using _ = armDeadline(record.after(0), place.timeScale, record.stop)
  try {
    await performSteps(record, place)
  } catch (error) {
    if (error === exit) return
    record.append(endOf(record, error, place.node))
  }
  const url = record.request.delivery?.webhook_url
  if (url !== undefined) record.owed = new OwedCallback(record.task, url, notify)
}

async function performSteps(record: TaskRecord, place: Workplace): Promise<void> {
  const { plan } = record
  const { job } = record.request.input
  record.append(startedEvent(record.head, plan, place.node, new Date()))
  let digest = emptyDigest
  for (const { index: step } of plan.steps) {
    const { task_id: taskId, attempt } = record.task
    const done = await performAt(place, { taskId, job, plan, step, digest, attempt }, record.stop.signal)
    for (const event of afterStep(record.head, plan, { step, ...done })) record.append(event)
    if (record.ended) return
    digest = done.digest
  }
}

function endOf(record: TaskRecord, error: unknown, node: string): TaskEvent {
  const { head } = record
  try {
    return endingBy(error)(head)
  } catch {
    reportError(node, `task ${head.task_id}`, error)
    return failedEvent(head, 'the executor failed', new Date())
  }
}
