import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { sleep } from '../../patterns/contract/types/timer.ts'
import { describeError, HarnessError } from '../core/errors.ts'
import { briefRequests, isForLoopback, mostConnections } from '../core/http.ts'

export type Route = (request: IncomingMessage, response: ServerResponse) => void

/** What is behind a door beside its routes. `path` is what follows the token, with its query. */
export interface Behind {
  /** Answers paths that are no route, in any method. */
  readonly answer: (request: IncomingMessage, response: ServerResponse, path: string) => void
  /** Takes over the connection of an upgrade. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, path: string) => void
}

/** A server on loopback that lets in who has its token. */
export interface Door extends AsyncDisposable {
  /** Of the route ''; the token is its path. */
  readonly url: string
}

/**
 * Serves GET and HEAD of these paths below a random token, on 127.0.0.1, at any port that is free. Who has another token
 * gets 404, as for any path that is not there. A request for another host gets 421: a page of somebody else could have
 * made its own name mean this machine (DNS rebinding). What changes something, or opens a socket, must also come from a page
 * of this door: 403 otherwise. Rejects with HarnessError when it cannot listen.
 */
export async function openDoor(routes: ReadonlyMap<string, Route>, behind?: Behind): Promise<Door> {
  const token = randomBytes(24).toString('base64url')
  const inside = { token, routes, behind }
  const server: Server = createServer(briefRequests, (request, response) => {
    response.on('error', () => {})
    letIn(inside, portOf(server), request, response)
  })
  const upgraded = behind ? takeUpgrades(server, token, behind) : new Set<Duplex>()
  server.maxConnections = mostConnections
  await listen(server)
  // It keeps no process alive by itself.
  server.unref()
  const leave = async (): Promise<void> => {
    await close(server)
    for (const socket of upgraded) socket.destroy()
  }
  return { url: `http://127.0.0.1:${portOf(server)}/${token}/`, [Symbol.asyncDispose]: leave }
}

interface Inside {
  readonly token: string
  readonly routes: ReadonlyMap<string, Route>
  readonly behind: Behind | undefined
}

function letIn(inside: Inside, port: number, request: IncomingMessage, response: ServerResponse): void {
  const path = pathBelow(inside.token, request.url ?? '')
  const route = path === undefined ? undefined : inside.routes.get(path.replace(/\?.*/, ''))
  const isReading = request.method === 'GET' || request.method === 'HEAD'
  if (!isForLoopback(request, port)) return answer(response, 421)
  if (path === undefined || !(route ?? inside.behind)) return answer(response, 404)
  if (route && !isReading) return answer(response, 405, { allow: 'GET, HEAD' })
  if (!isReading && !isFromItself(request)) return answer(response, 403)
  if (route) route(request, response)
  else inside.behind!.answer(request, response, path)
}

/** The sockets that are open: to the server they are no connections of its own any more. */
function takeUpgrades(server: Server, token: string, behind: Behind): ReadonlySet<Duplex> {
  const upgraded = new Set<Duplex>()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => {}).on('close', () => upgraded.delete(socket))
    upgraded.add(socket)
    const path = pathBelow(token, request.url ?? '')
    const isMeant = isForLoopback(request, portOf(server)) && isFromItself(request)
    if (path === undefined || !isMeant) refuseUpgrade(socket, path === undefined ? 404 : 403)
    else behind.upgrade(request, socket, path)
  })
  return upgraded
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

export function refuseUpgrade(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
}

/** A browser says of whose page a request is. Who is none could say anything, and has the token then. */
function isFromItself({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin === `http://${host}`
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(new HarnessError(`the page cannot be served: ${describeError(error)}`))
    server.once('error', fail)
    server.listen(0, '127.0.0.1', () => {
      server.off('error', fail).on('error', () => {})
      resolve()
    })
  })
}

/** What was said last may still be on its way. */
const partingMs = 200

async function close(server: Server): Promise<void> {
  await Promise.race([new Promise((closed) => server.close(closed)), sleep(partingMs)])
  server.closeAllConnections()
}

/** What follows the token, with the query; undefined where that is another one. */
function pathBelow(token: string, url: string): string | undefined {
  const [, given = '', path] = /^\/([^/?]*)\/(.*)/.exec(url) ?? []
  const digest = (text: string): Buffer => hash('sha256', text, 'buffer')
  return timingSafeEqual(digest(given), digest(token)) ? path : undefined
}

/** Of every answer: nothing is kept, guessed, or told to others. */
const always: OutgoingHttpHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
}

export function answer(response: ServerResponse, status: number, headers: OutgoingHttpHeaders = {}, body = ''): void {
  response.writeHead(status, { ...always, ...headers }).end(body)
}

/** The beginning of an answer that goes on. */
export function begin(response: ServerResponse, headers: OutgoingHttpHeaders): void {
  response.writeHead(200, { ...always, ...headers })
  response.flushHeaders()
}
