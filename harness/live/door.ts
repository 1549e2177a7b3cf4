import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { sleep } from '../../patterns/contract/types/timer.ts'
import { describeError, HarnessError } from '../core/errors.ts'
import { briefRequests, isForLoopback, mostConnections } from '../core/http.ts'

export type Route = (request: IncomingMessage, response: ServerResponse) => void

/** A server on loopback that lets in who has its token. */
export interface Door extends AsyncDisposable {
  /** Of the route ''; the token is its path. */
  readonly url: string
}

/**
 * Serves GET and HEAD of these paths below a random token, on 127.0.0.1, at any port that is free. Who has another token
 * gets 404, as for any path that is not there. A request for another host gets 421: a page of somebody else could have
 * made its own name mean this machine (DNS rebinding). Rejects with HarnessError when it cannot listen.
 */
export async function openDoor(routes: ReadonlyMap<string, Route>): Promise<Door> {
  const token = randomBytes(24).toString('base64url')
  const server = createServer(briefRequests, (request, response) => {
    response.on('error', () => {})
    const { port } = server.address() as AddressInfo
    const path = pathBelow(token, request.url ?? '')
    const route = path === undefined ? undefined : routes.get(path)
    if (!isForLoopback(request, port)) return answer(response, 421)
    if (!route) return answer(response, 404)
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, { allow: 'GET, HEAD' })
    route(request, response)
  })
  server.maxConnections = mostConnections
  await listen(server)
  // It keeps no process alive by itself.
  server.unref()
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/${token}/`, [Symbol.asyncDispose]: () => close(server) }
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(new HarnessError(`the live page cannot be served: ${describeError(error)}`))
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

/** What follows the token, without the query; undefined where that is another one. */
function pathBelow(token: string, url: string): string | undefined {
  const [, given = '', path] = /^\/([^/?]*)\/([^?]*)/.exec(url) ?? []
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
