/**
 * An API node: one delivery over one engine, both named by the environment (`contract/server/settings.ts`). The first
 * line on standard output says its address. SIGTERM: accepts nothing more, tells every held connection to go on elsewhere, exits 0. What its starter may ask for beside
 * that: `contract/server/starter.ts`.
 */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadDeliveryServer, openNotify } from './contract/server/plugins.ts'
import { loadBackend, type Backend } from './contract/engine/backend.ts'
import { createFrontDoor } from './contract/server/front-door.ts'
import { logError } from './contract/engine/log-error.ts'
import { readSettings } from './contract/server/settings.ts'
import { heedStarter } from './contract/server/starter.ts'
import { timingAt } from './contract/types/timing.ts'

await heedStarter(({ OUTLAST_ENGINE: engine = '', OUTLAST_BACKEND: backend, OUTLAST_DELIVERY: delivery = '' }) =>
  Promise.all([loadBackend({ engine, backend }), loadDeliveryServer(delivery)]),
)
const settings = readSettings(process.env)
process.on('uncaughtException', (error) => {
  logError(settings.node, 'process', error)
  process.exit(1)
})

const draining = new AbortController()
const { openBackend } = await loadBackend(settings)
const backend = await openBackend(settings, await openNotify(settings))
const delivery = await loadDeliveryServer(settings.delivery)
const app = delivery.routes(backend, settings, draining.signal)
const server = createFrontDoor(app, settings, delivery.openSockets?.())
server.listen(settings.listen.port, settings.listen.host, () => {
  const { address, port } = server.address() as AddressInfo
  const host = address.includes(':') ? `[${address}]` : address
  process.stdout.write(`${settings.node}: ${settings.delivery}+${settings.engine} at http://${host}:${port}\n`)
})
server.on('error', (error) => {
  logError(settings.node, 'listen', error)
  process.exit(1)
})
process.once('SIGTERM', () => void drain(server, backend))

async function drain(server: Server, backend: Backend): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  draining.abort()
  const { drainMs } = timingAt(settings.timeScale)
  setTimeout(() => server.closeAllConnections(), drainMs)
  // A store that cannot be reached must not hold up the exit.
  setTimeout(leave, Math.max(2000, 2 * drainMs))
  await closed
  await Promise.resolve(backend[Symbol.asyncDispose]()).catch((error: unknown) =>
    logError(settings.node, 'drain', error),
  )
  leave()
}

function leave(): void {
  process.exit(0)
}
