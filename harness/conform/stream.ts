import { createParser } from 'eventsource-parser'
import { request } from 'undici'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'
import type { Target } from './case.ts'
import type { Asked } from './conversation.ts'
import { Breach, lostBy, must, NotApplicable, show } from './expect.ts'
import {
  askedFor,
  describeCame,
  dispatcher,
  headersWithoutToken,
  jsonIn,
  lost,
  mostBytes,
  problemIn,
  withoutToken,
} from './http.ts'
import { eventOf, isEnd, partlyKept } from './tasks.ts'
import { mediaTypeOf } from './headers.ts'
import { patiently, type Headers } from './patience.ts'

/** What came over one event stream so far (WHATWG HTML, server-sent events). */
export interface OpenStream {
  readonly status: number
  readonly headers: Headers
  /** Of a refusal, where it is a problem. */
  readonly json?: Readonly<Record<string, unknown>> | undefined
  readonly events: TaskEvent[]
  /** Names of events that are none of the task's, as `stream.reset`. */
  readonly others: string[]
  readonly ids: (string | undefined)[]
  readonly comments: string[]
  readonly retryMs: number[]
  /** When it was asked for, and when bytes came, on the clock of `performance.now`. */
  readonly askedAt: number
  readonly bytesAt: number[]
  /** The server ended it; rejects when it broke, or carried what is no event. */
  readonly ended: Promise<void>
  close(): void
}

/** What a service answers to who asks for a stream: the stream of a task, or why there is none. */
export function isStream({ status, headers }: Pick<OpenStream, 'status' | 'headers'>): boolean {
  return status === 200 && mediaTypeOf(headers) === 'text/event-stream'
}

/** Open a stream; any status that is the last word. */
export async function openStream(
  target: Target,
  place: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<OpenStream> {
  const asked = askedFor(target, place, { headers: { accept: 'text/event-stream', ...headers } })
  const what = `the stream ${asked.url.pathname}`
  const drop = (stream: OpenStream): void => stream.close()
  return patiently(target, { what, url: asked.url, isSubmission: false, ask: () => openOnce(target, asked), drop })
}

async function openOnce(target: Target, asked: Asked): Promise<OpenStream> {
  const own = new AbortController()
  const signal = AbortSignal.any([own.signal, target.signal])
  const noted = target.conversation.begin(asked)
  const read = { ...emptyRead(), askedAt: performance.now() }
  const {
    statusCode: status,
    headers: came,
    body,
  } = await request(asked.url, { dispatcher, signal, headers: asked.headers }).catch((error: unknown) => {
    throw lost(target, noted, error)
  })
  const headers = headersWithoutToken(target, came)
  target.conversation.end(noted, describeCame(status, headers))
  const isRefused = status >= 400
  const json = isRefused ? await problemIn(headers, body) : undefined
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      if (isTaskEvent(event)) {
        read.events.push(eventOf(jsonOf(withoutToken(target, data))))
        read.ids.push(id)
      } else read.others.push(event!)
    },
    onComment: (comment) => read.comments.push(comment.trim()),
    onRetry: (retryMs) => read.retryMs.push(retryMs),
  })
  // A character may come in two pieces.
  const decoder = new TextDecoder()
  const consume = async (): Promise<void> => {
    let bytes = 0
    for await (const chunk of (isRefused ? [] : body) as AsyncIterable<Buffer>) {
      read.bytesAt.push(performance.now())
      bytes += chunk.length
      if (bytes > mostBytes) throw new Breach(`a stream has more than ${mostBytes} bytes`, { exchange: noted })
      if (isStream({ status, headers })) parser.feed(decoder.decode(chunk, { stream: true }))
    }
  }
  const ended = consume().catch((error: unknown) => {
    if (error instanceof Breach || own.signal.aborted) throw error
    target.signal.throwIfAborted()
    const reason = lostBy(error)
    throw reason === undefined ? error : new Cut(reason)
  })
  ended.catch(() => {})
  return { ...read, status, headers, json, ended, close: () => own.abort() }
}

function jsonOf(data: string): unknown {
  const value = jsonIn(data)
  if (value === undefined) throw new Breach(`an event of the stream is no JSON: ${show(data)}`)
  return value
}

/** A connection that ended in the middle, as any may: the reader comes back with its cursor. */
class Cut extends Breach {
  constructor(reason: string) {
    super(`the stream broke: ${reason}`)
  }
}

