import { isEvent, isTerminal, type LoggedEvent } from '../shown/event.ts'
import type { Answer } from '../shown/answer.ts'
import { ask, taskPath } from './api.ts'
import type { End, Heard, OpenChannel } from './channel.ts'
import { endAt, endOf } from './final.ts'
import { sayByPost } from './post-command.ts'

/** A service holds its answer for so long, or says at once that it holds none. */
const waitS = 20
const shortestMs = 500

/** For services without sockets: a page of the log, then a wait for the next version, again and again. */
export const openPolling: OpenChannel = (taskId, after, heard) => {
  const left = new AbortController()
  const get = (path: string): Promise<Answer> => ask(path, { signal: left.signal })
  void poll(taskId, after, heard, get).then(heard.onEnd)
  return {
    say: (command) => void sayByPost(taskId, command, heard.onAnswer),
    close: () => left.abort(),
  }
}

/** Resolves when there is nothing more to ask for, or nothing to be had. */
async function poll(taskId: string, after: number, heard: Heard, get: (path: string) => Promise<Answer>): Promise<End> {
  for (let [last, isFirst] = [after, true]; ; isFirst = false) {
    const page = await get(`${taskPath(taskId)}/events?after=${last}`)
    if (page.status === 400 && last > 0) return endAt(taskId, last)
    const events = eventsIn(page)
    if (!events) return endOf(page)
    if (isFirst) heard.onOpen()
    for (const event of events) heard.onEvent(event)
    last = events.at(-1)?.seq ?? last
    if (events.some(({ status }) => isTerminal(status))) return {}
    const askedAt = performance.now()
    const task = await get(`${taskPath(taskId)}?wait=${waitS}&after=${last}`)
    const { version, status } = (task.body ?? {}) as { readonly version?: unknown; readonly status?: unknown }
    if (task.status !== 200 || typeof version !== 'number') return endOf(task)
    // Asked for at a place after the last event.
    if (version <= last && isTerminal(String(status))) return {}
    const rest = shortestMs - (performance.now() - askedAt)
    // A replica may know of a version whose event another one does not show yet.
    if ((version <= last || events.length === 0) && rest > 0) await new Promise((done) => setTimeout(done, rest))
  }
}

/** Undefined: it is no page of a log. */
function eventsIn({ status, body }: Answer): readonly LoggedEvent[] | undefined {
  const { events } = (body ?? {}) as { readonly events?: unknown }
  return status === 200 && Array.isArray(events) ? events.filter(isEvent) : undefined
}
