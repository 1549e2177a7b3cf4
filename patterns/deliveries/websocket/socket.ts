import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import type { Handshake } from '../../contract/client/client.ts'
import { problemMediaType } from '../../contract/types/problems.ts'
import type { Channel } from '../../contract/client/reader.ts'
import type { ClientMessage } from './messages.ts'

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
  readonly signal: AbortSignal
  readonly onHandshake?: (handshake: Handshake) => void
  readonly onOpen: () => void
  readonly onSilence: () => void
  /** The data of one event. True: it was the last one that matters. Throws for one that does not continue the log. */
  readonly onData: (data: string) => boolean
}

/** An event of ours is about 600 bytes: a peer that sends a message of this size is not our server. */
const maxPayload = 262_144

/** No loopback or scheduler is faster for certain, however much time is compressed. */
const connectFloorMs = 250

/**
 * One connection to a task, from the handshake on. `ws` answers every ping with a pong by itself; pings and events
 * are what the watchdog listens for. It never reconnects.
 */
export class EventSocket implements Channel {
  readonly opened: Promise<boolean>
  readonly ended: Promise<string>
  refusal: number | undefined
  readonly retryMs = undefined
  readonly #options: SocketOptions
  readonly #socket: WebSocket
  readonly #watchdog: NodeJS.Timeout
  #tellOpened!: (opened: boolean) => void
  #tellEnded!: (reason: string) => void
  #isOver = false

  constructor({ url, headers }: SocketTarget, options: SocketOptions) {
    this.#options = options
    this.opened = new Promise((resolve) => (this.#tellOpened = resolve))
    this.ended = new Promise((resolve) => (this.#tellEnded = resolve))
    this.#watchdog = setTimeout(() => this.#bark(), options.watchdogMs)
    const handshakeTimeout = Math.max(options.connectTimeoutMs, connectFloorMs)
    this.#socket = new WebSocket(url, { headers, handshakeTimeout, maxPayload, perMessageDeflate: false })
    this.#listen()
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal.aborted) this.#onAbort()
  }

  close(reason: string): void {
    clearTimeout(this.#watchdog)
    this.#end(reason)
    this.#socket.terminate()
  }

  #listen(): void {
    this.#socket
      .on('open', () => this.#open())
      .on('ping', () => this.#watchdog.refresh())
      .on('message', (data) => this.#take((data as Buffer).toString()))
      .on('upgrade', (response) => this.#tellHandshake(response))
      .on('unexpected-response', (_, response) => this.#refused(response))
      .on('error', (error) => this.#end((error as NodeJS.ErrnoException).code ?? error.message))
      .on('close', (code, reason) => {
        clearTimeout(this.#watchdog)
        this.#end(`closed: ${code} ${String(reason)}`.trimEnd())
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

  /** After the last event the server closes, in its own time. */
  #take(data: string): void {
    this.#watchdog.refresh()
    if (this.#isOver) return
    try {
      if (this.#options.onData(data)) this.#end('terminal event')
    } catch (error) {
      this.close(`broken stream: ${(error as Error).message}`)
    }
  }

  #tellHandshake({ statusCode = 0, headers }: IncomingMessage): void {
    this.#options.onHandshake?.({ status: statusCode, header: (name) => headers[name]?.toString() })
  }

  #refused(response: IncomingMessage): void {
    this.#tellHandshake(response)
    const { statusCode, headers } = response
    if (headers['content-type']?.startsWith(problemMediaType)) this.refusal = statusCode
    this.close(`HTTP ${statusCode}`)
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
