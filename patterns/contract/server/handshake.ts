import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Context, Hono } from 'hono'
import type { WebSocket, WebSocketServer } from 'ws'
import { problemMediaType, ProblemError } from '../types/problems.ts'
import { logError } from '../engine/log-error.ts'

/** What a request handler finds in its environment when its request is a handshake. */
interface Handshake {
  readonly incoming: IncomingMessage
  /** Set by the handler that takes it. */
  accept?: (socket: WebSocket) => void
}

const socketPath = /^(?:https?:\/\/[^/?#]*)?\/v1\/tasks\/[^/:?]+\/ws(\?|$)/

/** A WebSocket's handshake (RFC 6455, 4.2.1) that we may take: for the protocol itself and no subprotocol, which we have none. */
export function isHandshake(request: IncomingMessage): boolean {
  return request.method === 'GET' && socketPath.test(request.url ?? '') && flawOf(request) === undefined
}

type Flaw = readonly ['upgrade-required' | 'validation', string]

function flawOf(incoming: IncomingMessage): Flaw | undefined {
  const { headers, upgrade } = incoming as IncomingMessage & { readonly upgrade?: boolean }
  if (headers.upgrade?.toLowerCase() !== 'websocket') return ['upgrade-required', 'this resource is a WebSocket']
  if (headers['sec-websocket-version'] !== '13') return ['upgrade-required', 'Sec-WebSocket-Version: 13']
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? ''))
    return ['validation', 'Sec-WebSocket-Key: 16 bytes in base64']
  if (headers['sec-websocket-protocol'] !== undefined)
    return ['validation', 'Sec-WebSocket-Protocol: there is no subprotocol here']
  return upgrade ? undefined : ['upgrade-required', 'Connection: Upgrade']
}

/**
 * Takes the handshake that is the request of `c`: `serve` gets the open socket. Throws a problem, with the headers that RFC
 * 6455 and RFC 9110 want beside it, for a request that is none.
 */
export function acceptSocket(c: Context, taskId: string, serve: (socket: WebSocket) => void): Response {
  const handshake = c.env as Handshake
  const [kind, detail] = flawOf(handshake.incoming) ?? []
  if (kind === 'upgrade-required') {
    c.header('Upgrade', 'websocket')
    c.header('Sec-WebSocket-Version', '13')
  }
  if (kind) throw new ProblemError(kind, detail!, taskId)
  handshake.accept = serve
  return c.body(null, 204)
}

/** What Node hands over of a request for another protocol. */
interface Upgrade {
  readonly incoming: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/** Never rejects: whatever happens, the socket is taken, or answered and closed. */
export async function shakeHands(app: Hono, sockets: WebSocketServer, upgrade: Upgrade): Promise<void> {
  const { incoming, socket } = upgrade
  // What goes wrong with a connection ends it.
  socket.on('error', () => socket.destroy())
  try {
    const handshake: Handshake = { incoming }
    const answer = await app.fetch(requestOf(incoming), handshake)
    if (handshake.accept && answer.ok) accept(sockets, upgrade, handshake.accept, answer.headers)
    else refuse(socket, answer.status, answer.headers, await answer.text())
  } catch (error) {
    logError('node', 'handshake', error)
    refuse(socket, 500, new Headers(), '')
  }
}

function requestOf({ url, headers }: IncomingMessage): Request {
  const pairs = Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string])
  return new Request(new URL(url!, 'http://node'), { headers: pairs })
}

/** With the headers that the answer has for whatever reason; the handshake's own are the library's. */
function accept(
  sockets: WebSocketServer,
  { incoming, socket, head }: Upgrade,
  serve: (socket: WebSocket) => void,
  headers: Headers,
): void {
  const addOurs = (lines: string[]): void => void lines.push(...linesOf(headers))
  sockets.on('headers', addOurs)
  try {
    sockets.handleUpgrade(incoming, socket, head, serve)
  } finally {
    sockets.off('headers', addOurs)
  }
}

/** Of a message that is framed here, or of a connection that ends. */
const framing: ReadonlySet<string> = new Set(
  'connection content-length content-type transfer-encoding keep-alive'.split(' '),
)

function linesOf(headers: Headers): readonly string[] {
  return [...headers].filter(([name]) => !framing.has(name)).map(([name, value]) => `${name}: ${value}`)
}

/** An ordinary answer, and the end. Whatever else comes is thrown away: nobody would see the connection's end before it. */
function refuse(socket: Duplex, status: number, headers: Headers, body: string): void {
  const mediaType = body === '' ? [] : [`Content-Type: ${problemMediaType}`]
  const own = [...mediaType, 'Connection: close', `Content-Length: ${Buffer.byteLength(body)}`]
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...own, ...linesOf(headers)]
  socket.resume()
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
