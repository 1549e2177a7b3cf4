import { taskApi } from './dialect.ts'
import { describeFailure } from './http.ts'
import type { CallbackRequest, Delivered, Inbox, Notice, OpenCallback } from './client.ts'
import { finish } from './outcome.ts'
import { readTask, type Watch } from './read.ts'
import type { Accepted } from './submit.ts'
import type { Talk } from './talk.ts'
import { shownAddress } from '../types/shown-address.ts'
import { isTerminal } from '../types/task.ts'
import { sleep } from '../types/timer.ts'

/** What is posted for one job. */
export interface Callbacks {
  /** The next callback of this task that ends it, or that is only news of it. Rejects on abort. */
  next(taskId: string): Promise<Notice>
  /** Ids of tasks of which there was one, before anybody asked for it. */
  ids(): readonly string[]
}

/**
 * Hear what is posted for the job from now on, so call it before submitting: a callback may be here before the answer to the
 * submission is. Progress, and what is about another task than is asked for, is passed over.
 */
export function hearCallbacks(talk: Talk, inbox: Inbox, signal: AbortSignal, own?: OpenCallback): Callbacks {
  const { dialect } = talk.ports
  const ofDialect: OpenCallback = (request) => dialect!.openCallback!(request, talk.job)
  const found = own ?? (dialect?.openCallback ? ofDialect : undefined)
  const open = found && ((request: CallbackRequest) => tryOpen(found, request, talk, inbox))
  const told = new Map<string, Notice>()
  let accepted: string | undefined
  let wanted: { readonly taskId: string; readonly resolve: (notice: Notice) => void } | undefined
  const take = (notice: Notice): void => {
    const { task_id: id, isThin = false } = notice
    if (!isTerminal(notice.status) && !isThin) return wanted?.taskId === id ? talk.noted(describe(notice)) : undefined
    if (wanted?.taskId === id) {
      const { resolve } = wanted
      wanted = undefined
      resolve(notice)
    } else if (id === accepted || told.has(id) || told.size < mostKept) told.set(id, weightier(told.get(id), notice))
  }
  const hear = async (): Promise<never> => {
    for (let last: Notice | undefined; ;) {
      const notice = await inbox.wait(talk.job.key, signal, open)
      // An inbox that hands over the same for ever must not keep the process busy.
      if (notice === last) await sleep(talk.timing.paceMs, signal)
      last = notice
      take(notice)
    }
  }
  const over = hear()
  over.catch(() => {})
  const next = (taskId: string): Promise<Notice> => {
    accepted = taskId
    const early = told.get(taskId)
    told.delete(taskId)
    if (early) return Promise.resolve(early)
    return Promise.race([new Promise<Notice>((resolve) => (wanted = { taskId, resolve })), over])
  }
  return { next, ids: () => [...told.keys()] }
}

/** What throws is answered as a callback that nobody believes. The job's own address is where it came. */
function tryOpen(open: OpenCallback, request: CallbackRequest, talk: Talk, inbox: Inbox): Notice {
  try {
    return open(request)
  } catch (error) {
    const address = shownAddress(inbox.urlFor(talk.job.key))
    talk.noted(`a callback that was not believed: ${describeFailure(error)}; posted to ${address}`)
    throw error
  }
}

/** Before its task is known, a client keeps what may be its end: no more than a stranger could send by chance. */
const mostKept = 16

/** Of two that nobody has looked at: an end is not taken back by news. */
function weightier(before: Notice | undefined, after: Notice): Notice {
  return before && isTerminal(before.status) && (!isTerminal(after.status) || after.isThin) ? before : after
}

function describe({ status, status_reason: why }: Notice): string {
  return `a callback, the task is ${status}${why === undefined ? '' : ` (${why})`}`
}

/**
 * The end of an accepted task as its callbacks tell, and where one holds no more than news, as a read then does. Rejects as
 * `finish` and reads do, and on abort.
 */
export async function endByCallbacks(
  talk: Talk,
  { task, replica }: Accepted,
  callbacks: Callbacks,
  signal: AbortSignal,
): Promise<Delivered> {
  const watch: Watch = { task, replica }
  for (;;) {
    const notice = await callbacks.next(task.task_id)
    if (!notice.isThin) return finish(notice, 'callback')
    if (!(talk.ports.dialect ?? taskApi).isReadable) talk.noted('a callback that says no state')
    else await readNews(talk, watch, notice, signal)
    if (isTerminal(watch.task.status)) return finish(watch.task, 'poll')
  }
}

/** Once, or where the task is over until a read says so, too: a replica may not know it yet. */
async function readNews(talk: Talk, watch: Watch, { status }: Notice, signal: AbortSignal): Promise<void> {
  for (;;) {
    const isRead = await readTask(talk, watch, { longPoll: false, signal })
    if (isTerminal(watch.task.status) || (isRead && !isTerminal(status))) return
  }
}
