import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { describe } from 'vitest'
import { monotonicMs } from '../../patterns/contract/types/timer.ts'
import type { Attributes } from '../../harness/links/embedded/toxic.ts'
import { linkServerKinds, type LinkServer, type LinkServerKind } from './links-servers.ts'

/** One end of a connection, with all that happened to it. */
export interface Peer {
  readonly socket: Socket
  readonly chunks: readonly { readonly at: number; readonly data: Buffer }[]
  /** All bytes until now. */
  bytes(): Buffer
  /** Resolves with all bytes once there are `count`; rejects when the connection ends before. */
  received(count: number): Promise<Buffer>
  /** Resolves with what ended the reading side: `FIN`, or an error's code. */
  over(): Promise<string>
  /** What ended it until now. */
  ended(): string | undefined
}

export function observe(socket: Socket): Peer {
  const chunks: { at: number; data: Buffer }[] = []
  const changes = new Set<() => void>()
  const changed = (): void => {
    for (const check of changes) check()
  }
  let end: string | undefined
  const finish = (how: string): void => {
    end ??= how
    changed()
  }
  socket.on('data', (data) => {
    chunks.push({ at: monotonicMs(), data })
    changed()
  })
  socket.on('end', () => finish('FIN'))
  socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
  socket.on('close', () => finish('closed'))
  const until = (ready: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!ready()) return
        changes.delete(check)
        resolve()
      }
      changes.add(check)
      check()
    })
  const bytes = (): Buffer => Buffer.concat(chunks.map(({ data }) => data))
  const size = (): number => chunks.reduce((sum, { data }) => sum + data.length, 0)
  return {
    socket,
    chunks,
    bytes,
    async received(count) {
      await until(() => end !== undefined || size() >= count)
      if (size() < count) throw new Error(`${end} after ${size()} of ${count} bytes`)
      return bytes()
    },
    async over() {
      await until(() => end !== undefined)
      return end!
    },
    ended: () => end,
  }
}

/** A proxy with an upstream server whose ends of the connections a test holds in its hands. */
export interface Scene extends AsyncDisposable {
  readonly proxy: string
  /** `host:port` where the proxy listens. */
  readonly listen: string
  readonly upstream: string
  api(method: string, path: string, body?: unknown): Promise<{ status: number; json: unknown }>
  addToxic(
    type: string,
    attributes?: Attributes,
    more?: { name?: string; stream?: string; toxicity?: number },
  ): Promise<void>
  removeToxic(name: string): Promise<void>
  dial(): Promise<Peer>
  /** Both ends of a new connection through the proxy. */
  pair(): Promise<{ readonly client: Peer; readonly server: Peer }>
  /** The upstream server's ends in the order of accepting. */
  readonly accepted: readonly Peer[]
}

/** The same cases for the embedded server and, wherever one is found, a real one; else skipped by name with the reason. */
export function describeServers(title: string, cases: (kind: LinkServerKind) => void): void {
  for (const kind of linkServerKinds()) {
    const reason = kind.missing === undefined ? '' : ` (skipped: ${kind.missing})`
    describe.skipIf(kind.missing !== undefined)(`${title}: ${kind.name} server${reason}`, () => {
      cases(kind)
    })
  }
}

let scenes = 0

export async function openScene(links: LinkServer, proxy = `scene-${process.pid}-${++scenes}`): Promise<Scene> {
  const accepted: Peer[] = []
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.push(socket)
    accepted.push(observe(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const upstream = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const api: Scene['api'] = (method, path, body) => callApi(links.url, method, path, body)
  const created = await api('POST', '/proxies', { name: proxy, listen: '127.0.0.1:0', upstream })
  const { listen } = created.json as { listen: string }
  const expectStatus = async (wanted: number, call: ReturnType<Scene['api']>): Promise<void> => {
    const { status, json } = await call
    if (status !== wanted) throw new Error(`status ${status}: ${JSON.stringify(json)}`)
  }
  const dial = async (): Promise<Peer> => {
    const socket = connectTo(listen)
    sockets.push(socket)
    const peer = observe(socket)
    await Promise.race([once(socket, 'connect'), peer.over()])
    return peer
  }
  return {
    proxy,
    listen,
    upstream,
    api,
    accepted,
    dial,
    addToxic: (type, attributes = {}, more = {}) =>
      expectStatus(200, api('POST', `/proxies/${proxy}/toxics`, { type, attributes, ...more })),
    removeToxic: (name) => expectStatus(204, api('DELETE', `/proxies/${proxy}/toxics/${name}`)),
    async pair() {
      const before = accepted.length
      const client = await dial()
      while (accepted.length === before) await once(server, 'connection')
      return { client, server: accepted[before]! }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await api('DELETE', `/proxies/${proxy}`)
    },
  }
}

export function connectTo(address: string): Socket {
  const [host, port] = address.split(':')
  return connect({ host: host!, port: Number(port), allowHalfOpen: true, noDelay: true })
}

export async function callApi(
  url: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; json: unknown }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url + path, { method, ...(body !== undefined && { body: text }) })
  const answer = await response.text()
  return {
    status: response.status,
    json: answer.startsWith('{') || answer.startsWith('[') ? JSON.parse(answer) : answer,
  }
}
