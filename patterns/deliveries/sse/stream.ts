import { StringDecoder } from 'node:string_decoder'
import { createParser, type EventSourceParser } from 'eventsource-parser'
import type { Dispatcher } from 'undici'
import { mediaTypeOf, type Answer } from '../../contract/client/http.ts'
import { describeTooLarge, mostEventBytes, type Channel, type ChannelEnd } from '../../contract/client/reader.ts'
import { EventSize } from './event-size.ts'

export interface StreamTarget {
  readonly url: string
  readonly headers: Record<string, string>
}

export interface StreamOptions {
  /** This much silence, from the first moment on, is a dead stream. */
  readonly watchdogMs: number
  /** The wait that an earlier stream asked for; it holds where this one says nothing. */
  readonly retryMs?: number | undefined
  readonly signal: AbortSignal
  readonly onOpen: () => void
  readonly onSilence: () => void
  /** One event, with its name if it has one. True: it was the last one that matters. Throws for one that does not continue the log. */
  readonly onEvent: (name: string | undefined, data: string) => boolean
}

/** So far an event that is too large is counted, for a good reason in the end. */
const mostCountedBytes = 64 * mostEventBytes
/** So much of a refusal is read. */
const mostRefusalBytes = 16_384

/**
 * One connection to an event stream, straight on undici's dispatcher. Thousands are open at once, so there is one
 * timer, and neither a stream object nor a promise per chunk. Status other than 200 and other media types end it, as
 * everything else does; it never reconnects.
 */
export class EventStream implements Channel, Dispatcher.DispatchHandler {
  readonly opened: Promise<boolean>
  readonly ended: Promise<ChannelEnd>
  readonly #options: StreamOptions
  readonly #watchdog: NodeJS.Timeout
  readonly #decoder = new StringDecoder('utf8')
  readonly #parser: EventSourceParser
  readonly #size = new EventSize(mostEventBytes)
  #controller: Dispatcher.DispatchController | undefined
  #tellOpened!: (opened: boolean) => void
  #tellEnded!: (end: ChannelEnd) => void
  #refusal: Answer | undefined
  #retryMs: number | undefined
  #isOpen = false
  #isOver = false

  constructor(dispatcher: Dispatcher, target: StreamTarget, options: StreamOptions) {
    this.#options = options
    this.#retryMs = options.retryMs
    this.opened = new Promise((resolve) => (this.#tellOpened = resolve))
    this.ended = new Promise((resolve) => (this.#tellEnded = resolve))
    this.#parser = createParser({
      onEvent: ({ event, data }) => this.#take(event === 'message' ? undefined : event, data),
      onRetry: (retryMs) => void (this.#retryMs = retryMs),
    })
    this.#watchdog = setTimeout(() => this.#bark(), options.watchdogMs)
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
    this.#dispatch(dispatcher, target)
  }

  close(reason: string, isFinal = false): void {
    clearTimeout(this.#watchdog)
    this.#end(reason, isFinal)
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
    if (status === 200 && mediaTypeOf(mediaType) === 'text/event-stream') return
    const header = (name: string): string | undefined => headers[name]?.toString()
    const name = `not an event stream: ${mediaType}`
    this.#refusal = { status, header, text: '', ...(status === 200 && { name }) }
    if (status === 200) this.close(name)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    // After the last event the server has as long as a silence to end it, however much it says.
    if (this.#isOver) return
    this.#watchdog.refresh()
    if (this.#refusal) return this.#readRefusal(this.#refusal, chunk)
    if (!this.#isOpen) this.#open()
    try {
      this.#feed(chunk)
    } catch (error) {
      this.close(`broken stream: ${(error as Error).message}`)
    }
  }

  onResponseEnd(): void {
    clearTimeout(this.#watchdog)
    const { bytes, isTooLarge } = this.#size
    if (isTooLarge) this.#end(describeTooLarge(bytes, 'at least '), true)
    else this.#end(this.#refusal ? `HTTP ${this.#refusal.status}` : 'ended by the server')
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

  #readRefusal(refusal: Answer, chunk: Buffer): void {
    const text = refusal.text + this.#decoder.write(chunk)
    this.#refusal = { ...refusal, text: text.slice(0, mostRefusalBytes) }
    if (text.length > mostRefusalBytes) this.close(`HTTP ${refusal.status}`)
  }

  #feed(chunk: Buffer): void {
    const wasTooLarge = this.#size.isTooLarge
    const before = this.#size.take(chunk)
    if (!wasTooLarge && before > 0) this.#parser.feed(this.#decoder.write(chunk.subarray(0, before)))
    const { bytes, isTooLarge, isWhole } = this.#size
    if (!isTooLarge || this.#isOver) return
    if (isWhole) this.close(describeTooLarge(bytes), true)
    else if (bytes > mostCountedBytes) this.close(describeTooLarge(bytes, 'more than '), true)
  }

  /** After the last event the response is left to end by itself, so that its connection can be used again. */
  #take(name: string | undefined, data: string): void {
    if (!this.#isOver && this.#options.onEvent(name, data)) this.#end('terminal event')
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

  #end(reason: string, isFinal = false): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#tellOpened(false)
    const answer = this.#refusal
    this.#tellEnded({ reason, isFinal, adviceMs: this.#retryMs, ...(answer && { answer }) })
  }
}
