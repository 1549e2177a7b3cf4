import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Hono } from 'hono'
import { Agent, buildConnector, request } from 'undici'
import type { WebSocketServer } from 'ws'
import { withoutInterim } from '../../../patterns/contract/client/interim.ts'
import { loadBackend, type Backend } from '../../../patterns/contract/engine/backend.ts'
import { loadDeliveryServer, openNotify } from '../../../patterns/contract/server/plugins.ts'
import type { NodeSettings } from '../../../patterns/contract/types/settings.ts'
import { createFrontDoor } from '../../../patterns/contract/server/front-door.ts'
import { timingAt, type Timing } from '../../../patterns/contract/types/timing.ts'
import { closeServer, startToolServer, type ToolServer } from './tool-server.ts'
import { spawn } from '../../support/programs.ts'

export const token = 'conformance-token-0123456789'
/** A smoke task takes a second, heartbeats half of one. */
export const timeScale = 30
export const timing: Timing = timingAt(timeScale)

export interface ApiNode extends AsyncDisposable {
  readonly url: string
  readonly app: Hono
  readonly settings: NodeSettings
  readonly backend: Backend
  readonly tools: ToolServer
  readonly drain: AbortController
  /** Connections that the server has open now. */
  connections(): Promise<number>
}

/** An API node in this process, over real HTTP, with a tool server of its own. */
export async function startApiNode(
  delivery: string,
  engine = 'memory',
  own: Partial<NodeSettings> = {},
): Promise<ApiNode> {
  const tools = await startToolServer()
  const settings = { ...settingsFor(delivery, engine, tools.url), ...own }
  const { openBackend } = await loadBackend({ engine })
  const backend = await openBackend(settings, await openNotify(settings))
  const drain = new AbortController()
  const half = await loadDeliveryServer(delivery)
  const app = half.routes(backend, settings, drain.signal)
  const { server, url } = await listenWith(app, settings, half.openSockets?.())
  return {
    url,
    app,
    settings,
    backend,
    tools,
    drain,
    connections: () => promisify(server.getConnections.bind(server))(),
    [Symbol.asyncDispose]: async () => {
      await backend[Symbol.asyncDispose]()
      // Nobody else closes what was upgraded.
      drain.abort()
      await closeServer(server)
      await tools[Symbol.asyncDispose]()
    },
  }
}

/** The API of a delivery over a backend that is there. */
export async function serveOver(backend: Backend, delivery: string): Promise<{ url: string } & AsyncDisposable> {
  const half = await loadDeliveryServer(delivery)
  const settings = settingsFor(delivery, 'memory', '')
  const { server, url } = await listenWith(half.routes(backend, settings, new AbortController().signal), settings)
  return { url, [Symbol.asyncDispose]: () => closeServer(server) }
}

/** Serve an app on a free port, as `serve.ts` does. */
export async function listenWith(
  app: Hono,
  settings: NodeSettings,
  sockets?: WebSocketServer,
): Promise<{ server: Server; url: string }> {
  const server = createFrontDoor(app, settings, sockets)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as { port: number }).port}` }
}

function settingsFor(delivery: string, engine: string, toolsUrl: string): NodeSettings {
  const listen = { host: '127.0.0.1', port: 0 }
  return {
    node: 'api-0',
    listen,
    delivery,
    engine,
    timeScale,
    tuning: 'default',
    token,
    toolsUrl,
    webhookAllow: ['127.0.0.0/8'],
  }
}

export interface ServeProcess extends AsyncDisposable {
  readonly url: string
  readonly child: ChildProcess
  readonly log: () => string
  /** Standard output. */
  readonly said: () => string
}

/** `serve.ts` as a process of its own. */
export async function startServe(
  delivery: string,
  toolsUrl: string,
  port: number,
  env: Record<string, string> = {},
): Promise<ServeProcess> {
  const entry = fileURLToPath(new URL('../../../patterns/serve.ts', import.meta.url))
  const own = {
    OUTLAST_NODE: 'api-0',
    OUTLAST_START: randomUUID(),
    OUTLAST_PORT: String(port),
    OUTLAST_DELIVERY: delivery,
    OUTLAST_ENGINE: 'memory',
    OUTLAST_TIME_SCALE: String(timeScale),
    OUTLAST_TOKEN: token,
    OUTLAST_TOOLS_URL: toolsUrl,
    OUTLAST_WEBHOOK_ALLOW: '127.0.0.0/8',
    OUTLAST_PARENT_PIPE: '1',
  }
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn(process.execPath, [entry], { env: { PATH, NODE_COMPILE_CACHE, ...own, ...env } })
  let log = ''
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk))
  child.stdout.on('data', (chunk: Buffer) => (said += chunk))
  const url = `http://127.0.0.1:${port}`
  await untilHealthy(url, own.OUTLAST_START, child, () => log)
  return {
    url,
    child,
    log: () => log,
    said: () => said,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function untilHealthy(url: string, start: string, child: ChildProcess, log: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`serve exited: ${log()}`)
    const answer = await request(`${url}/healthz`, { reset: true }).catch(() => undefined)
    const health = await answer?.body.json().catch(() => undefined)
    if (answer?.statusCode === 200 && (health as { start?: string } | undefined)?.start === start) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Nothing is pooled: a connection that a test left behind cannot answer for another. */
export const dispatcher = new Agent({ pipelining: 0, connect: withoutInterim(buildConnector({})) })
