import type { Context } from 'hono'
import type { Timing } from '../types/timing.ts'
import { type Holding, holdUntil } from './follow.ts'
import { ProblemError } from '../types/problems.ts'
import { isTerminal, type Task } from '../types/task.ts'
import { monotonicMs } from '../types/timer.ts'

/** What a long poll came to. */
export interface Waited {
  readonly task: Task
  /** The server's holding, or news, has paced the client: it may come back at once. */
  readonly isPaced: boolean
}

/**
 * Long poll. `?wait=S` (seconds, may be fractional) holds the answer until the task is newer than what the client knows
 * (`after`, else `If-None-Match`), for at most the time limit of the contract. Without such a place, without `wait`,
 * for a place beyond the log, and for a terminal task the answer is immediate.
 */
export async function waitForChange(
  c: Context,
  api: Holding & { readonly timing: Timing },
  task: Task,
): Promise<Waited> {
  const waitMs = Math.min(requestedWaitMs(c), api.timing.longPollMs)
  const version = knownVersion(c)
  if (waitMs <= 0 || version === undefined) return { task, isPaced: false }
  if (version !== task.version || isTerminal(task.status)) return { task, isPaced: task.version > version }
  const beganAt = monotonicMs()
  const isNews = await holdUntil(c, api, task, { isEnough: () => true, limitMs: waitMs })
  const now = (await api.backend.read(task.task_id)) ?? task
  // A node that is full, or leaves, has not held it.
  return { task: now, isPaced: isNews || (monotonicMs() - beganAt >= waitMs * 0.9 && !api.drain.aborted) }
}

const longestWaitS = 999_999

/** The `wait` of a request in milliseconds; 0 without one. */
function requestedWaitMs(c: Context): number {
  const text = c.req.query('wait')
  if (text === undefined) return 0
  if (/^\d+(\.\d+)?(e-?\d+)?$/i.test(text) && Number(text) <= longestWaitS) return Number(text) * 1000
  throw new ProblemError('validation', `wait: "${text}" is not a number of seconds`)
}

function knownVersion(c: Context): number | undefined {
  const text = c.req.query('after') ?? /^(?:W\/)?"(\d{1,9})"$/.exec(c.req.header('If-None-Match') ?? '')?.[1]
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new ProblemError('validation', `after: "${text}" is not a version`)
}
