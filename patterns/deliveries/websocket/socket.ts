import type { IncomingMessage } from 'node:http'
import { WebSocket, type ClientOptions } from 'ws'
import type { Handshake } from '../../contract/client/client.ts'
import type { Answer } from '../../contract/client/http.ts'
import { describeTooLarge, mostEventBytes, type Channel, type ChannelEnd } from '../../contract/client/reader.ts'
import { closeCodes, type ClientMessage } from './messages.ts'

export interface SocketTarget {
  readonly url: string
  readonly headers: Record<string, string>
}

export interface SocketOptions {
  /** What comes after this sequence number is wanted. */
  readonly lastSeq: number
  readonly connectTimeoutMs: number
  /** This much silence, from the first moment on, is a dead socket. */
  readonly watchdogMs: number
  /** The wait before another one where the server says that this node has no place. */
  readonly laterMs: number
  readonly signal: AbortSignal
  readonly onHandshake?: (handshake: Handshake) => void
  readonly onOpen: () => void
  readonly onSilence: () => void
  /** One message. True: it was the last event that matters. Throws for one that does not continue the log. */
  readonly onEvent: (data: string) => boolean
}

/** So large a message is received, for a good reason in the end; above it `ws` closes. */
const maxPayload = 16 * mostEventBytes
/** So much of a refusal is read. */
const mostRefusalBytes = 16_384

/** Closes that are answers, and as which: a policy, and Unauthorized and Forbidden of the IANA registry. */
const answers: ReadonlyMap<number, number> = new Map([
  [closeCodes.policy, 403],
  [3000, 401],
  [3003, 403],
])

/** After a close was said a server may leave the connection as it is (RFC 6455, 7.1.1): it is ended here then. The types do not know it yet. */
const closing = { closeTimeout: 1_000 } as ClientOptions

/** No loopback or scheduler is faster for certain, however much time is compressed. */
const connectFloorMs = 250

/**
 * One connection to a task, from the handshake on. `ws` answers every ping with a pong by itself; pings, pongs that nobody
 * asked for (RFC 6455, 5.5.3) and events are what the watchdog listens for. It never reconnects.
 */
export class EventSocket implements Channel {
  readonly opened: Promise<boolean>
  readonly ended: Promise<ChannelEnd>
  readonly #options: SocketOptions
  readonly #socket: WebSocket
  readonly #watchdog: NodeJS.Timeout
  #tellOpened!: (opened: boolean) => void
  #tellEnded!: (end: ChannelEnd) => void
  #isOver = false

  constructor({ url, headers }: SocketTarget, options: SocketOptions) {
    this.#options = options
    this.opened = new Promise((resolve) => (this.#tellOpened = resolve))
    this.ended = new Promise((resolve) => (this.#tellEnded = resolve))
    this.#watchdog = setTimeout(() => this.#bark(), options.watchdogMs)
    const handshakeTimeout = Math.max(options.connectTimeoutMs, connectFloorMs)
    this.#socket = new WebSocket(url, { headers, handshakeTimeout, maxPayload, perMessageDeflate: false, ...closing })
    this.#listen()
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal.aborted) this.#onAbort()
  }

  close(reason: string): void {
    this.#drop({ reason })
  }

  #drop(end: ChannelEnd): void {
    clearTimeout(this.#watchdog)
    this.#end(end)
    this.#socket.terminate()
  }

  #listen(): void {
    this.#socket
      .on('open', () => this.#open())
      .on('ping', () => this.#heedLife())
      .on('pong', () => this.#heedLife())
      .on('message', (data) => this.#take(data as Buffer))
      .on('upgrade', (response) => this.#tellHandshake(response))
      .on('unexpected-response', (_, response) => void this.#refused(response))
      .on('error', (error) => this.#fail(error))
      .on('close', (code, reason) => {
        clearTimeout(this.#watchdog)
        this.#end(this.#closed(code, `closed: ${code} ${String(reason)}`.trimEnd()))
      })
  }

  #open(): void {
    if (this.#isOver) return
    this.#watchdog.refresh()
    const hello: ClientMessage = { type: 'hello', last_seq: this.#options.lastSeq }
    this.#socket.send(JSON.stringify(hello))
    this.#options.onOpen()
    this.#tellOpened(true)
  }

  #heedLife(): void {
    if (!this.#isOver) this.#watchdog.refresh()
  }

  /** After the last event the server closes, in its own time, but for no longer than a silence lasts. */
  #take(data: Buffer): void {
    this.#heedLife()
    if (this.#isOver) return
    if (data.length > mostEventBytes) return this.#drop({ reason: describeTooLarge(data.length), isFinal: true })
    try {
      if (this.#options.onEvent(data.toString())) this.#end({ reason: 'terminal event' })
    } catch (error) {
      this.close(`broken stream: ${(error as Error).message}`)
    }
  }

  #tellHandshake({ statusCode = 0, headers }: IncomingMessage): void {
    this.#options.onHandshake?.({ status: statusCode, header: (name) => headers[name]?.toString() })
  }

  /** A handshake that is refused is an answer like any other. */
  async #refused(response: IncomingMessage): Promise<void> {
    this.#tellHandshake(response)
    const { statusCode: status = 0, headers } = response
    const header = (name: string): string | undefined => headers[name]?.toString()
    let text = ''
    try {
      for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>)
        if ((text += chunk).length > mostRefusalBytes) break
    } catch {
      // What came of it must do.
    }
    this.#drop({ reason: `HTTP ${status}`, answer: { status, header, text } })
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      this.#end({ reason: describeTooLarge(maxPayload, 'more than '), isFinal: true })
    else this.#end({ reason: error.code ?? error.message })
  }

  /** What a close says beside that it is one. */
  #closed(code: number, reason: string): ChannelEnd {
    if (code === closeCodes.later) return { reason, adviceMs: this.#options.laterMs }
    const status = answers.get(code)
    if (status === undefined) return { reason }
    const answer: Answer = { status, name: reason, header: () => undefined, text: '' }
    return { reason, answer }
  }

  #bark(): void {
    if (!this.#isOver) this.#options.onSilence()
    this.close('silence')
  }

  #onAbort = (): void => this.close('aborted')

  #end(end: ChannelEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#tellOpened(false)
    this.#tellEnded(end)
  }
}
