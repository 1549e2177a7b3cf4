/**
 * A tool gateway: executors dial it in place of the tool server (their OUTLAST_TOOLS_URL), and it lets through what their
 * task was granted. Settings: `gateway/settings.ts`. The first line on standard output says its address. SIGTERM: accepts
 * nothing more, answers what it has, exits 0. What its starter may ask for beside that: `contract/server/starter.ts`.
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Agent } from 'undici'
import { logError } from './contract/engine/log-error.ts'
import { createGuarded } from './contract/server/guarded.ts'
import { heedStarter } from './contract/server/starter.ts'
import { createGateway, toolTimeoutMs } from './gateway/gateway.ts'
import { readGatewaySettings } from './gateway/settings.ts'

await heedStarter(async () => {})
const settings = readGatewaySettings(process.env)
process.on('uncaughtException', (error) => {
  logError(settings.node, 'process', error)
  process.exit(1)
})

const dispatcher = new Agent({ connections: 128 })
const { fetch } = createGateway(settings, dispatcher)
// Whoever waits for the tool server says nothing meanwhile.
const silenceTimeoutMs = Math.max(settings.limits.silenceTimeoutMs, toolTimeoutMs + 5_000)
const server = createGuarded(fetch, { ...settings.limits, silenceTimeoutMs })
server.on('error', (error) => {
  logError(settings.node, 'listen', error)
  process.exit(1)
})
const { host, port } = settings.listen
await once(server.listen(port, host), 'listening')
const at = server.address() as AddressInfo
const name = at.address.includes(':') ? `[${at.address}]` : at.address
process.stdout.write(`${settings.node}: gateway of ${settings.toolsUrl} at http://${name}:${at.port}\n`)
process.once('SIGTERM', () => void drain())

/** What takes longer is asked again by its executor, elsewhere. */
const drainMs = 2_000

async function drain(): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  setTimeout(() => server.closeAllConnections(), drainMs).unref()
  await closed
  await dispatcher.destroy()
  process.exit(0)
}
