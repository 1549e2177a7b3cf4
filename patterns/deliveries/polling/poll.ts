import { readTask, type ReadOptions, type Watch } from '../../contract/client/read.ts'
import type { Talk } from '../../contract/client/talk.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'

/**
 * Read until the task has ended. Rejects with JobFailed once a final answer is proved; with the abort reason when the signal
 * aborts.
 */
export async function pollUntilEnd(talk: Talk, watch: Watch, options: ReadOptions): Promise<Task> {
  while (!isTerminal(watch.task.status)) await readTask(talk, watch, options)
  return watch.task
}