/** Who reads events listens for their names; a name that it does not know is not heard (WHATWG HTML 9.2.6). */
function isTaskEvent(name: string | undefined): boolean {
  return name === undefined || name === '' || name === 'message' || /^(?:task|context)\./.test(name)
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

/** What a reader has that comes back with its cursor until it has the end. */
export interface ReadStream extends Omit<OpenStream, 'ended' | 'close'> {
  /** How often it came back. */
  readonly resumed: number
}

/** A stream may end at any time without news, as behind a limit of a balancer; so often in a row it has none. */
const mostInVain = 5

/** The events of a stream up to its terminal one. It is resumed where it ended before, as every EventSource does. */
export async function readStream(
  target: Target,
  place: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<ReadStream> {
  const all = emptyRead()
  let inVain = 0
  for (let resumed = 0; ; resumed++) {
    const cursor = all.ids.at(-1)
    const stream = await (cursor === undefined
      ? openStream(target, place, headers)
      : openStream(target, place.replace(/\?.*$/, ''), { ...headers, 'last-event-id': cursor }))
    must(stream.status === 200, `a stream got status ${stream.status}`)
    must(isStream(stream), `a stream has Content-Type ${show(mediaTypeOf(stream.headers))}, must be text/event-stream`)
    const cut = await stream.ended.catch(unlessCut)
    // It must forget what it has.
    if (stream.others.includes('stream.reset') && stream.events[0]?.seq === 1) all.events.length = all.ids.length = 0
    for (const part of ['events', 'others', 'ids', 'comments', 'retryMs', 'bytesAt'] as const)
      (all[part] as unknown[]).push(...stream[part])
    const last = all.events.at(-1)
    if (last && isEnd(last)) return { ...stream, ...all, resumed }
    inVain = stream.events.length > 0 ? 0 : inVain + 1
    must(
      inVain < mostInVain,
      `the stream ended ${inVain} times in a row without an event, and without the terminal one`,
    )
    await sleep(Math.min(1_000, stream.retryMs.at(-1) ?? (cut ? 200 : 50)), target.signal)
  }
}

/** Throws NotApplicable where a stream after this place said that what came next is not kept any more. */
export function passOverCutLog({ others, events }: Pick<OpenStream, 'others' | 'events'>, after: number): void {
  const first = events[0]?.seq ?? 1
  if (others.includes('stream.reset') && first > after + 1) throw new NotApplicable(partlyKept)
}

/** A stream that is opened again at its place when it was cut, as it grows. */
export interface FollowedStream {
  /** The first connection. */
  readonly first: OpenStream
  /** What came over all of them so far. */
  events(): readonly TaskEvent[]
  /** The terminal event came; rejects when nothing more can come. */
  readonly ended: Promise<void>
  close(): void
}

export async function followStream(target: Target, place: string): Promise<FollowedStream> {
  const first = await openStream(target, place)
  const before: TaskEvent[] = []
  let current = first
  let isOver = !isStream(first)
  const events = (): readonly TaskEvent[] => [...before, ...current.events]
  const follow = async (): Promise<void> => {
    for (let inVain = 0; !isOver && !events().some(isEnd);) {
      await current.ended.catch(unlessCut)
      inVain = current.events.length > 0 ? 0 : inVain + 1
      must(inVain < mostInVain, `the stream ended ${inVain} times in a row without an event`)
      if (events().some(isEnd)) return
      await sleep(reopenMs, target.signal)
      const next = await openStream(target, place, { 'last-event-id': String(events().at(-1)?.seq ?? 0) })
      before.push(...current.events)
      current = next
      if (isOver) next.close()
    }
  }
  const ended = follow()
  ended.catch(() => {})
  const close = (): void => {
    isOver = true
    current.close()
  }
  return { first, events, ended, close }
}

/** Soon: what is asked is whether events are kept back. */
const reopenMs = 50

function unlessCut(error: unknown): Cut {
  if (error instanceof Cut) return error
  throw error as Error
}

/** Resolves when it holds of what came. Throws Breach when the stream ends before. */
export async function untilRead(
  target: Target,
  { ended }: { readonly ended: Promise<unknown> },
  holds: () => boolean,
): Promise<void> {
  let over: { readonly error?: unknown } | undefined
  const note = (end: { readonly error?: unknown }): void => void (over ??= end)
  ended.then(
    () => note({}),
    (error: unknown) => note({ error }),
  )
  while (!holds()) {
    target.signal.throwIfAborted()
    if (over?.error !== undefined) throw over.error as Error
    if (over) throw new Breach('it ended before')
    await sleep(5, target.signal)
  }
}
