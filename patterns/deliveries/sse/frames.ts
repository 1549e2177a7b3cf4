import type { TaskEvent } from '../../contract/events.ts'
import { faultPoint } from '../../contract/fault-point.ts'
import { untilHeartbeat, type Timing } from '../../contract/timing.ts'

export interface FrameOptions {
  readonly timing: Timing
  /** The client left, or the node drains. */
  readonly over: AbortSignal
  /** Called when the reader took nothing for as long as its own watchdog would wait. */
  readonly cut: () => void
  /** Called once at the end. */
  readonly release: () => void
}

/**
 * The bytes of an event stream: an opening comment at once (so that headers pass every proxy), then the events,
 * a comment after every heartbeat interval of silence, and a `retry` with jitter when the node drains.
 * It is pulled: at most one event per reader is held here, whatever the reader does.
 */
export async function* eventFrames(
  events: AsyncIterable<TaskEvent>,
  options: FrameOptions,
): AsyncGenerator<Uint8Array> {
  const source = events[Symbol.asyncIterator]()
  const { backoffBaseMs } = options.timing
  try {
    yield* send(`: open\nretry: ${Math.ceil(backoffBaseMs)}\n\n`, options)
    for (let next = source.next(); ;) {
      const happened = await firstOf(next, options)
      if (happened === 'over') break
      if (happened === 'silence') yield* send(': heartbeat\n\n', options)
      else {
        const { done, value } = await next
        if (done) break
        faultPoint('sse.frame.before')
        yield* send(frameOf(value), options)
        faultPoint('sse.frame.after')
        next = source.next()
      }
    }
    if (options.over.aborted)
      yield* send(`: draining\nretry: ${Math.ceil(backoffBaseMs * (1 + Math.random()))}\n\n`, options)
  } finally {
    options.release()
    await source.return?.()
  }
}

export function frameOf(event: TaskEvent): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

const encoder = new TextEncoder()

async function* send(text: string, { timing, cut }: FrameOptions): AsyncGenerator<Uint8Array> {
  const stalled = setTimeout(cut, timing.watchdogMs)
  try {
    yield encoder.encode(text)
  } finally {
    clearTimeout(stalled)
  }
}

function firstOf(next: Promise<unknown>, { timing, over }: FrameOptions): Promise<'event' | 'silence' | 'over'> {
  return new Promise((resolve) => {
    const settle = (happened: 'event' | 'silence' | 'over'): void => {
      clearTimeout(timer)
      over.removeEventListener('abort', onOver)
      resolve(happened)
    }
    const onOver = (): void => settle('over')
    const timer = setTimeout(settle, untilHeartbeat(timing), 'silence')
    if (over.aborted) return settle('over')
    over.addEventListener('abort', onOver, { once: true })
    // A failure counts as an event here: whoever awaits `next` afterwards throws it.
    next.then(
      () => settle('event'),
      () => settle('event'),
    )
  })
}
