import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import type { NodeSettings } from '../types/settings.ts'

/** Every answer of the API carries it, where the settings name a system: a client sees that it reached the right one. */
export const nameHeader = 'Outlast-Node'

type Identity = Pick<NodeSettings, 'node' | 'system' | 'start'>

/** What `GET /healthz` answers with 200: that it is up, and who it is by its settings. */
export function healthOf({ node, system, start }: Identity) {
  return { status: 'ok', node, ...(system !== undefined && { system }), ...(start !== undefined && { start }) }
}

const methods: ReadonlySet<unknown> = new Set(['GET', 'HEAD'])
const allow = { allow: 'GET, HEAD, OPTIONS' }

/** Answers what was asked of `/healthz`: 405 for a method that is none of a read (RFC 9110, 15.5.6). */
export function sendHealth({ method }: IncomingMessage, response: ServerResponse, self: Identity): void {
  if (method === 'OPTIONS') return void response.writeHead(204, allow).end()
  if (!methods.has(method)) return void response.writeHead(405, { ...allow, connection: 'close' }).end()
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(healthOf(self)))
}

/** Who it is, for the header; undefined where the settings name no system. */
export function fullName({ node, system }: Identity): string | undefined {
  return system && `${system}/${node}`
}

/** Of a port that answers nothing but how it is: how many may ask, and how long one may take. */
export const mostAsking = 256
export const askingMs = 10_000
const briefRequests: ServerOptions = { headersTimeout: askingMs, requestTimeout: askingMs }

/** `GET /healthz` and nothing else: a node of this kind takes no other requests. Resolves when it listens. */
export async function answerHealth(settings: Identity & Pick<NodeSettings, 'listen'>): Promise<Server> {
  const { host, port } = settings.listen
  const server = createServer(briefRequests, (request, response) => {
    if (request.url === '/healthz') sendHealth(request, response, settings)
    else response.writeHead(404, { connection: 'close' }).end()
  })
  server.maxConnections = mostAsking
  await once(server.listen(port, host), 'listening')
  return server
}
