import type { Socket } from 'node:net'
import { type Item, Stage } from './stage.ts'
import { resetSocket } from './sockets.ts'
import type { ToxicHooks } from './toxic.ts'

const defaultBufferBytes = 64 * 1024

interface Placed {
  readonly stage: Stage
  readonly bufferBytes: number
}

/** One direction of a connection, through its toxics' stages, in order. When much waits, the source is not read. */
export class Stream {
  readonly #source: Socket
  readonly #destination: Socket
  readonly #stages: Placed[] = []
  #kept: Item[] = []
  #open = false
  #freezes = 0
  #discards = false
  /** Nothing in the way: chunks go straight from socket to socket. */
  #direct = true
  onPayload: ((chunk: Buffer) => void) | undefined

  constructor(source: Socket, destination: Socket) {
    this.#source = source
    this.#destination = destination
    source.pause()
    source.on('data', (chunk: Buffer) => this.#receive(chunk))
    source.on('end', () => this.enter('end'))
    source.on('error', () => this.enter('reset'))
    destination.on('drain', () => this.#regulate())
  }

  /** Begin to read: both ends are connected. */
  open(): void {
    this.#open = true
    this.#regulate()
  }

  enter(item: Item): void {
    if (this.#discards) return
    const first = this.#stages[0]
    if (first) first.stage.push(item)
    else this.#deliver(item)
    this.#regulate()
  }

  /** A stage at the end of the chain. `onPass` sees all that it passes on. */
  addStage(hooks: ToxicHooks, bufferBytes = defaultBufferBytes, onPass: (item: Item) => void): Stage {
    const passOn = (item: Item): void => {
      onPass(item)
      this.#passOnFrom(stage, item)
    }
    const stage = new Stage(hooks, passOn, () => this.#regulate())
    this.#stages.push({ stage, bufferBytes })
    this.#regulate()
    return stage
  }

  /** What waits in the stage goes on, ahead of all that comes later. */
  removeStage(stage: Stage): void {
    stage.release()
    const index = this.#stages.findIndex((placed) => placed.stage === stage)
    if (index >= 0) this.#stages.splice(index, 1)
    this.#regulate()
  }

  freeze(): void {
    this.#freezes++
    this.#regulate()
  }

  thaw(): void {
    if (--this.#freezes > 0) return
    const kept = this.#kept
    this.#kept = []
    for (const item of kept) this.#deliver(item)
    this.#regulate()
  }

  /** From now on everything that arrives here vanishes, the end too. */
  discard(): void {
    this.#discards = true
    this.#kept = []
    this.#regulate()
  }

  stop(): void {
    for (const { stage } of this.#stages) stage.stop()
    this.#kept = []
  }

  #receive(chunk: Buffer): void {
    this.onPayload?.(chunk)
    if (!this.#direct) this.enter(chunk)
    else if (this.#destination.writable && !this.#destination.write(chunk)) this.#source.pause()
  }

  #passOnFrom(stage: Stage, item: Item): void {
    const next = this.#stages[this.#stages.findIndex((placed) => placed.stage === stage) + 1]
    if (next) next.stage.push(item)
    else this.#deliver(item)
  }

  #deliver(item: Item): void {
    if (this.#discards) return
    if (this.#freezes > 0) {
      this.#kept.push(item)
      this.#regulate()
    } else if (item === 'reset') resetSocket(this.#destination)
    // The other end is gone, and no other code would close this one.
    else if (this.#destination.destroyed) this.#source.destroy()
    else if (item === 'end') this.#destination.end()
    else if (this.#destination.writable) this.#destination.write(item)
  }

  #regulate(): void {
    this.#direct = this.#stages.length === 0 && this.#freezes === 0 && !this.#discards
    if (this.#mayRead()) this.#source.resume()
    else this.#source.pause()
  }

  #mayRead(): boolean {
    if (!this.#open) return false
    // One piece is taken, which shows that a peer is at work here. Then the kernel's window fills.
    if (this.#freezes > 0) return this.#kept.length === 0
    if (this.#discards) return true
    let [waiting, limit] = [0, defaultBufferBytes]
    for (const { stage, bufferBytes } of this.#stages) {
      waiting += stage.waitingBytes
      limit = Math.max(limit, bufferBytes)
    }
    return waiting < limit && !this.#destination.writableNeedDrain
  }
}
