import type { Writable } from 'node:stream'
import type { TaskEvent } from '../../contract/types/events.ts'
import { faultPoint } from '../../contract/engine/fault-point.ts'
import type { Beating, Heartbeats } from '../../contract/server/heartbeats.ts'
import type { Timing } from '../../contract/types/timing.ts'
import type { Turns } from '../../contract/server/turns.ts'

/** What the event streams of a node share. */
export interface Streams {
  readonly timing: Timing
  /** Aborts when the node is to leave. */
  readonly drain: AbortSignal
  readonly heartbeats: Heartbeats
  readonly turns: Turns
}

export interface Writing {
  /** What goes over the wire for a text; by default the text. */
  readonly framed?: (text: string) => string
  /** What comes before the first event. */
  readonly preface?: string
}

/**
 * Writes an event stream. It begins with an opening comment, so that headers pass every proxy. Events follow, with a
 * comment after every heartbeat interval of silence, and a `retry` with jitter when the node drains. The next event is
 * taken when the reader has room for it. A reader without room for as long as its own watchdog would wait is cut, and
 * resumes from its cursor. Rejects as `events` does; `out` is destroyed then, and never ended.
 *
 * Blank lines end events and nothing else. Some libraries take a blank line after a comment or a `retry` for an event
 * without data, although WHATWG HTML (9.2.6) has none there.
 */
export async function writeStream(
  events: AsyncIterable<TaskEvent>,
  out: Writable,
  streams: Streams,
  { framed = asItIs, preface = '' }: Writing = {},
): Promise<void> {
  const { timing, drain, heartbeats, turns } = streams
  const reader = new Reader(out, framed, timing.watchdogMs)
  heartbeats.add(reader)
  try {
    await reader.send(`: open\nretry: ${Math.ceil(timing.backoffBaseMs)}\n${preface}`)
    for await (const event of events) {
      await turns.next()
      faultPoint('sse.frame.before')
      await reader.send(frameOf(event))
      faultPoint('sse.frame.after')
    }
    if (drain.aborted)
      await reader.send(`: draining\nretry: ${Math.ceil(timing.backoffBaseMs * (1 + Math.random()))}\n`)
  } catch (error) {
    out.destroy()
    throw error
  } finally {
    heartbeats.delete(reader)
  }
}

function asItIs(text: string): string {
  return text
}

/** The reader's place is none of this log, which ends at `version` by now: it forgets what it has, and is at 0. */
export function resetFrame(version: number): string {
  return `id: 0\nevent: stream.reset\ndata: ${JSON.stringify({ reason: 'no such place in the log', version })}\n\n`
}

let last: { readonly event: TaskEvent; readonly frame: string } | undefined

/** Thousands may follow one task, and one event wakes all of them together. */
export function frameOf(event: TaskEvent): string {
  if (last?.event !== event)
    last = { event, frame: `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n` }
  return last.frame
}

class Reader implements Beating {
  quietTicks = 0
  readonly #out: Writable
  readonly #framed: (text: string) => string
  readonly #patienceMs: number

  constructor(out: Writable, framed: (text: string) => string, patienceMs: number) {
    this.#out = out
    this.#framed = framed
    this.#patienceMs = patienceMs
  }

  /** Behind what it does not read a heartbeat would only pile up. */
  beat(): void {
    if (!this.#out.writableNeedDrain) this.#out.write(this.#framed(': heartbeat\n'))
  }

  /** Resolves when there is room for more, or the reader is gone. */
  send(text: string): Promise<void> | undefined {
    this.quietTicks = 0
    return this.#out.destroyed || this.#out.write(this.#framed(text)) ? undefined : this.#room()
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(stalled)
        this.#out.off('drain', settle).off('close', settle)
        resolve()
      }
      const stalled = setTimeout(() => this.#out.destroy(), this.#patienceMs)
      this.#out.once('drain', settle).once('close', settle)
    })
  }
}
