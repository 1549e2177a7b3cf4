import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { Limits } from '../types/settings.ts'
import { connectionsWithin } from './limits.ts'

type Fetch = Parameters<typeof createAdaptorServer>[0]['fetch']

/** An HTTP server, not listening yet, whose connections are limited in number and in time: strangers cost it next to nothing. */
export function createGuarded(fetch: Fetch, limits: Limits, options: ServerOptions = {}): Server {
  const server = createAdaptorServer({
    fetch,
    // For requests of HTTP/1.0 without one: health checks of balancers are.
    hostname: 'node',
    serverOptions: { ...timeouts(limits), ...options },
    createServer: createPatient,
  }) as Server
  server.maxConnections = connectionsWithin(limits)
  server.timeout = limits.silenceTimeoutMs
  // Whoever only idles makes room: a client whose connection is closed between requests opens another one.
  server.on('drop', () => server.closeIdleConnections())
  return server
}

function timeouts({ headersTimeoutMs, bodyTimeoutMs, idleTimeoutMs }: Limits) {
  return {
    headersTimeout: Math.min(headersTimeoutMs, bodyTimeoutMs),
    requestTimeout: bodyTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
    connectionsCheckingInterval: Math.max(20, Math.min(2_000, headersTimeoutMs / 4)),
  }
}

const createPatient = ((options: ServerOptions, listener: RequestListener) =>
  createServer(options, withinTurn(listener))) as typeof createServer

/** Requests on one connection whose answers have not gone out: few clients send a second one before the first is answered. */
const mostAhead = 16

/**
 * Node parses all that came at once, and keeps the answers: 64 KiB of requests for a page would cost hundreds of times as
 * much. Who sends that many ahead reads none of them, and is cut.
 */
function withinTurn(listener: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, number>()
  return (request, response) => {
    const { socket } = request
    const before = waiting.get(socket) ?? 0
    if (before === mostAhead) {
      socket.destroy()
      return
    }
    waiting.set(socket, before + 1)
    response.once('close', () => waiting.set(socket, waiting.get(socket)! - 1))
    if (isAboutServer(request)) response.writeHead(204, { allow: 'GET, HEAD, OPTIONS, POST' }).end()
    else listener(request, response)
  }
}

/** It asks for no resource, so there is none to say what it can be asked (RFC 9110, 9.3.7). */
function isAboutServer({ method, url }: IncomingMessage): boolean {
  return method === 'OPTIONS' && url === '*'
}
