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

/**
 * Writes an event stream. It begins with an opening comment, so that headers pass every proxy. Events follow, with a
 * comment after every heartbeat interval of silence, and a `retry` with jitter when the node drains. The next event is
 * taken when the reader has room for it. A reader without room for as long as its own watchdog would wait is cut, and
 * resumes from its cursor. `framed` is what goes over the wire for a text. Rejects as `events` does; `out` is destroyed
 * then, and never ended.
 */
export async function writeStream(
  events: AsyncIterable<TaskEvent>,
  out: Writable,
  streams: Streams,
  framed: (text: string) => string = asItIs,
): Promise<void> {
  const { timing, drain, heartbeats, turns } = streams
  const reader = new Reader(out, framed, timing.watchdogMs)
  heartbeats.add(reader)
  try {
    await reader.send(`: open\nretry: ${Math.ceil(timing.backoffBaseMs)}\n\n`)
    for await (const event of events) {
      await turns.next()
      faultPoint('sse.frame.before')
      await reader.send(frameOf(event))
      faultPoint('sse.frame.after')
    }
    if (drain.aborted)
      await reader.send(`: draining\nretry: ${Math.ceil(timing.backoffBaseMs * (1 + Math.random()))}\n\n`)
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
    if (!this.#out.writableNeedDrain) this.#out.write(this.#framed(': heartbeat\n\n'))
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
