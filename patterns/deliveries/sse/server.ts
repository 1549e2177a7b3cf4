import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { createApi, cursorOf, requireTask, type Api } from '../../contract/api.ts'
import type { DeliveryServer } from '../../contract/axes.ts'
import { nothingFollows, untilEither } from '../../contract/follow.ts'
import { eventFrames } from './frames.ts'

const server: DeliveryServer = {
  routes: (backend, settings, drain) => createApi(backend, settings, drain, { stream: streamEvents }),
}
export default server

/**
 * `text/event-stream` of a task's log (WHATWG HTML, server-sent events). The event id is `seq`; the stream resumes
 * after `?after=`, else after `Last-Event-ID`, and ends after the terminal event. 204 when nothing can follow:
 * the one status that tells every EventSource to stop.
 */
async function streamEvents(c: Context, taskId: string, api: Api): Promise<Response> {
  const after = cursorOf(c.req.query('after') ?? c.req.header('Last-Event-ID'))
  const task = await requireTask(api, taskId)
  if (nothingFollows(task, after)) return c.body(null, 204)
  const { over, release } = untilEither(c.req.raw.signal, api.drain)
  const frames = eventFrames(api.backend.follow(taskId, after, over.signal), {
    timing: api.timing,
    over: over.signal,
    cut: () => cut(c, over),
    release,
  })
  return new Response(ReadableStream.from(frames), {
    headers: {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
    },
  })
}

/** A reader that takes nothing would hold its connection for ever: without it, it resumes from its cursor. */
function cut(c: Context, over: AbortController): void {
  over.abort()
  ;(c.env as Partial<HttpBindings> | undefined)?.outgoing?.destroy()
}
