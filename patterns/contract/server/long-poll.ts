import type { Context } from 'hono'
import type { Timing } from '../types/timing.ts'
import { type Holding, holdUntil } from './follow.ts'
import { ProblemError } from '../types/problems.ts'
import { isTerminal, type Task } from '../types/task.ts'

/**
 * Long poll. `?wait=S` (seconds, may be fractional) holds the answer until the task is newer than what the client knows
 * (`after`, else `If-None-Match`), for at most the time limit of the contract. Without such a place, without `wait`,
 * and for a terminal task the answer is immediate.
 */
export async function waitForChange(c: Context, api: Holding & { readonly timing: Timing }, task: Task): Promise<Task> {
  const waitMs = Math.min(requestedWaitMs(c), api.timing.longPollMs)
  const version = knownVersion(c)
  if (waitMs <= 0 || version === undefined || task.version > version || isTerminal(task.status)) return task
  await holdUntil(c, api, task, () => true, waitMs)
  return (await api.backend.read(task.task_id)) ?? task
}

/** The `wait` of a request in milliseconds; 0 without one. */
export function requestedWaitMs(c: Context): number {
  const text = c.req.query('wait')
  if (text === undefined) return 0
  if (/^\d{1,6}(\.\d{1,6})?$/.test(text)) return Number(text) * 1000
  throw new ProblemError('validation', `wait: "${text}" is not a number of seconds`)
}

function knownVersion(c: Context): number | undefined {
  const text = c.req.query('after') ?? /^(?:W\/)?"(\d{1,9})"$/.exec(c.req.header('If-None-Match') ?? '')?.[1]
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new ProblemError('validation', `after: "${text}" is not a version`)
}
