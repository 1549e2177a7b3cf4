import { JobFailed } from './client.ts'
import { commonHeaders, exchange, taskAddress, taskOf } from './http.ts'
import type { Talk } from './talk.ts'
import type { Task } from '../types/task.ts'

/**
 * Ask for a task's cancellation until the API has answered: repeating it is harmless. Resolves with the task as it is then,
 * which may still be `cancelling`, or have ended otherwise. Rejects with JobFailed once a final answer is proved; with the
 * abort reason when the signal aborts.
 */
export async function cancelTask(talk: Talk, taskId: string): Promise<Task> {
  const { job, ports } = talk
  for (let replica = job.ordinal; ; replica++) {
    const { url } = ports.apis[replica % ports.apis.length]!
    const task = await cancelOnce(talk, taskId, url)
    if (task) return task
  }
}

async function cancelOnce(talk: Talk, taskId: string, url: string): Promise<Task | undefined> {
  const { ports, signal, timing } = talk
  await talk.pace.turn('cancel', signal)
  const call = { method: 'POST' as const, url: `${taskAddress(url, taskId)}:cancel`, headers: commonHeaders(talk) }
  try {
    const answer = await exchange(ports.dispatcher, call, timing.requestTimeoutMs, signal)
    const task = taskOf(answer)
    if (task?.task_id === taskId) return task
    talk.refused('cancel', answer)
  } catch (error) {
    if (error instanceof JobFailed) throw error
    signal.throwIfAborted()
    talk.failed('cancel', error)
  }
  return undefined
}
