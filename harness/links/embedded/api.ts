import type { IncomingMessage, ServerResponse } from 'node:http'
import { describeError } from '../../core/errors.ts'
import { BodyTooLarge, readBody } from '../../core/http.ts'
import type { ActiveToxic } from './active-toxic.ts'
import {
  ApiError,
  parseNewToxic,
  parseProxies,
  parseProxy,
  parseProxyChange,
  parseToxicChange,
  parseUpstream,
} from './requests.ts'
import type { Evidence } from './evidence.ts'
import type { Proxies } from './proxies.ts'
import type { Proxy } from './proxy.ts'
import type { Toxic } from './toxic.ts'

/** Toxiproxy's API as of this version; what follows the plus sign says that it is another server. */
const version = '2.12.0+outlast'

/** Of a body: hundreds of proxies at once are a tenth of it. */
const mostBytes = 1_048_576

interface Reply {
  readonly status: number
  readonly json?: unknown
}

interface Call {
  readonly proxy: string
  readonly toxic: string
  /** Read only by those who need one: throws ApiError when it is not JSON. */
  readonly body: unknown
}

type Route = (call: Call) => Reply | Promise<Reply>

/**
 * Toxiproxy's HTTP API, version 2, and two reports by proxy and toxic, removed ones included. `GET /firings`: on how
 * many connections each toxic took effect. `GET /felt`: on how many of them a peer was at work. Requests are served one
 * after the other.
 */
export function createApi(
  proxies: Proxies,
  toxics: ReadonlyMap<string, Toxic>,
  evidence: Evidence,
): (request: IncomingMessage, response: ServerResponse) => void {
  const routes = { ...serverRoutes(proxies, evidence), ...proxyRoutes(proxies), ...toxicRoutes(proxies, toxics) }
  let last: Promise<void> = Promise.resolve()
  return (request, response) => {
    const body = readBody(request, mostBytes)
    const enqueue = (): void => void (last = last.then(() => serve(routes, request, response, body)))
    // When it is here, or torn: a slow body holds up no other request.
    body.then(enqueue, enqueue)
  }
}

function serverRoutes(proxies: Proxies, evidence: Evidence): Record<string, Route> {
  return {
    'GET /version': () => ok({ version }),
    'GET /firings': () => ok(evidence.firings()),
    'GET /felt': () => ok(evidence.feelings()),
    'POST /reset': async () => {
      await proxies.reset()
      return { status: 204 }
    },
    'POST /populate': async ({ body }) => {
      const requests = parseProxies(body)
      const done: Proxy[] = []
      for (const request of requests) done.push(await proxies.addOrReplace(request))
      return { status: 201, json: { proxies: done.map((proxy) => proxy.toJson()) } }
    },
  }
}

function proxyRoutes(proxies: Proxies): Record<string, Route> {
  const update: Route = async ({ proxy: name, body }) => {
    const proxy = proxies.get(name)
    const { listen, upstream, enabled } = proxy.toJson()
    const change = parseProxyChange(body)
    await proxy.update({
      listen: change.listen ?? listen,
      upstream: change.upstream ?? upstream,
      enabled: change.enabled ?? enabled,
    })
    return ok(proxy.toJson())
  }
  return {
    'GET /proxies': () => ok(Object.fromEntries(proxies.list().map((proxy) => [proxy.name, proxy.toJson()]))),
    'POST /proxies': async ({ body }) => ({ status: 201, json: (await proxies.add(parseProxy(body))).toJson() }),
    'GET /proxies/{}': ({ proxy }) => ok(proxies.get(proxy).toJson()),
    'POST /proxies/{}': update,
    'PATCH /proxies/{}': update,
    'POST /proxies/{}/upstream': async ({ proxy, body }) => {
      await proxies.get(proxy).setUpstreamUp(parseUpstream(body))
      return { status: 204 }
    },
    'DELETE /proxies/{}': ({ proxy }) => {
      proxies.remove(proxy)
      return { status: 204 }
    },
  }
}

function toxicRoutes(proxies: Proxies, toxics: ReadonlyMap<string, Toxic>): Record<string, Route> {
  const shown = (active: ActiveToxic): Reply => ok(active.toJson())
  const update: Route = async ({ proxy: name, toxic, body }) => {
    const proxy = proxies.get(name)
    const active = proxy.toxic(toxic)
    return shown(await proxy.updateToxic(toxic, parseToxicChange(active.toxic, active.toJson(), body)))
  }
  return {
    'GET /proxies/{}/toxics': ({ proxy }) => ok(proxies.get(proxy).toxics()),
    'POST /proxies/{}/toxics': async ({ proxy: name, body }) => {
      const proxy = proxies.get(name)
      const { toxic, json } = parseNewToxic(toxics, body)
      return shown(await proxy.addToxic(toxic, json))
    },
    'GET /proxies/{}/toxics/{}': ({ proxy, toxic }) => shown(proxies.get(proxy).toxic(toxic)),
    'POST /proxies/{}/toxics/{}': update,
    'PATCH /proxies/{}/toxics/{}': update,
    'DELETE /proxies/{}/toxics/{}': async ({ proxy, toxic }) => {
      await proxies.get(proxy).removeToxic(toxic)
      return { status: 204 }
    },
  }
}

async function serve(
  routes: Readonly<Record<string, Route>>,
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Promise<Buffer>,
): Promise<void> {
  try {
    // A page in a browser must not be able to steer the faults.
    if (request.headers['user-agent']?.startsWith('Mozilla/')) return plain(response, 403, 'User agent not allowed\n')
    const { pattern, proxy, toxic } = match(request.url ?? '/')
    const route = routes[`${request.method} ${pattern}`]
    const body = (await bytes).toString('utf8')
    const call = {
      proxy,
      toxic,
      get body() {
        return parseJson(body)
      },
    }
    if (route) return reply(response, await route(call))
    const known = Object.keys(routes).some((name) => name.endsWith(` ${pattern}`))
    return known ? plain(response, 405, '') : plain(response, 404, '404 page not found\n')
  } catch (error) {
    const status = statusOf(error)
    plain(response, status, JSON.stringify({ error: describeError(error), status }) + '\n')
  }
}

function statusOf(error: unknown): number {
  if (error instanceof ApiError) return error.status
  return error instanceof BodyTooLarge ? 413 : 500
}

/** `/proxies/a/toxics/b` becomes `/proxies/{}/toxics/{}` with its names. */
function match(url: string): { pattern: string; proxy: string; toxic: string } {
  const parts = url.split('?')[0]!.split('/').slice(1).map(decoded)
  const pattern = parts.map((part, index) => (index % 2 === 0 ? part : '{}')).join('/')
  return { pattern: `/${pattern}`, proxy: parts[1] ?? '', toxic: parts[3] ?? '' }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new ApiError(400, `bad request: ${part} is no text`)
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw new ApiError(400, `bad request body: ${describeError(error)}`)
  }
}

function reply(response: ServerResponse, { status, json }: Reply): void {
  if (json === undefined) response.writeHead(status).end()
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
}

function plain(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body)
}

function ok(json: unknown): Reply {
  return { status: 200, json }
}
