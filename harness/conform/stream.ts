import { createParser } from 'eventsource-parser'
import { request } from 'undici'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import type { Target } from './case.ts'
import { must } from './expect.ts'
import { authorization, dispatcher, eventOf } from './http.ts'

/** What came over one event stream so far (WHATWG HTML, server-sent events). */
export interface OpenStream {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly events: TaskEvent[]
  /** Names of events that are none of the task's, as `stream.reset`. */
  readonly others: string[]
  readonly ids: (string | undefined)[]
  readonly comments: string[]
  readonly retryMs: number[]
  /** When bytes came, on the clock of `performance.now`. */
  readonly bytesAt: number[]
  /** The server ended it; rejects when it broke. */
  readonly ended: Promise<void>
  close(): void
}

/** Open a stream; any status. */
export async function openStream(
  target: Target,
  place: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<OpenStream> {
  const own = new AbortController()
  const signal = AbortSignal.any([own.signal, target.signal])
  const accept = { ...authorization(target.token), accept: 'text/event-stream' }
  const url = new URL(place, target.url)
  const answer = await request(url, { dispatcher, signal, headers: { ...accept, ...headers } })
  const read = emptyRead()
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      if (event?.startsWith('stream.')) read.others.push(event)
      else {
        read.ids.push(id)
        read.events.push(eventOf(JSON.parse(data)))
      }
    },
    onComment: (comment) => read.comments.push(comment.trim()),
    onRetry: (retryMs) => read.retryMs.push(retryMs),
  })
  const consume = async (): Promise<void> => {
    for await (const chunk of answer.body) {
      read.bytesAt.push(performance.now())
      if (answer.statusCode === 200) parser.feed(String(chunk))
    }
  }
  const ended = consume()
  ended.catch(() => {})
  return { ...read, status: answer.statusCode, headers: answer.headers, ended, close: () => own.abort() }
}

function emptyRead() {
  return {
    events: [] as TaskEvent[],
    others: [] as string[],
    ids: [] as (string | undefined)[],
    comments: [] as string[],
    retryMs: [] as number[],
    bytesAt: [] as number[],
  }
}

/** The events of a stream that the server ends by itself. */
export async function readStream(target: Target, place: string, headers = {}): Promise<OpenStream> {
  const stream = await openStream(target, place, headers)
  must(stream.status === 200, `a stream got status ${stream.status}`)
  await stream.ended
  return stream
}
