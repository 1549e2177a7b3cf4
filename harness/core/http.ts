import type { IncomingMessage, ServerOptions } from 'node:http'

/** With every answer a node of ours says in this header which it is of which system: `<run>/<cell>/<draw>/<node>`. */
const nameHeader = 'outlast-node'

/** What came back from where a node of ours is dialled. */
export interface Heard {
  readonly status: number
  readonly header: (name: string) => string | undefined
}

/**
 * Who answered in place of a node of this system, or undefined: it was one, or nobody can tell. A server without a name
 * is a stranger when it does what was asked, or says more than a status. A server that cuts off a bad request, before
 * it reaches any node, says no more than that. A load balancer in front has pages of its own for errors.
 */
export function strangerIn({ status, header }: Heard, system: string, isBehindEdge = false): string | undefined {
  const name = header(nameHeader)
  if (name !== undefined) return name.startsWith(`${system}/`) ? undefined : describeName(name)
  if (status >= 400 && (isBehindEdge || header('content-type') === undefined)) return undefined
  const server = header('server')
  return `it gave no name, and HTTP ${status}${server === undefined ? '' : ` (${printable(server)})`}`
}

/** A name as a node gives it, for people. */
export function describeName(name: string): string {
  return `it says that it is ${printable(name)}`
}

/** A stranger may say anything, at any length. */
function printable(text: string): string {
  const most = 200
  const plain = text.replaceAll(/[^\x20-\x7e]/g, '?')
  return plain.length > most ? `${plain.slice(0, most)}...` : plain
}

/**
 * Whether a request is for this port of loopback by a name that nobody else can give it, or by one of `more`. A page of somebody
 * else's could have made its own name mean this machine (DNS rebinding).
 */
export function isForLoopback(
  { headers: { host } }: IncomingMessage,
  port: number,
  more: readonly string[] = [],
): boolean {
  const names = ['127.0.0.1', 'localhost', ...more]
  return names.some((name) => host === `${name}:${port}` || (port === 80 && host === name))
}

/** For servers of the harness: a peer of ours needs less. */
export const briefRequests: ServerOptions = { headersTimeout: 60_000, requestTimeout: 60_000 }

/** Of a server that people and their tools look at: who opens more takes no descriptor that a run needs. */
export const mostConnections = 64

/** More than anybody here says. */
export class BodyTooLarge extends Error {
  override readonly name: string = 'BodyTooLarge'
}

/** Each body is small enough, and all that are on their way at once are not. */
export class BodiesTooLarge extends BodyTooLarge {
  override readonly name = 'BodiesTooLarge'
}

/** A request's body. Rejects with BodyTooLarge, and when the body is torn. `onBytes` hears of each piece, and may refuse it. */
export async function readBody(
  request: IncomingMessage,
  mostBytes: number,
  onBytes: (bytes: number) => void = () => {},
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) throw new BodyTooLarge(`a body of more than ${mostBytes} bytes`)
    onBytes(chunk.length)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/**
 * Reads bodies of at most so many bytes each, and at most `mostAtOnce` on their way together: thousands of slow senders must
 * not fill our memory. What it returns rejects as `readBody` does, and with BodiesTooLarge.
 */
export function bodyReader(mostBytes: number, mostAtOnce: number): (request: IncomingMessage) => Promise<Buffer> {
  let underWay = 0
  return async (request) => {
    let own = 0
    const onBytes = (bytes: number): void => {
      if (underWay + bytes > mostAtOnce) throw new BodiesTooLarge(`bodies of more than ${mostAtOnce} bytes at once`)
      underWay += bytes
      own += bytes
    }
    try {
      return await readBody(request, mostBytes, onBytes)
    } finally {
      underWay -= own
    }
  }
}
