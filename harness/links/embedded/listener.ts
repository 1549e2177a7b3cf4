import { createServer, Socket, type AddressInfo, type Server } from 'node:net'
import { sleep } from '../../core/timer.ts'
import { formatAddress, parseAddress } from './sockets.ts'

const backlog = 4096

/**
 * A listening address that can be shut and opened again. While it is shut the kernel refuses whoever connects, and a
 * socket that is bound to the port but does not listen keeps the kernel from giving that port to somebody else.
 */
export class Listener {
  readonly #onConnection: (client: Socket) => void
  #server: Server | undefined
  #holder: { readonly socket: Socket; readonly anchor: Server } | undefined

  constructor(onConnection: (client: Socket) => void) {
    this.#onConnection = onConnection
  }

  get isOpen(): boolean {
    return this.#server !== undefined
  }

  /** Listen at `address` (port 0: any); resolves with the address taken. */
  async open(address: string): Promise<string> {
    const { host, port } = parseListen(address)
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, this.#onConnection)
    await listen(server, host, port, this.#holder ? 10 : 0)
    this.#server = server
    this.#letGo()
    const taken = server.address() as AddressInfo
    return formatAddress(taken.address, taken.port)
  }

  /** Stop to listen and keep the port. Connections that were accepted live on. */
  async shut(): Promise<void> {
    const address = this.#server?.address() as AddressInfo | undefined
    this.#server?.close()
    this.#server = undefined
    if (address) this.#holder = await holdPort(address)
  }

  /** Stop to listen and give the port back. */
  close(): void {
    this.#server?.close()
    this.#server = undefined
    this.#letGo()
  }

  #letGo(): void {
    this.#holder?.socket.resetAndDestroy()
    this.#holder?.anchor.close()
    this.#holder = undefined
  }
}

/** An address that was ours a moment ago is worth a few attempts: not to get it back is a fault that is not healed. */
async function listen(server: Server, host: string, port: number, attemptsLeft = 0): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, backlog, ...(host !== '' && { host }) }, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    if (attemptsLeft === 0) throw error
    await sleep(50)
    await listen(server, host, port, attemptsLeft - 1)
  }
}

/** A client socket of ours that has the port as its own: bound, connected, not listening. */
async function holdPort({ address, port }: AddressInfo): Promise<{ socket: Socket; anchor: Server } | undefined> {
  const loopback = address.includes(':') ? '::1' : '127.0.0.1'
  const anchor = createServer((socket) => socket.on('error', () => socket.destroy()).resume())
  await listen(anchor, loopback, 0)
  const socket = new Socket()
  const held = await new Promise<boolean>((resolve) => {
    socket.once('error', () => resolve(false))
    const localAddress = isWildcard(address) ? loopback : address
    socket.connect(
      { host: loopback, port: (anchor.address() as AddressInfo).port, localAddress, localPort: port },
      () => resolve(true),
    )
  })
  if (held) return { socket, anchor }
  anchor.close()
  return undefined
}

function isWildcard(address: string): boolean {
  return address === '::' || address === '0.0.0.0'
}

function parseListen(address: string): { host: string; port: number } {
  const parsed = parseAddress(address)
  if (!parsed) throw new Error(`listen ${address}: not an address of the form host:port`)
  return parsed
}
