import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2'
import { createServer, type Server } from 'node:net'
import { createEndpointHandler, type EndpointOptions, type LoggerTransport } from '@restatedev/restate-sdk'
import { request } from 'undici'
import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { askingMs, mostAsking, sendHealth } from '../../contract/engine/health.ts'
import { sleep } from '../../contract/types/timer.ts'
import { logFailure } from '../../contract/engine/log-error.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { openWorkplace } from '../../contract/engine/workplace.ts'
import { accountObject } from './account.ts'
import { openExecutor } from './executor.ts'
import { familyObject } from './family.ts'
import { taskWorkflow } from './workflow.ts'

/**
 * A service node: the server dials it over HTTP/2 and pushes invocations. It listens first, then registers itself, which
 * makes the server ask what it offers. Disposing closes the sessions: the server takes the invocations elsewhere, or
 * back here when this node returns.
 */
export async function startWorker(own: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  const settings = withAddresses(own, 'toolsUrl', 'engineControlUrl', 'advertisedUrl')
  const place = openWorkplace(settings, timingAt(settings.timeScale), 128)
  const executor = openExecutor(place, settings, notify)
  let ready = false
  const services = [taskWorkflow(executor), accountObject(settings.balances ?? {}), familyObject()]
  const node = await listen(settings, services, () => ready)
  await withFaultPoints('restate.register', () => register(settings.engineControlUrl, settings.advertisedUrl))
  ready = true
  return {
    [Symbol.asyncDispose]: async () => {
      node.close()
      await place.dispatcher.destroy()
    },
  }
}

/** One port for two protocols: the server speaks HTTP/2 from the first byte, `GET /healthz` comes as HTTP/1.1. */
async function listen(
  settings: NodeSettings,
  services: EndpointOptions['services'],
  isReady: () => boolean,
): Promise<{ close(): void }> {
  const {
    node,
    listen: { host, port },
  } = settings
  const sessions = new Set<ServerHttp2Session>()
  const http2 = createHttp2Server(createEndpointHandler({ services, logger: failuresOnly(node) }))
  http2.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  const http1 = createHttpServer((request, response) => {
    if (request.url === '/healthz' && isReady()) sendHealth(request, response, settings)
    else response.writeHead(503).end()
  })
  http1.timeout = askingMs
  const server = splitProtocols(http2, http1)
  server.maxConnections = mostAsking
  await once(server.listen(port, host), 'listening')
  return {
    close: () => {
      server.close()
      for (const session of sessions) session.destroy()
    },
  }
}

/** HTTP/2 with prior knowledge begins with this (RFC 9113, section 3.4). */
const preface = 'PRI * HTTP/2.0'

function splitProtocols(http2: NodeJS.EventEmitter, http1: NodeJS.EventEmitter): Server {
  return createServer((socket) => {
    socket.on('error', () => socket.destroy())
    // A connection that sends nothing speaks neither.
    socket.setTimeout(askingMs).once('timeout', () => socket.destroy())
    socket.once('data', (first) => {
      socket.setTimeout(0)
      socket.pause()
      socket.unshift(first)
      const speaker = preface.startsWith(first.subarray(0, preface.length).toString('latin1')) ? http2 : http1
      speaker.emit('connection', socket)
      process.nextTick(() => socket.resume())
    })
  })
}

/** Until the server has it. Registering what is registered already changes nothing. */
async function register(controlUrl: string, uri: string): Promise<void> {
  for (;;) {
    const answer = await postDeployment(controlUrl, uri).catch((error: unknown) => String(error))
    if (answer === undefined) return
    logFailure('worker', 'registration', answer)
    await sleep(250, new AbortController().signal)
  }
}

/** Undefined when it is registered, else why not. */
async function postDeployment(controlUrl: string, uri: string): Promise<string | undefined> {
  const answer = await request(`${controlUrl}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri, force: true }),
    signal: AbortSignal.timeout(5000),
  })
  const text = await answer.body.text()
  return answer.statusCode < 300 ? undefined : `${answer.statusCode} ${text}`
}

/** The server retries by itself and logs it; our log has unexpected failures only. */
function failuresOnly(node: string): LoggerTransport {
  return ({ level }: { readonly level: string }, ...message) => {
    if (level === 'error') logFailure(node, 'restate', message.map(String).join(' '))
  }
}
