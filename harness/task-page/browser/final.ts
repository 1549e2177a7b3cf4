import { type Answer, isAbsent, isPassing } from '../shown/answer.ts'
import { ask, taskPath } from './api.ts'
import type { End } from './channel.ts'

/** What it means for a channel that a read of the task, or of its log, was answered so. */
export function endOf(answer: Answer): End {
  const { againInS } = answer
  if (isAbsent(answer)) return { final: 'gone' }
  return isPassing(answer, 'read') ? { againInS } : { final: 'refused' }
}

/**
 * What it means that the service did not take a place in the log, or a socket's greeting: where its log is shorter than what the
 * page has, or the task is not there, it has forgotten. Otherwise it refuses.
 */
export async function endAt(taskId: string, after: number): Promise<End> {
  const task = await ask(taskPath(taskId))
  if (task.status !== 200) return endOf(task)
  const { version } = (task.body ?? {}) as { readonly version?: unknown }
  return { final: typeof version === 'number' && version < after ? 'gone' : 'refused' }
}
