import { askUntilAnswered } from './ask.ts'
import { commonHeaders, taskAddress, taskOf, type Answer } from './http.ts'
import type { Talk } from './talk.ts'
import type { Task } from '../types/task.ts'

/**
 * Ask for a task's cancellation until the API has answered: repeating it is harmless. Resolves with the task as it is then,
 * which may still be `cancelling`, or have ended otherwise. Rejects with JobFailed once a final answer is proved; with the
 * abort reason when the signal aborts.
 */
export async function cancelTask(talk: Talk, taskId: string): Promise<Task> {
  return askUntilAnswered(talk, {
    operation: 'cancel',
    call: (url) => ({ method: 'POST', url: `${taskAddress(url, taskId)}:cancel`, headers: commonHeaders(talk) }),
    take: (answer) => ofTask(answer, taskId),
  })
}

function ofTask(answer: Answer, taskId: string): Task | undefined {
  const task = taskOf(answer)
  return task?.task_id === taskId ? task : undefined
}
