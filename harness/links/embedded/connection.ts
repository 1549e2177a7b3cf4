import { Socket } from 'node:net'
import type { ActiveToxic } from './active-toxic.ts'
import { attachToxic, type Attachment } from './attachment.ts'
import type { Evidence } from './evidence.ts'
import { resetSocket } from './sockets.ts'
import { Stream } from './stream.ts'
import type { Harmable, StreamName } from './toxic.ts'

/** A client that was accepted, the server that is dialled for it, and the toxics that hold the two streams between. */
export class Connection implements Harmable {
  readonly ordinal: number
  readonly #client: Socket
  readonly #server = new Socket({ allowHalfOpen: true })
  readonly #streams: Readonly<Record<StreamName, Stream>>
  readonly #attachments = new Map<ActiveToxic, Attachment>()
  readonly #evidence: Evidence
  readonly #dial: (server: Socket) => void
  readonly #work = watchWork(() => this.#isNew)
  /** Accepted while a toxic was there. */
  #isNew = false
  #dialled = false
  #freezes = 0
  /** Not every end that arrives is passed on. */
  #lossy = false

  /**
   * @param client accepted and not read yet
   * @param dial starts to connect the given socket to the upstream server
   * @param onClosed both ends are closed
   */
  constructor(
    ordinal: number,
    evidence: Evidence,
    client: Socket,
    { dial, onClosed }: { dial(server: Socket): void; onClosed(self: Connection): void },
  ) {
    this.ordinal = ordinal
    this.#evidence = evidence
    this.#client = client
    this.#dial = dial
    const server = this.#server.setNoDelay(true)
    this.#streams = { upstream: new Stream(client, server), downstream: new Stream(server, client) }
    for (const name of ['upstream', 'downstream'] as const)
      this.#streams[name].onPayload = (chunk) => this.#saw(name, chunk)
    for (const socket of [client, server]) {
      socket.once('end', () => this.#closeIfDeserted())
      socket.once('close', () => {
        this.#closeIfDeserted()
        if (!client.destroyed || !server.destroyed) return
        this.#stop()
        onClosed(this)
      })
    }
    server.once('connect', () => this.#bothStreams((stream) => stream.open()))
  }

  /** Dial the server; while frozen, later. */
  start(): void {
    if (this.#dialled || this.#freezes > 0 || this.#client.destroyed) return
    this.#dialled = true
    this.#dial(this.#server)
  }

  /** @param fresh accepted while the toxic was there */
  attach(active: ActiveToxic, fresh: boolean): void {
    if (this.#attachments.has(active) || !active.hits(this.ordinal)) return
    const { isUnderWay } = this.#work
    this.#isNew = fresh
    const site = { connection: this, stream: this.#streams[active.stream], evidence: this.#evidence, fresh, isUnderWay }
    this.#attachments.set(active, attachToxic(active, site))
  }

  /** Attributes or toxicity have changed. */
  update(active: ActiveToxic): void {
    if (!active.hits(this.ordinal)) this.detach(active)
    else if (this.#attachments.has(active)) this.#attachments.get(active)!.update()
    else this.attach(active, false)
  }

  detach(active: ActiveToxic): void {
    const attachment = this.#attachments.get(active)
    this.#attachments.delete(active)
    attachment?.remove()
  }

  freeze(stream: StreamName): void {
    this.#freezes++
    this.#streams[stream].freeze()
  }

  thaw(stream: StreamName): void {
    this.#freezes--
    this.#streams[stream].thaw()
    this.start()
  }

  reset(): void {
    resetSocket(this.#client)
    resetSocket(this.#server)
  }

  close(): void {
    this.#client.destroySoon()
    this.#server.destroySoon()
  }

  /** Both ends closed at once, whatever was under way. */
  destroy(): void {
    this.#client.destroy()
    this.#server.destroy()
  }

  mute(): void {
    this.#lossy = true
    this.#streams.downstream.discard()
  }

  blackhole(): void {
    this.#lossy = true
    this.#bothStreams((stream) => stream.discard())
  }

  dropClient(): void {
    this.#streams.downstream.discard()
    resetSocket(this.#client)
    this.#streams.upstream.enter('end')
  }

  #saw(stream: StreamName, chunk: Buffer): void {
    this.#work.saw(stream, chunk)
    for (const attachment of this.#attachments.values()) attachment.payload()
  }

  /** Where ends are not passed on, or there is no server yet, no other code would close what both have left. */
  #closeIfDeserted(): void {
    const gone = (socket: Socket): boolean => socket.readableEnded || socket.destroyed
    if (!this.#dialled && gone(this.#client)) this.destroy()
    else if (this.#lossy && gone(this.#client) && gone(this.#server)) this.close()
  }

  #bothStreams(act: (stream: Stream) => void): void {
    act(this.#streams.upstream)
    act(this.#streams.downstream)
  }

  #stop(): void {
    for (const attachment of this.#attachments.values()) attachment.stop()
    this.#attachments.clear()
    this.#bothStreams((stream) => stream.stop())
  }
}

/**
 * Whether a peer is at work on a connection, by what passed on it: a request without an answer yet, or an answer that
 * is not over. An event stream is such an answer. A pooled connection between two requests is not: no client would miss
 * it. Bytes are only kept while they pass; they are read when the question comes.
 */
interface Work {
  saw(stream: StreamName, chunk: Buffer): void
  isUnderWay(): boolean
}

/** @param fresh nothing has passed on a connection that a client has just opened */
export function watchWork(fresh: () => boolean): Work {
  let last: StreamName | undefined
  let first = empty
  let latest = empty
  let answered = 0
  return {
    saw(stream, chunk) {
      if (stream === 'downstream') {
        if (last !== 'downstream') {
          first = chunk
          answered = 0
        }
        latest = chunk
        answered += chunk.length
      }
      last = stream
    },
    isUnderWay: () => (last === undefined ? fresh() : last === 'upstream' || isUnfinished(first, latest, answered)),
  }
}

const empty: Buffer = Buffer.alloc(0)

/** Of an answer of HTTP/1.1; what speaks anything else is between two requests when its server spoke last. */
function isUnfinished(first: Buffer, latest: Buffer, answered: number): boolean {
  const text = first.toString('latin1', 0, 4096)
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]
  const headEnd = text.indexOf('\r\n\r\n')
  if (status === undefined || headEnd < 0) return false
  const head = text.slice(0, headEnd).toLowerCase()
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1]
  if (status === '101') return true
  if (length !== undefined) return answered < headEnd + 4 + Number(length)
  return /\r\ntransfer-encoding: *chunked/.test(head) && !latest.toString('latin1').endsWith('0\r\n\r\n')
}
