import { createParser } from 'eventsource-parser'
import { request } from 'undici'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { dispatcher, token } from './api-node.ts'

export interface ReadStream {
  readonly headers: Record<string, string | string[] | undefined>
  readonly events: TaskEvent[]
  /** Names and ids of all events, those of the stream itself (`stream.reset`) too. */
  readonly names: (string | undefined)[]
  readonly ids: (string | undefined)[]
  readonly comments: string[]
  readonly retryMs: number[]
  readonly ended: Promise<void>
  close(): void
}

/** Read an event stream until the server ends it. */
export async function openStream(url: string, headers: Record<string, string> = {}): Promise<ReadStream> {
  const own = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
  const over = new AbortController()
  const answer = await request(url, { dispatcher, headers: { ...own, ...headers }, signal: over.signal })
  const read = {
    events: [] as TaskEvent[],
    names: [] as (string | undefined)[],
    ids: [] as (string | undefined)[],
    comments: [] as string[],
    retryMs: [] as number[],
  }
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      read.names.push(event)
      read.ids.push(id)
      if (!event?.startsWith('stream.')) read.events.push(JSON.parse(data))
    },
    onComment: (comment) => read.comments.push(comment.trim()),
    onRetry: (retry) => read.retryMs.push(retry),
  })
  const consume = async (): Promise<void> => {
    for await (const chunk of answer.body) parser.feed(String(chunk))
  }
  const ended = consume()
  ended.catch(() => {})
  return { ...read, headers: answer.headers, ended, close: () => over.abort() }
}
