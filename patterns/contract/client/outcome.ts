import { JobFailed, type Delivered } from './client.ts'
import { isTerminal, type Task } from '../types/task.ts'

/**
 * What a client reports for a task that has ended: the result, or JobFailed(`task-failed`) without one. Throws RangeError for
 * one that has not: that is a defect of the caller.
 */
export function finish(task: Task, via: string): Delivered {
  if (!isTerminal(task.status)) throw new RangeError(`task ${task.task_id} is ${task.status}: it has not ended`)
  if (task.status === 'completed') return { task, via }
  const detail = `${task.status}: ${task.status_reason ?? 'no reason given'}`
  throw new JobFailed('task-failed', detail, { taskId: task.task_id })
}
