import { upgradeWebSocket, type WebSocketServerLike } from '@hono/node-server'
import type { Context } from 'hono'
import { WebSocketServer, type WebSocket } from 'ws'
import { createApi, requireTask, type Api } from '../../contract/api.ts'
import type { DeliveryServer } from '../../contract/axes.ts'
import { ProblemError } from '../../contract/problems.ts'
import { serveSocket } from './session.ts'

/** Clients say little: a longer message is no message of theirs. */
const maxPayload = 4096

const server: DeliveryServer = {
  routes: (backend, settings, drain) => createApi(backend, settings, drain, { socket: openSocket }),
  // Compressing small messages costs more memory per connection than it saves in bytes.
  openSockets: () =>
    new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload,
    }) as WebSocketServerLike,
}
export default server

/** Refusals are ordinary answers to the handshake, with the status and the media type of a problem but no body. */
async function openSocket(c: Context, taskId: string, api: Api): Promise<Response> {
  const { task_id } = await requireTask(api, taskId)
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
    c.header('Upgrade', 'websocket')
    throw new ProblemError('upgrade-required', 'this resource is a WebSocket', task_id)
  }
  return upgradeWebSocket(c, { onOpen: (_, { raw }) => void serveSocket(raw as WebSocket, task_id, api) })
}
