import { randomInt } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { describeError, HarnessError } from '../core/errors.ts'

const loopback = '127.0.0.1'

interface PortOptions {
  /** Loopback unless another one is named. */
  readonly host?: string
  readonly port?: number
}

/** A port that is ours until it is disposed of. */
export interface HeldPort extends Disposable {
  readonly port: number
}

/**
 * A port of an address of this machine that nobody else gets, from now until it is let go. The kernel chooses it,
 * unless one is given, and a socket of ours is bound to it and connected to another one of ours. So the kernel gives it
 * neither to a listener on any port nor to an outgoing connection, of this run, another one or a stranger (ip(7),
 * `ip_local_port_range`).
 *
 * It never listens. A server may, beside it, as all of them set SO_REUSEADDR (socket(7)). While none does, a client
 * that dials is refused, as on a dead pod. A server that was killed finds its port when it comes back.
 */
export async function holdPort({ host = loopback, port: wanted }: PortOptions = {}): Promise<HeldPort> {
  const anchor = takeAnchor(host.includes(':') ? '::1' : loopback)
  try {
    const { address, port } = await anchor.address
    const at = { host: address, port, localAddress: host }
    const socket = connect({ ...at, ...(wanted !== undefined && { localPort: wanted }) })
    await once(socket, 'connect')
    // A held port keeps no process alive.
    socket.on('error', () => {}).unref()
    let isHeld = true
    const letGo = (): void => {
      if (!isHeld) return
      isHeld = false
      socket.resetAndDestroy()
      anchor[Symbol.dispose]()
    }
    return { port: socket.localPort!, [Symbol.dispose]: letGo }
  } catch (error) {
    anchor[Symbol.dispose]()
    throw new HarnessError(`no port of ${host} can be had: ${describeError(error)}`)
  }
}

/** Above what needs privileges and below what others give away: ports of outgoing connections, of clusters' nodes. */
const lowPorts = { from: 10_000, to: 29_999 }

/**
 * A loopback port of 15 bits, for programs that keep no more of one, held as `holdPort` does. The kernel does not
 * choose here, and lets two runs bind the same port. So the port of UDP with that number is taken first, which the
 * kernel gives to one alone.
 */
export async function holdLowPort({ from, to } = lowPorts): Promise<HeldPort> {
  const first = randomInt(to - from + 1)
  for (let i = 0; i <= to - from; i++) {
    const port = from + ((first + i) % (to - from + 1))
    const lock = await lockPort(port)
    const held = lock && (await holdPort({ port }).catch(() => void lock.close()))
    if (held) return { port, [Symbol.dispose]: () => letGoBoth(held, lock) }
  }
  throw new HarnessError(`no port between ${from} and ${to} of ${loopback} can be had`)
}

function letGoBoth(held: HeldPort, lock: Socket): void {
  held[Symbol.dispose]()
  try {
    lock.close()
  } catch {
    // It is closed already.
  }
}

/** Undefined where another process has it. */
async function lockPort(port: number): Promise<Socket | undefined> {
  const socket = createSocket('udp4').unref()
  try {
    await once(socket.bind({ address: loopback, port, exclusive: true }), 'listening')
    return socket
  } catch {
    socket.close()
    return undefined
  }
}

interface Anchor {
  readonly server: Server
  readonly address: Promise<AddressInfo>
  users: number
}

const anchors = new Map<string, Anchor>()

/** What the sockets that hold ports are connected to, for as long as one of them is. */
function takeAnchor(host: string): Disposable & Pick<Anchor, 'address'> {
  const anchor = anchors.get(host) ?? openAnchor(host)
  anchors.set(host, anchor)
  anchor.users++
  const leave = (): void => {
    if (--anchor.users > 0) return
    anchors.delete(host)
    anchor.server.close()
  }
  return { address: anchor.address, [Symbol.dispose]: leave }
}

function openAnchor(host: string): Anchor {
  const server = createServer(
    (socket) =>
      void socket
        .on('error', () => {})
        .resume()
        .unref(),
  )
  const listening = once(server.listen(0, host), 'listening')
  const address = listening.then(() => {
    server.unref()
    return server.address() as AddressInfo
  })
  return { server, address, users: 0 }
}
