import type { IncomingMessage, Server } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Hono } from 'hono'
import type { WebSocketServer } from 'ws'
import type { NodeSettings } from '../types/settings.ts'
import { type Bearers, bearersOf } from './bearers.ts'
import { isCaller } from './caller.ts'
import { createGuarded } from './guarded.ts'
import { isHandshake, shakeHands } from './handshake.ts'
import { defaultLimits } from './limits.ts'

/**
 * The HTTP server in front of an API, not listening yet: who may connect, for how long, and what becomes of who asks for
 * another protocol. An upgrade is taken where it is a WebSocket's, complete and with a token; any other one is ignored, as
 * RFC 9110 (7.8) allows, and answered as the request that it is. The API says then what the token is worth.
 */
export function createFrontDoor(app: Hono, settings: NodeSettings, sockets?: WebSocketServer): Server {
  const bearers = bearersOf(settings)
  const isTaken = (request: IncomingMessage): boolean =>
    sockets !== undefined && isHandshake(request) && bearers.mayBeKnown(request.headers.authorization)
  const server = createGuarded(answering(app), settings.limits ?? defaultLimits, { shouldUpgradeCallback: isTaken })
  inviteKnown(server, bearers)
  if (sockets)
    server.on('upgrade', (incoming, socket, head) => void shakeHands(app, sockets, { incoming, socket, head }))
  return server
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
