import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Hono } from 'hono'
import type { WebSocketServer } from 'ws'
import type { NodeSettings, Limits } from '../types/settings.ts'
import { type Bearers, bearersOf } from './bearers.ts'
import { isCaller } from './caller.ts'
import { isHandshake, shakeHands } from './handshake.ts'
import { connectionsWithin, defaultLimits } from './limits.ts'

/**
 * The HTTP server in front of an API, not listening yet: who may connect, for how long, and what becomes of who asks for
 * another protocol. An upgrade is taken where it is a WebSocket's, complete and with a token; any other one is ignored, as
 * RFC 9110 (7.8) allows, and answered as the request that it is. The API says then what the token is worth.
 */
export function createFrontDoor(app: Hono, settings: NodeSettings, sockets?: WebSocketServer): Server {
  const limits = settings.limits ?? defaultLimits
  const bearers = bearersOf(settings)
  const isTaken = (request: IncomingMessage): boolean =>
    sockets !== undefined && isHandshake(request) && bearers.mayBeKnown(request.headers.authorization)
  const serverOptions = { ...timeouts(limits), shouldUpgradeCallback: isTaken }
  const server = createAdaptorServer({ fetch: answering(app), serverOptions, createServer: createPatient }) as Server
  server.maxConnections = connectionsWithin(limits)
  server.timeout = limits.silenceTimeoutMs
  // Whoever only idles makes room: a client whose connection is closed between requests opens another one.
  server.on('drop', () => server.closeIdleConnections())
  inviteKnown(server, bearers)
  if (sockets)
    server.on('upgrade', (incoming, socket, head) => void shakeHands(app, sockets, { incoming, socket, head }))
  return server
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
    listener(request, response)
  }
}

/** A clone is of the platform's own class: the adapter's would be sent like any other answer. */
const alreadySent = RESPONSE_ALREADY_SENT.clone()

/** Some write to Node's response themselves, as streams do: what they return is not to be sent. */
function answering(app: Hono) {
  return async (request: Request, env: unknown): Promise<Response> => {
    const answer = await app.fetch(request, env as HttpBindings)
    return (env as HttpBindings).outgoing.headersSent ? alreadySent : answer
  }
}

function timeouts({ headersTimeoutMs, bodyTimeoutMs, idleTimeoutMs }: Limits) {
  return {
    headersTimeout: Math.min(headersTimeoutMs, bodyTimeoutMs),
    requestTimeout: bodyTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
    connectionsCheckingInterval: Math.max(20, Math.min(2_000, headersTimeoutMs / 4)),
  }
}

/** Who waits for leave to send a body gets it with the token; who has none gets the answer. */
function inviteKnown(server: Server, bearers: Bearers): void {
  server.on('checkContinue', (request, response) => {
    const answer = (isKnown: boolean): void => {
      if (isKnown) response.writeContinue()
      server.emit('request', request, response)
    }
    // Whatever went wrong, the API finds it out again, and says so.
    void bearers.identify(request.headers.authorization).then(
      (who) => answer(isCaller(who)),
      () => answer(false),
    )
  })
}
