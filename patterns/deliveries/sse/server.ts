import type { ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { createApi, requireTask, type Api } from '../../contract/server/api.ts'
import { resumptionOf, type Resumption } from '../../contract/server/cursor.ts'
import type { DeliveryServer } from '../../contract/server/delivery-server.ts'
import { whenTokenEnds } from '../../contract/server/expiry.ts'
import { nothingFollows } from '../../contract/server/follow.ts'
import { Heartbeats } from '../../contract/server/heartbeats.ts'
import { logFailure } from '../../contract/engine/log-error.ts'
import { timingAt } from '../../contract/types/timing.ts'
import type { Task } from '../../contract/types/task.ts'
import { Turns } from '../../contract/server/turns.ts'
import { resetFrame, type Streams, writeStream } from './frames.ts'

const server: DeliveryServer = {
  routes: (backend, settings, drain) => {
    const timing = timingAt(settings.timeScale)
    const turns = new Turns()
    const streams: NodeStreams = { timing, drain, turns, heartbeats: new Heartbeats(timing, turns), open: new Set() }
    // One listener for all: a signal with thousands of them finds each by going through the others.
    drain.addEventListener('abort', () => streams.open.forEach((over) => over.abort()), { once: true })
    return createApi(backend, settings, drain, { stream: (c, taskId, api) => streamEvents(c, taskId, api, streams) })
  },
}
export default server

interface NodeStreams extends Streams {
  /** What ends each of them. */
  readonly open: Set<AbortController>
}

const headers = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
}

/**
 * `text/event-stream` of a task's log (WHATWG HTML, server-sent events). The event id is `seq`; the stream resumes after
 * the furthest place that `?after=` and `Last-Event-ID` name, and ends after the terminal event. It begins with
 * `stream.reset` and all of the log where they name none: after any other refusal no EventSource comes back. 204 when
 * nothing can follow: the one status that tells every EventSource to stop.
 */
async function streamEvents(c: Context, taskId: string, api: Api, streams: NodeStreams): Promise<Response> {
  const task = await requireTask(api, taskId)
  const resumption = resumptionOf(task.version, [c.req.query('after'), c.req.header('Last-Event-ID')])
  if (nothingFollows(task, resumption.after)) return c.body(null, 204)
  const head = c.body(null, 200, headers)
  if (c.req.method === 'HEAD') return head
  const giveBack = api.places.require(taskId)
  const { outgoing } = c.env as HttpBindings
  outgoing.writeHead(200, Object.fromEntries(head.headers))
  outgoing.flushHeaders()
  void stream(outgoing as ServerResponse, { task, ...resumption }, api, streams).finally(giveBack)
  return head
}

/**
 * Straight onto Node's response. As the body of a `Response` each of thousands of streams would keep a request, two web
 * streams and four generators besides. Never rejects.
 */
async function stream(
  outgoing: ServerResponse,
  { task, after, isReset }: Resumption & { readonly task: Pick<Task, 'task_id' | 'version'> },
  { backend, caller, settings }: Api,
  streams: NodeStreams,
): Promise<void> {
  const over = new AbortController()
  if (outgoing.destroyed || streams.drain.aborted) over.abort()
  streams.open.add(over)
  // Its own watchdog cuts a reader that takes nothing; silence between events is no fault of the reader.
  outgoing.socket?.setTimeout(0)
  outgoing.once('close', () => over.abort()).once('error', () => over.abort())
  // It ends in order; who comes back is asked for another token.
  using _ = whenTokenEnds(caller, () => over.abort())
  try {
    const events = backend.follow(task.task_id, after, over.signal)
    const preface = isReset ? resetFrame(task.version) : ''
    const { socket } = outgoing
    if (socket && outgoing.chunkedEncoding) await writeStream(events, socket, streams, { framed: chunk, preface })
    else await writeStream(events, outgoing, streams, { preface })
    outgoing.end()
  } catch (error) {
    logFailure(settings.node, `stream of ${task.task_id}`, error)
  } finally {
    streams.open.delete(over)
  }
}

/** A chunk (RFC 9112, 7.1), straight for the socket: Node's response would make four writes of it. */
function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}
