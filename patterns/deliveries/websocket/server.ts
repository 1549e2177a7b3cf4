import type { Context } from 'hono'
import { WebSocketServer } from 'ws'
import { createApi, requireTask, type Api } from '../../contract/server/api.ts'
import type { DeliveryServer } from '../../contract/server/delivery-server.ts'
import { acceptSocket } from '../../contract/server/handshake.ts'
import { Heartbeats } from '../../contract/server/heartbeats.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { Turns } from '../../contract/server/turns.ts'
import { serveSocket, type Sockets } from './session.ts'

/** Clients say little: a longer message is no message of theirs. The longest is a command with a patch, of 16 KiB at most. */
const maxPayload = 32_768

const server: DeliveryServer = {
  routes: (backend, settings, drain) => {
    const turns = new Turns()
    const sockets = { turns, heartbeats: new Heartbeats(timingAt(settings.timeScale), turns) }
    return createApi(backend, settings, drain, { socket: (c, taskId, api) => openSocket(c, taskId, api, sockets) })
  },
  // Compressing small messages costs more memory per connection than it saves in bytes.
  openSockets: () =>
    new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload }),
}
export default server

/** Refusals are ordinary answers to the handshake. */
async function openSocket(c: Context, taskId: string, api: Api, sockets: Sockets): Promise<Response> {
  const { task_id } = await requireTask(api, taskId)
  // The place is taken by the open socket: a handshake may still come to nothing.
  api.places.require(task_id)()
  return acceptSocket(c, task_id, (socket) => void serveSocket(socket, task_id, api, sockets))
}
