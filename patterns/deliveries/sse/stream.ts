import { StringDecoder } from 'node:string_decoder'
import { createParser, type EventSourceParser } from 'eventsource-parser'
import type { Dispatcher } from 'undici'
import { problemMediaType } from '../../contract/types/problems.ts'
import type { Channel } from '../../contract/client/reader.ts'

export interface StreamTarget {
  readonly url: string
  readonly headers: Record<string, string>
}

export interface StreamOptions {
  /** This much silence, from the first moment on, is a dead stream. */
  readonly watchdogMs: number
  readonly signal: AbortSignal
  readonly onOpen: () => void
  readonly onSilence: () => void
  /** The data of one event. True: it was the last one that matters. Throws for one that does not continue the log. */
  readonly onData: (data: string) => boolean
}

/** A frame of ours is about 600 bytes: a peer that sends a line of this size is not our server. */
const maxBufferSize = 262_144

/**
 * One connection to an event stream, straight on undici's dispatcher. Thousands are open at once, so there is one
 * timer, and neither a stream object nor a promise per chunk. Status other than 200 and other media types end it, as
 * everything else does; it never reconnects.
 */
export class EventStream implements Channel, Dispatcher.DispatchHandler {
  readonly opened: Promise<boolean>
  readonly ended: Promise<string>
  refusal: number | undefined
  retryMs: number | undefined
  readonly #options: StreamOptions
  readonly #watchdog: NodeJS.Timeout
  readonly #decoder = new StringDecoder('utf8')
  readonly #parser: EventSourceParser
  #controller: Dispatcher.DispatchController | undefined
  #tellOpened!: (opened: boolean) => void
  #tellEnded!: (reason: string) => void
  #isOpen = false
  #isOver = false

  constructor(dispatcher: Dispatcher, target: StreamTarget, options: StreamOptions) {
    this.#options = options
    this.opened = new Promise((resolve) => (this.#tellOpened = resolve))
    this.ended = new Promise((resolve) => (this.#tellEnded = resolve))
    this.#parser = createParser({
      onEvent: ({ data }) => this.#take(data),
      onRetry: (retryMs) => void (this.retryMs = retryMs),
      maxBufferSize,
    })
    this.#watchdog = setTimeout(() => this.#bark(), options.watchdogMs)
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
    this.#dispatch(dispatcher, target)
  }

  close(reason: string): void {
    clearTimeout(this.#watchdog)
    this.#end(reason)
    this.#controller?.abort(new Error(reason))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isOver) controller.abort(new Error('closed before it began'))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    // They are views of the whole received chunk, kept as long as the stream is: the largest part of its memory.
    controller.rawHeaders = null
    if (status < 200) return
    const mediaType = String(headers['content-type'])
    if (mediaType.startsWith(problemMediaType)) this.refusal = status
    if (status !== 200) this.close(`HTTP ${status}`)
    else if (!mediaType.startsWith('text/event-stream')) this.close(`not an event stream: ${mediaType}`)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#watchdog.refresh()
    if (this.#isOver) return
    if (!this.#isOpen) this.#open()
    try {
      this.#parser.feed(this.#decoder.write(chunk))
    } catch (error) {
      this.close(`broken stream: ${(error as Error).message}`)
    }
  }

  onResponseEnd(): void {
    clearTimeout(this.#watchdog)
    this.#end('ended by the server')
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#watchdog)
    this.#end((error as NodeJS.ErrnoException).code ?? error.message)
  }

  #dispatch(dispatcher: Dispatcher, { url, headers }: StreamTarget): void {
    const { origin, pathname, search } = new URL(url)
    const unlimited = { headersTimeout: 0, bodyTimeout: 0 }
    dispatcher.dispatch({ origin, path: pathname + search, method: 'GET', headers, ...unlimited }, this)
  }

  /** After the last event the response is left to end by itself, so that its connection can be used again. */
  #take(data: string): void {
    if (!this.#isOver && this.#options.onData(data)) this.#end('terminal event')
  }

  #open(): void {
    this.#isOpen = true
    this.#options.onOpen()
    this.#tellOpened(true)
  }

  #bark(): void {
    if (!this.#isOver) this.#options.onSilence()
    this.close('silence')
  }

  #onAbort = (): void => this.close('aborted')

  #end(reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#tellOpened(false)
    this.#tellEnded(reason)
  }
}
