import { type IncomingMessage, type OutgoingHttpHeaders, request as ask, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { BodyTooLarge, readBody } from '../core/http.ts'
import { answer, type Behind, refuseUpgrade } from '../live/door.ts'

/** The service behind the page. */
export interface Service {
  readonly url: string
  /** The page itself never learns it. */
  readonly token: string
  /** So long a socket of the service may be silent: it pings more often. */
  readonly silenceMs: number
}

const id = '[A-Za-z0-9_][A-Za-z0-9_.~-]*'

/** All that the page asks of the service; nothing else of it can be reached here. */
const allowed: readonly (readonly [method: string, path: RegExp])[] = [
  ['POST', /^v1\/tasks$/],
  ['POST', new RegExp(`^v1/tasks/${id}(:cancel|/commands)$`)],
  ['GET', new RegExp(`^v1/tasks/${id}(/context)?$`)],
  ['GET', new RegExp(`^v1/tasks/${id}(/events)?\\?[a-z0-9=&]+$`)],
]
const socketPath = new RegExp(`^v1/tasks/${id}/ws$`)

const prefix = 'api/'
/** A memory has 16 KiB at most, and so has a patch. */
const mostBodyBytes = 65_536
const passedOn = ['accept', 'content-type', 'idempotency-key'] as const
const passedBack = ['content-type', 'etag', 'retry-after'] as const
const forSockets = ['sec-websocket-key', 'sec-websocket-version'] as const

/** Passes what the page asks for on to the service, with the service's token, and the answers back. */
export function relayTo(service: Service): Behind {
  const isAllowed = (method: string | undefined, path: string): boolean =>
    allowed.some(([one, pattern]) => one === method && pattern.test(path))
  return {
    answer: (request, response, path) => {
      const asked = path.startsWith(prefix) ? path.slice(prefix.length) : ''
      if (!isAllowed(request.method, asked)) return answer(response, 404)
      void pass(service, asked, request, response)
    },
    upgrade: (request, socket, path) => {
      if (path.startsWith(prefix) && socketPath.test(path.slice(prefix.length)))
        joinSockets(service, path.slice(prefix.length), request, socket)
      else refuseUpgrade(socket, 404)
    },
  }
}

async function pass(service: Service, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request, mostBodyBytes).catch((error: unknown) => error)
  if (body instanceof BodyTooLarge) return answer(response, 413, { connection: 'close' })
  if (!(body instanceof Buffer)) return void response.destroy()
  const headers = { ...only(request, passedOn), ...ownHeaders(service), 'content-length': body.length }
  const upstream = ask(addressOf(service, path), { method: request.method!, agent: false, headers })
  const fail = (): void => (response.headersSent ? void response.destroy() : answer(response, 502))
  upstream.on('error', fail).on('response', (answered) => {
    answered.on('error', fail)
    response.writeHead(answered.statusCode!, { ...always, ...only(answered, passedBack) })
    answered.pipe(response)
  })
  response.on('close', () => upstream.destroy())
  upstream.end(body)
}

/** What the service answers is for the page's eyes, whatever it says of itself. */
const always: OutgoingHttpHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** Joins the page's socket with one to the service. Bytes go through as they are; who is silent for too long is cut off. */
function joinSockets(service: Service, path: string, request: IncomingMessage, socket: Duplex): void {
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', ...only(request, forSockets) }
  const upstream = ask(addressOf(service, path), { agent: false, headers: { ...upgrade, ...ownHeaders(service) } })
  socket.on('close', () => upstream.destroy())
  upstream
    .on('error', () => refuseUpgrade(socket, 502))
    .on('response', ({ statusCode = 502 }) => {
      refuseUpgrade(socket, statusCode)
      upstream.destroy()
    })
    .on('upgrade', ({ headers }, other, head) => {
      socket.write(`${switching}sec-websocket-accept: ${headers['sec-websocket-accept'] ?? ''}\r\n\r\n`)
      socket.write(head)
      cutWhenSilent(other, service.silenceMs)
      join(socket, other)
    })
    .end()
}

const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n'

function join(one: Duplex, other: Duplex): void {
  one.on('error', () => other.destroy()).on('close', () => other.destroy())
  other.on('error', () => one.destroy()).on('close', () => one.destroy())
  one.pipe(other).pipe(one)
}

/** A node that is frozen keeps its connections, and says nothing. A page of a browser sees no pings, and could not tell. */
function cutWhenSilent(socket: Duplex, silenceMs: number): void {
  const watchdog = setTimeout(() => socket.destroy(), silenceMs).unref()
  socket.on('data', () => watchdog.refresh()).on('close', () => clearTimeout(watchdog))
}

function addressOf({ url }: Service, path: string): string {
  return `${url.replace(/\/$/, '')}/${path}`
}

function ownHeaders({ token }: Service): OutgoingHttpHeaders {
  return { authorization: `Bearer ${token}` }
}

function only({ headers }: IncomingMessage, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])),
  )
}
