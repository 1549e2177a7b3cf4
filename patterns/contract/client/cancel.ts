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
  // A success without a content leaves nothing to ask for again but the state (RFC 9110, 15.3.5).
  let isTaken = false
  return askUntilAnswered(talk, {
    operation: 'cancel',
    call: (url) => {
      const address = taskAddress(url, taskId)
      const asked = isTaken
        ? ({ method: 'GET', url: address } as const)
        : ({ method: 'POST', url: `${address}:cancel` } as const)
      return { ...asked, headers: commonHeaders(talk) }
    },
    take: (answer) => {
      isTaken ||= answer.status >= 200 && answer.status < 300 && answer.text === ''
      return ofTask(answer, taskId)
    },
  })
}

function ofTask(answer: Answer, taskId: string): Task | undefined {
  const task = taskOf(answer)
  return task?.task_id === taskId ? task : undefined
}
