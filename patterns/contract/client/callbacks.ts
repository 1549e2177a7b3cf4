import type { OpenCallback, Inbox } from './client.ts'
import type { Talk } from './talk.ts'
import { isTerminal, type Task } from '../types/task.ts'
import { sleep } from '../types/timer.ts'

/**
 * Hear what is posted for the job from now on, so call it before submitting: a callback may be here before the answer to the
 * submission is. The function that it returns resolves with the end of the accepted task. What does not end it, and what is
 * about another task, is passed over. Rejects on abort.
 */
export function hearCallbacks(talk: Talk, inbox: Inbox, signal: AbortSignal, own?: OpenCallback) {
  const { dialect } = talk.ports
  const ofDialect: OpenCallback = (request) => dialect!.openCallback!(request, talk.job)
  const open = own ?? (dialect?.openCallback ? ofDialect : undefined)
  const ends = new Map<string, Task>()
  let wanted: { readonly taskId: string; readonly resolve: (task: Task) => void } | undefined
  const hear = async (): Promise<never> => {
    for (let last: Task | undefined; ;) {
      const task = await inbox.wait(talk.job.key, signal, open)
      // An inbox that hands over the same for ever must not keep the process busy.
      if (task === last) await sleep(talk.timing.paceMs, signal)
      last = task
      if (!isTerminal(task.status)) continue
      if (!ends.has(task.task_id) && ends.size < mostKept) ends.set(task.task_id, task)
      if (wanted?.taskId === task.task_id) wanted.resolve(task)
    }
  }
  const over = hear()
  over.catch(() => {})
  return (taskId: string): Promise<Task> => {
    const came = new Promise<Task>((resolve) => {
      const early = ends.get(taskId)
      if (early) resolve(early)
      else wanted = { taskId, resolve }
    })
    return Promise.race([came, over])
  }
}

/** Before its task is known, a client keeps what may be its end: no more than a stranger could send by chance. */
const mostKept = 16
