import { createServer } from 'node:net'

/**
 * Below the range from which Linux takes the local ports of outgoing connections (32768 and up by default):
 * a killed node's port must still be free when the node is started again, among thousands of client connections.
 */
const lowest = 20_000
const highest = 32_000
const taken = new Set<number>()
let cursor = lowest + (process.pid % (highest - lowest))

/** A loopback port that nothing listens on and that this process has not handed out before. */
export async function reservePort(): Promise<number> {
  for (let tries = 0; tries < highest - lowest; tries++) {
    const port = lowest + ((++cursor - lowest) % (highest - lowest))
    if (taken.has(port) || !(await isFree(port))) continue
    taken.add(port)
    return port
  }
  throw new Error(`no free port between ${lowest} and ${highest}`)
}

/** Hand a port back for later cells. */
export function releasePort(port: number): void {
  taken.delete(port)
}

/** Whether nothing listens on the loopback port. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
