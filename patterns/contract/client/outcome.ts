import { JobFailed, type Delivered } from './client.ts'
import type { Task } from '../types/task.ts'

/** What a client reports for a task that has ended: the result, or JobFailed(`task-failed`) without one. */
export function finish(task: Task, via: string): Delivered {
  if (task.status === 'completed') return { task, via }
  throw new JobFailed('task-failed', `${task.status}: ${task.status_reason ?? 'no reason given'}`, task.task_id)
}
