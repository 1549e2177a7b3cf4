import { createServer, isIP, type AddressInfo, type Server, type Socket } from 'node:net'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { type HeldPort, holdPort } from '../../os/ports.ts'
import { formatAddress, parseAddress } from './sockets.ts'

const backlog = 4096

/**
 * A listening address that can be shut and opened again. While it is shut the kernel refuses every connection, and
 * gives the port to no other process. A port that the kernel chooses is held from then on. A port that the caller names
 * is held from its first closing.
 */
export class Listener {
  readonly #onConnection: (client: Socket) => void
  #server: Server | undefined
  #held: HeldPort | undefined

  constructor(onConnection: (client: Socket) => void) {
    this.#onConnection = onConnection
  }

  get isOpen(): boolean {
    return this.#server !== undefined
  }

  /** Listen at `address` (port 0: any); resolves with the address taken. */
  async open(address: string): Promise<string> {
    const { host, port } = parseListen(address)
    if (port === 0 && isIP(host) !== 0 && !isWildcard(host)) this.#held ??= await holdPort({ host })
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, this.#onConnection)
    await listen(server, host, port || (this.#held?.port ?? 0), this.#held ? 10 : 0)
    this.#server = server
    const taken = server.address() as AddressInfo
    return formatAddress(taken.address, taken.port)
  }

  /** Stop to listen and keep the port. Connections that were accepted live on. */
  async shut(): Promise<void> {
    const address = this.#server?.address() as AddressInfo | undefined
    this.#server?.close()
    this.#server = undefined
    if (address) this.#held ??= await holdAgain(address)
  }

  /** Stop to listen and give the port back. */
  close(): void {
    this.#server?.close()
    this.#server = undefined
    this.#letGo()
  }

  #letGo(): void {
    this.#held?.[Symbol.dispose]()
    this.#held = undefined
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

/** Undefined where another process took it first. */
function holdAgain({ address, port }: AddressInfo): Promise<HeldPort | undefined> {
  const loopback = address.includes(':') ? '::1' : '127.0.0.1'
  return holdPort({ host: isWildcard(address) ? loopback : address, port }).catch(() => undefined)
}

function isWildcard(address: string): boolean {
  return address === '::' || address === '0.0.0.0'
}

function parseListen(address: string): { host: string; port: number } {
  const parsed = parseAddress(address)
  if (!parsed) throw new Error(`listen ${address}: not an address of the form host:port`)
  return parsed
}
