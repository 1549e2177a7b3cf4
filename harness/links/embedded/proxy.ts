import { connect, type Socket } from 'node:net'
import { ActiveToxic, type ToxicJson } from './active-toxic.ts'
import { ApiError } from './requests.ts'
import { Connection } from './connection.ts'
import type { Evidence } from './evidence.ts'
import { Listener } from './listener.ts'
import { parseAddress, resetSocket } from './sockets.ts'
import type { Toxic } from './toxic.ts'

/** A proxy as the API shows it, fields in Toxiproxy's order. */
export interface ProxyJson {
  readonly name: string
  readonly listen: string
  readonly upstream: string
  readonly enabled: boolean
  readonly toxics: readonly ToxicJson[]
}

/** A connection that comes sooner is refused. */
const trapAfterMs = 100

/** One listening address, one upstream server, and the toxics between. Calls of its async methods must not overlap. */
export class Proxy {
  readonly name: string
  readonly #seed: string
  readonly #evidence: Evidence
  readonly #listener = new Listener((client) => this.#accept(client))
  readonly #connections = new Set<Connection>()
  #toxics: readonly ActiveToxic[] = []
  #accepted = 0
  #enabled = false
  #isUpstreamUp = true
  /** While a toxic keeps the listener shut: whether the next connection is to be taken, reset and counted. */
  #trap: 'none' | 'set' | 'sprung' = 'none'
  #trapTimer: NodeJS.Timeout | undefined
  #regulating: Promise<void> = Promise.resolve()
  listen: string
  upstream: string

  constructor(address: Pick<ProxyJson, 'name' | 'listen' | 'upstream'>, seed: string, evidence: Evidence) {
    this.name = address.name
    this.listen = address.listen
    this.upstream = address.upstream
    this.#seed = seed
    this.#evidence = evidence
  }

