import { isEvent, isTerminal, type LoggedEvent } from '../shown/event.ts'
import { type Answer, ask, taskPath } from './api.ts'
import type { Heard, OpenChannel } from './channel.ts'
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

/** Resolves when there is nothing more to ask for, with whether that is since the task is gone. */
async function poll(
  taskId: string,
  after: number,
  heard: Heard,
  get: (path: string) => Promise<Answer>,
): Promise<boolean> {
  for (let [last, isFirst] = [after, true]; ; isFirst = false) {
    const page = await get(`${taskPath(taskId)}/events?after=${last}`)
    if (page.status !== 200) return page.status === 404 || page.status === 410 || page.status === 400
    if (isFirst) heard.onOpen()
    const events = (page.body as { readonly events: readonly LoggedEvent[] }).events.filter(isEvent)
    for (const event of events) heard.onEvent(event)
    last = events.at(-1)?.seq ?? last
    if (events.some(({ status }) => isTerminal(status))) return false
    const askedAt = performance.now()
    const task = await get(`${taskPath(taskId)}?wait=${waitS}&after=${last}`)
    if (task.status !== 200) return task.status === 404 || task.status === 410
    // Asked for at a place after the last event.
    if (isAt(task, last) && isTerminal((task.body as LoggedEvent).status)) return false
    const rest = shortestMs - (performance.now() - askedAt)
    if (isAt(task, last) && rest > 0) await new Promise((done) => setTimeout(done, rest))
  }
}

function isAt({ body }: Answer, seq: number): boolean {
  return (body as { readonly version: number }).version <= seq
}
