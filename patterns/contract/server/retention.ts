import type { Context } from 'hono'
import { ProblemError } from '../types/problems.ts'
import type { SeenBy } from './principals.ts'
import type { NodeSettings } from '../types/settings.ts'
import type { Task } from '../types/task.ts'

/** Throws the problem `gone` for a task that ended longer ago than tasks are kept. */
export type RequireKept = (task: Task) => void

/** By the settings; for ever where they say nothing. */
export function keptFor({ retentionS, timeScale }: NodeSettings): RequireKept {
  if (retentionS === undefined) return () => {}
  const retentionMs = (retentionS * 1000) / timeScale
  return ({ task_id, finished_at }) => {
    if (finished_at === undefined || Date.parse(finished_at) + retentionMs > Date.now()) return
    throw new ProblemError('gone', `task ${task_id} ended at ${finished_at} and was kept for ${retentionS} s`, task_id)
  }
}

const ofTask = /^\/v1\/tasks\/([\w~-][\w.~-]*)/

/** Before all that can be asked of one task: after its time each of its resources is gone, not only some. */
export function requireKeptTask(seenBy: SeenBy, requireKept: RequireKept) {
  return async (c: Context, next: () => Promise<void>): Promise<void> => {
    const [, taskId] = ofTask.exec(c.req.path) ?? []
    const task = taskId === undefined || c.req.method === 'OPTIONS' ? undefined : await seenBy(c).read(taskId)
    if (task) requireKept(task)
    return next()
  }
}