  /** Accept connections; resolves when it does. Rejects when the address cannot be had. */
  async enable(): Promise<void> {
    if (this.#enabled) return
    this.listen = await this.#listener.open(this.listen)
    this.#enabled = true
    await this.#regulateListener()
  }

  /** Refuse connections and close those that exist. The port stays reserved. */
  async disable(): Promise<void> {
    if (!this.#enabled) return
    this.#enabled = false
    await this.#regulateListener()
    this.#closeConnections()
  }

  /** Disable for ever and give the port back. */
  close(): void {
    this.#enabled = false
    clearTimeout(this.#trapTimer)
    this.#listener.close()
    this.#closeConnections()
  }

  async update(next: Pick<ProxyJson, 'listen' | 'upstream' | 'enabled'>): Promise<void> {
    if (next.listen !== this.listen || next.upstream !== this.upstream) {
      this.close()
      this.listen = next.listen
      this.upstream = next.upstream
    }
    await (next.enabled ? this.enable() : this.disable())
  }

  /**
   * Who runs the server says when it is gone and when it is back. Meanwhile there is no listener, as on a dead pod. A
   * toxic in the way is an exception: what it does comes first.
   */
  async setUpstreamUp(isUp: boolean): Promise<void> {
    this.#isUpstreamUp = isUp
    await this.#regulateListener()
  }

  async addToxic(toxic: Toxic, json: ToxicJson): Promise<ActiveToxic> {
    if (this.#find(json.name)) throw new ApiError(409, 'toxic already exists')
    const active = new ActiveToxic(toxic, this.name, this.#seed, json)
    this.#toxics = [...this.#toxics, active]
    if (active.closesListener) this.#disarmTrap()
    for (const connection of this.#connections) connection.attach(active, false)
    await this.#regulateListener()
    if (active.closesListener && this.#enabled) await this.#proveRefusal(active)
    return active
  }

  async updateToxic(name: string, change: Pick<ToxicJson, 'attributes' | 'toxicity'>): Promise<ActiveToxic> {
    const active = this.toxic(name)
    active.attributes = change.attributes
    active.toxicity = change.toxicity
    for (const connection of this.#connections) connection.update(active)
    await this.#regulateListener()
    return active
  }

  async removeToxic(name: string): Promise<void> {
    const active = this.toxic(name)
    this.#toxics = this.#toxics.filter((other) => other !== active)
    for (const connection of this.#connections) connection.detach(active)
    this.#evidence.removed(active)
    await this.#regulateListener()
  }

  async reset(): Promise<void> {
    for (const { name } of this.#toxics) await this.removeToxic(name)
    await this.enable()
  }

  /** Throws ApiError when there is none. */
  toxic(name: string): ActiveToxic {
    const active = this.#find(name)
    if (!active) throw new ApiError(404, 'toxic not found')
    return active
  }

  /** As Toxiproxy lists them: first those of the upstream stream, each stream in the order of adding. */
  toxics(): readonly ToxicJson[] {
    const all = this.#toxics.map((active) => active.toJson())
    return [...all.filter(({ stream }) => stream === 'upstream'), ...all.filter(({ stream }) => stream !== 'upstream')]
  }

  toJson(): ProxyJson {
    const { name, listen, upstream } = this
    return { name, listen, upstream, enabled: this.#enabled, toxics: this.toxics() }
  }

  #find(name: string): ActiveToxic | undefined {
    return this.#toxics.find((active) => active.name === name)
  }

  #accept(client: Socket): void {
    const closer = this.#toxics.find((active) => active.closesListener)
    if (closer) return this.#spring(closer, client)
    const connection = new Connection(this.#accepted++, this.#evidence, client, {
      dial: (server) => this.#dial(server),
      onClosed: (self) => this.#connections.delete(self),
    })
    this.#connections.add(connection)
    for (const active of this.#toxics) connection.attach(active, true)
    connection.start()
  }

  #dial(server: Socket): void {
    const address = parseAddress(this.upstream)
    if (address) server.connect({ host: address.host || '127.0.0.1', port: address.port })
    else server.destroy(new Error(`upstream ${this.upstream}: not an address of the form host:port`))
  }

  /** One change after the other: a trap is set and sprung whatever the API is asked meanwhile. */
  #regulateListener(): Promise<void> {
    return (this.#regulating = this.#regulating.catch(() => {}).then(() => this.#openOrShut()))
  }

  async #openOrShut(): Promise<void> {
    const isRefusing = this.#toxics.some((active) => active.closesListener)
    if (!isRefusing) this.#disarmTrap()
    const isAnswered = this.#isUpstreamUp || this.#toxics.length > 0
    const wanted = this.#enabled && isAnswered && (!isRefusing || this.#trap === 'set')
    if (!wanted && this.#listener.isOpen) await this.#listener.shut()
    else if (wanted && !this.#listener.isOpen) await this.#listener.open(this.listen)
  }

  #disarmTrap(): void {
    clearTimeout(this.#trapTimer)
    this.#trap = 'none'
  }

  /** The kernel does not report whom it refused, so one connection of our own has to show that it does. */
  async #proveRefusal(active: ActiveToxic): Promise<void> {
    const outcome = await dialOnce(this.listen)
    if (outcome !== 'ECONNREFUSED') throw new ApiError(500, `a canary connection was not refused: ${outcome}`)
    this.#evidence.fired(active, { connection: null, bytes: 0, isFirst: true, detail: { canary: outcome } })
    this.#trapTimer = setTimeout(() => {
      this.#trap = 'set'
      this.#regulateListener().catch(() => {})
    }, trapAfterMs)
  }

  /**
   * The kernel does not report whether anything connected. So the first connection after a while is taken and reset,
   * which shows a peer at work. From then on the kernel refuses again. A server that dies does so to those in its
   * queue.
   */
  #spring(active: ActiveToxic, client: Socket): void {
    const ordinal = this.#accepted++
    this.#evidence.fired(active, { connection: ordinal, bytes: 0, isFirst: true, detail: { reset: true } })
    this.#evidence.felt(active)
    resetSocket(client.on('error', () => {}))
    this.#trap = 'sprung'
    this.#regulateListener().catch(() => {})
  }

  #closeConnections(): void {
    for (const connection of this.#connections) connection.destroy()
  }
}

function dialOnce(address: string): Promise<string> {
  const { host, port } = parseAddress(address)!
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => {
      socket.destroy()
      resolve('connected')
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}
