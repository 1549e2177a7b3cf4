import {
  createServer,
  request as ask,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { problemMediaType } from '../../patterns/contract/types/problems.ts'
import { relaySocket } from './unkind-socket.ts'
import { rewriteJson, rewriteStream, rewritesBodies, type Rewriting } from './unkind-words.ts'

/** What a request is for: `stream` asks for events as they come, `page` for those so far. */
export type Kind = 'submit' | 'read' | 'stream' | 'page' | 'socket' | 'cancel' | 'other'

/** A request as it came. */
export interface Asked {
  readonly kind: Kind
  /** The place of this request among those of its kind, from 1. */
  readonly nth: number
  /** Milliseconds since the proxy began. */
  readonly atMs: number
  /** Path and query, without the prefix. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

/** What the proxy answers in the server's place. */
export interface Given {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * One switch for each thing that a mount point, a balancer, a read replica, a busy front end or another provider does on an ordinary day.
 * All of them are legal. Durations are real, whatever the time scale.
 */
export interface Unkindness extends Rewriting {
  /** The API is mounted there; everything else is a page of HTML with 404. */
  readonly prefix?: string
  /** The first submission of a key is forwarded only then; a repetition meanwhile is answered 409. */
  readonly holdFirstMs?: number
  /** So long after a task's acceptance was answered, whatever asks for it is answered 404. */
  readonly unknownForMs?: number
  /** Answers in the server's place. */
  readonly instead?: (asked: Asked) => Given | undefined
  /** One request in so many, of all kinds together, is answered so. */
  readonly every?: { readonly nth: number; readonly give: Given }
  /** `Retry-After` in place of the server's own: seconds, or its own as a date. `Retry-After-Ms` is removed. */
  readonly advice?: number | 'date'
  /** Where `advice` is given; on every answer that has one by default. */
  readonly adviceOn?: readonly Kind[]
  /** A long poll is answered at once. */
  readonly ignoresWait?: boolean
  /** Validators are weak, as behind a proxy that compresses. */
  readonly weakEtags?: boolean
  /** Headers of every answer, by lower-case names, in place of the server's own; `undefined` removes. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** A stream ends after its headers, after one comment, or after the preface. */
  readonly closeAfter?: 'headers' | 'comment' | 'preface'
  /** A socket is accepted and closed so. */
  readonly closeCode?: number
  /** A stream or a socket is cut when it is so old. */
  readonly cutAfterMs?: number
  /** What the server wants to see: who asks the proxy needs no token. */
  readonly token?: string
  /** A connection idles no longer than this, and nothing says so. */
  readonly keepAliveMs?: number
}

/** One request, and what it came to. */
export interface Seen extends Asked {
  /** Absent while it is held, or when the client left. */
  status?: number
}

export interface UnkindProxy extends AsyncDisposable {
  /** With the prefix. */
  readonly url: string
  readonly seen: readonly Seen[]
  count(kind: Kind): number
  /** Milliseconds between the requests of a kind, in order. */
  gapsMs(kind: Kind): readonly number[]
  /** The most requests of a kind within any second. */
  mostPerSecond(kind: Kind): number
}

/** A problem document as others write them (RFC 9457): `more` may hold our extensions. */
export function problemAnswer(status: number, more: object = {}, headers: Record<string, string> = {}): Given {
  const body = JSON.stringify({ type: `/problems/made-up-${status}`, title: `made up ${status}`, status, ...more })
  return { status, headers: { 'content-type': problemMediaType, ...headers }, body }
}

/** What one proxy knows while it runs. */
export interface Scene {
  readonly target: URL
  readonly how: Unkindness
  readonly seen: Seen[]
  readonly beganAtMs: number
  /** When a key was first submitted; when a task's acceptance was answered. */
  readonly submitted: Map<string, number>
  readonly accepted: Map<string, number>
}

/** An HTTP proxy before a real server, as unkind as it is asked to be. It counts what it is asked. */
export async function startUnkindProxy(targetUrl: string, how: Unkindness = {}): Promise<UnkindProxy> {
  const target = new URL(targetUrl)
  const scene: Scene = {
    target,
    how,
    seen: [],
    beganAtMs: performance.now(),
    submitted: new Map(),
    accepted: new Map(),
  }
  const server = createServer((request, response) => {
    serve(request, response, scene).catch(() => response.destroy())
  })
  server.keepAliveTimeout = how.keepAliveMs ?? 60_000
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => void sockets.add(socket.on('close', () => sockets.delete(socket))))
  server.on('upgrade', (request, socket: Socket, head: Buffer) => upgrade(request, socket, head, scene))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${how.prefix ?? ''}`,
    seen: scene.seen,
    count: (kind) => timesOf(scene, kind).length,
    gapsMs: (kind) => gaps(timesOf(scene, kind)),
    mostPerSecond: (kind) => mostWithin(timesOf(scene, kind), 1000),
    [Symbol.asyncDispose]: () => close(server, sockets),
  }
}

async function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  for (const socket of sockets) socket.destroy()
  await closed
}

async function serve(request: IncomingMessage, response: ServerResponse, scene: Scene): Promise<void> {
  const { how } = scene
  const path = pathOf(request, how)
  const asked = note(request, path ?? request.url!, scene)
  response.once('finish', () => (asked.status = response.statusCode))
  const body = await bytesOf(request)
  const given = path === undefined ? nothingHere : answerInstead(asked, scene)
  if (given) return give(response, given)
  const key = asked.kind === 'submit' ? request.headers['idempotency-key'] : undefined
  if (typeof key === 'string' && how.holdFirstMs !== undefined) {
    const first = scene.submitted.get(key)
    if (first === undefined) {
      scene.submitted.set(key, performance.now())
      await sleep(how.holdFirstMs)
    } else if (performance.now() - first < how.holdFirstMs)
      return give(
        response,
        problemAnswer(409, { title: 'A request with this key is being worked on', retryable: true }),
      )
  }
  if (asked.kind === 'stream' && how.closeAfter) return closeEarly(response, how)
  await forward({ request, response, body, asked, scene })
}

/** What another server at the root says. */
const nothingHere: Given = { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Not Found</h1>' }

function answerInstead(asked: Asked, { how, seen, accepted }: Scene): Given | undefined {
  const own = how.instead?.(asked)
  if (own) return own
  if (how.every && seen.length % how.every.nth === 0) return how.every.give
  const acceptedAtMs = accepted.get(taskIn(asked.path) ?? '')
  if (how.unknownForMs === undefined || acceptedAtMs === undefined) return undefined
  if (performance.now() - acceptedAtMs >= how.unknownForMs) return undefined
  const more = { type: '/problems/not-found', title: 'There is no such resource', retryable: false }
  return problemAnswer(404, more)
}

function closeEarly(response: ServerResponse, { closeAfter, retryMs, preface }: Unkindness): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const retry = retryMs === undefined ? '' : `retry: ${retryMs}\n`
  const text = { headers: '', comment: `: open\n${retry}\n`, preface: preface ?? '' }[closeAfter!]
  response.flushHeaders()
  response.end(text)
}

interface Forwarded {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: Buffer
  readonly asked: Asked
  readonly scene: Scene
}

/** To the server, with its own host name; the answer comes back as the switches want it. */
async function forward({ request, response, body, asked, scene }: Forwarded): Promise<void> {
  const { target, how } = scene
  const path = how.ignoresWait ? asked.path.replace(/([?&])wait=[^&]*&?/, '$1') : asked.path
  const headers = { ...request.headers, host: target.host, connection: 'close', ...bearer(how) }
  const outgoing = ask({ host: target.hostname, port: target.port, method: request.method, path, headers })
  response.once('close', () => outgoing.destroy())
  outgoing.end(body)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const status = answer.statusCode!
  const own = answerHeaders(answer.headers, asked, how)
  const isStream = String(answer.headers['content-type']).startsWith('text/event-stream')
  if (isStream) {
    response.writeHead(status, own).flushHeaders()
    cutLater(response, how)
    await rewriteStream(answer, response, how)
    return void response.end()
  }
  const text = await bytesOf(answer)
  if (asked.kind === 'submit' && status < 300) remember(text, scene)
  const sent = rewritesBodies(how) ? rewriteJson(text, how) : text
  response.writeHead(status, { ...own, ...(sent.length > 0 && { 'content-length': String(sent.length) }) })
  response.end(request.method === 'HEAD' ? undefined : sent)
}

/** A later answer to the same key makes a task no younger. */
function remember(text: Buffer, { accepted }: Scene): void {
  const { task_id: taskId } = JSON.parse(text.toString()) as { task_id: string }
  if (!accepted.has(taskId)) accepted.set(taskId, performance.now())
}

function answerHeaders(from: IncomingHttpHeaders, { kind }: Asked, how: Unkindness): Record<string, string | string[]> {
  const headers: Record<string, string | string[] | undefined> = { ...from, ...how.headers }
  for (const name of ['connection', 'keep-alive', 'transfer-encoding']) delete headers[name]
  if (rewritesBodies(how)) delete headers['content-length']
  const advised = from['retry-after']
  if (how.advice !== undefined && advised !== undefined && (how.adviceOn?.includes(kind) ?? true)) {
    delete headers['retry-after-ms']
    headers['retry-after'] = how.advice === 'date' ? inSeconds(Number(advised)) : String(how.advice)
  }
  if (how.weakEtags && from.etag) headers['etag'] = `W/${from.etag}`
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >
}

/** An HTTP-date (RFC 9110, 5.6.7), never earlier than so many seconds from now. */
export function inSeconds(seconds: number): string {
  return new Date(Math.ceil((Date.now() + seconds * 1000) / 1000) * 1000).toUTCString()
}

function upgrade(request: IncomingMessage, socket: Socket, head: Buffer, scene: Scene): void {
  const { target, how } = scene
  socket.on('error', () => socket.destroy())
  const path = pathOf(request, how)
  const asked = note(request, path ?? request.url!, scene)
  const given = path === undefined ? nothingHere : answerInstead(asked, scene)
  asked.status = given?.status ?? 101
  if (given) return void socket.end(rawAnswer(given))
  cutLater(socket, how)
  const upstream = { url: `ws://${target.host}${asked.path}`, authorization: request.headers.authorization }
  const { closeCode, artifactBytes, words, keptFrom } = how
  if ([closeCode, artifactBytes, words, keptFrom].some((one) => one !== undefined))
    return relaySocket({ request, socket, head }, upstream, how)
  const tunnel = connect({ host: target.hostname, port: Number(target.port) })
  tunnel.on('error', () => socket.destroy()).on('close', () => socket.destroy())
  socket.on('close', () => tunnel.destroy())
  tunnel.write(`GET ${asked.path} HTTP/1.1\r\n${rawHeaders(request, how)}\r\n\r\n`)
  tunnel.write(head)
  socket.pipe(tunnel).pipe(socket)
}

function bearer({ token }: Unkindness): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

function cutLater(connection: Socket | ServerResponse, { cutAfterMs }: Unkindness): void {
  if (cutAfterMs === undefined) return
  const timer = setTimeout(() => connection.destroy(), cutAfterMs)
  connection.once('close', () => clearTimeout(timer))
}

function rawHeaders({ rawHeaders: raw }: IncomingMessage, how: Unkindness): string {
  const lines = Object.entries(bearer(how)).map(([name, value]) => `${name}: ${value}`)
  for (let i = 0; i < raw.length; i += 2) lines.push(`${raw[i]}: ${raw[i + 1]}`)
  return lines.join('\r\n')
}

function rawAnswer({ status, headers = {}, body = '' }: Given): string {
  const all = { ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return `HTTP/1.1 ${status} Made Up\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}

function give(response: ServerResponse, { status, headers, body }: Given): void {
  response.writeHead(status, headers).end(body)
}

/** The path that the server knows, or undefined outside of the mount point. */
function pathOf({ url = '/' }: IncomingMessage, { prefix = '' }: Unkindness): string | undefined {
  if (!url.startsWith(`${prefix}/`)) return undefined
  return url.slice(prefix.length)
}

function note(request: IncomingMessage, path: string, { seen, beganAtMs }: Scene): Seen {
  const kind = kindOf(request, path)
  const nth = seen.filter((one) => one.kind === kind).length + 1
  const asked: Seen = { kind, nth, atMs: performance.now() - beganAtMs, path, headers: request.headers }
  seen.push(asked)
  return asked
}

function kindOf({ method, headers }: IncomingMessage, path: string): Kind {
  const { pathname } = new URL(path, 'http://any')
  if (pathname.endsWith('/v1/tasks') && method === 'POST') return 'submit'
  if (pathname.endsWith(':cancel')) return 'cancel'
  if (pathname.endsWith('/ws')) return 'socket'
  if (pathname.endsWith('/events')) return headers.accept?.includes('text/event-stream') ? 'stream' : 'page'
  return /\/v1\/tasks\/[^/]+$/.test(pathname) ? 'read' : 'other'
}

function taskIn(path: string): string | undefined {
  return /\/v1\/tasks\/([\w.~-]+)/.exec(path)?.[1]
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function timesOf({ seen }: Scene, kind: Kind): readonly number[] {
  return seen.flatMap((one) => (one.kind === kind ? [one.atMs] : []))
}

function gaps(times: readonly number[]): readonly number[] {
  return times.slice(1).map((at, i) => at - times[i]!)
}

function mostWithin(times: readonly number[], windowMs: number): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length))
}
