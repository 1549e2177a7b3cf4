import { hash } from 'node:crypto'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { isStatus } from '../../patterns/contract/types/task.ts'
import { type Came, openPath, type OwnPath, statusOf } from './callback-path.ts'
import { BodyTooLarge, briefRequests, readBody } from '../core/http.ts'

/** A task as a webhook posted it, in whatever state. */
export interface Callback {
  readonly job: string
  readonly deliveryId: string
  readonly body: CallbackBody
  /** Digest of the body as it came. */
  readonly bytes: string
  /** The fault whose it is; absent: the system's own. */
  readonly by?: string
}

export interface CallbackBody {
  readonly task_id: string
  readonly status: string
  readonly result?: { readonly digest: string } | undefined
  /** It is no more than news of the task: of a status that is no end, its sender has said nothing. */
  readonly isThin?: boolean | undefined
}

/** A request as it came, and who makes a task of it; throws for one that is not to be believed. */
export interface CallbackRequest {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Seconds since 1970, by the receiver's clock. */
  readonly receivedAtS: number
}
export type OpenCallback = (request: CallbackRequest) => CallbackBody

export interface CallbackReceiver extends AsyncDisposable {
  /** `host:port` that it listens on. */
  readonly address: string
  /** Of the callbacks of a job: below its address, or that of a link to it. */
  pathFor(job: string): string
  /** Where a fault may stand between the sender and what waits here. */
  readonly path: OwnPath
  /**
   * The next callback for a job that no earlier call had, also when it came before the call; rejects when the signal aborts.
   * `open` judges the requests for this job from now on; without it the body is the task.
   */
  wait<T extends CallbackBody>(job: string, signal: AbortSignal, open?: OpenCallback): Promise<T>
}

/** A task is below 2 kB; a target of one's own may say more. */
const mostBytes = 1_048_576

/** What tells callbacks of one cell from those that a service still owes another one, which had this port before. */
interface OwnCallbacks {
  /** Ends the paths of this cell's callbacks. */
  readonly end?: string
  /** Hears of each that was for somebody else's job. */
  readonly onForeign?: (path: string) => void
}

/**
 * The one webhook receiver of the load side, on any port of `host`: `POST /callbacks/<job><end>`, answered 204. Servers that
 * first ask whether callbacks are wanted there (CloudEvents 1.0, HTTP web hooks) get a yes. `onCallback` sees every
 * callback in the order of arrival, repeats too. What holds no task is answered 400, and what is not of this cell 404.
 */
export async function openInbox(
  host: string,
  onCallback: (callback: Callback) => void,
  { end = '', onForeign = () => {} }: OwnCallbacks = {},
): Promise<CallbackReceiver> {
  const kept = new Map<string, CallbackBody[]>()
  const waiting = new Map<string, (body: CallbackBody) => void>()
  const openers = new Map<string, OpenCallback>()
  const path = openPath()
  const server = createServer(briefRequests, (request, response) => {
    void receive(request, response, { end, onForeign, openers, path, deliver })
  })
  function deliver(callback: Callback): void {
    onCallback(callback)
    const take = waiting.get(callback.job)
    if (take) take(callback.body)
    else keep(kept, callback)
  }
  await listen(server, host)
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    path,
    pathFor: (job) => `/callbacks/${job}${end}`,
    wait: <T extends CallbackBody>(job: string, signal: AbortSignal, open?: OpenCallback) =>
      new Promise<T>((resolve, reject) => {
        if (open) openers.set(job, open)
        const arrived = kept.get(job)?.shift()
        if (arrived) return resolve(arrived as T)
        if (signal.aborted) return reject(signal.reason as Error)
        const abandon = (): void => {
          waiting.delete(job)
          reject(signal.reason as Error)
        }
        signal.addEventListener('abort', abandon, { once: true })
        waiting.set(job, (body) => {
          waiting.delete(job)
          signal.removeEventListener('abort', abandon)
          resolve(body as T)
        })
      }),
    [Symbol.asyncDispose]: () => close(server),
  }
}

/** What a task may post before anybody waits: far more than the states that it has. */
const mostKept = 100

function keep(kept: Map<string, CallbackBody[]>, { job, body }: Callback): void {
  const bodies = kept.get(job) ?? []
  if (bodies.length < mostKept) bodies.push(body)
  kept.set(job, bodies)
}

/** Who judges requests, who stands in their way, and who takes what is a callback. */
interface Reception extends Required<OwnCallbacks> {
  readonly openers: ReadonlyMap<string, OpenCallback>
  readonly path: OwnPath
  readonly deliver: (callback: Callback) => void
}

async function receive(request: IncomingMessage, response: ServerResponse, reception: Reception): Promise<void> {
  const [, name, mark] = /^\/callbacks\/([\w.-]+)(?:\?by=([\w-]+))?$/.exec(request.url ?? '') ?? []
  const job = name?.endsWith(reception.end) && name.slice(0, name.length - reception.end.length)
  if (name && !job && request.method === 'POST') reception.onForeign(`/callbacks/${name}`)
  if (job && request.method === 'OPTIONS') return respond(response, 204, { 'webhook-allowed-origin': '*' })
  if (request.method !== 'POST' || !job) return respond(response, 404)
  try {
    const came = cameWith(request, await readBody(request, mostBytes), job, reception)
    const by = reception.path.byMark(mark)
    // Torn, malformed or forged: the sender's problem, and never a delivery.
    respond(response, by === undefined ? await reception.path.pass(came) : came.take(by))
  } catch (error) {
    if (error instanceof BodyTooLarge) respond(response, 413, { connection: 'close' })
    else respond(response, 400)
  }
}

function cameWith({ headers }: IncomingMessage, body: Buffer, job: string, { openers, deliver }: Reception): Came {
  const open = (aheadS: number): CallbackBody => {
    const receivedAtS = Math.floor(Date.now() / 1000) + aheadS
    return mustBeTask((openers.get(job) ?? parseBody)({ headers, body, receivedAtS }))
  }
  const id = headers['webhook-id']
  const about = { job, deliveryId: typeof id === 'string' ? id : '', bytes: digestOf(body) }
  const take = (by?: string): number =>
    statusOf(() => deliver({ ...about, body: open(0), ...(by !== undefined && { by }) }))
  return { job, take, open }
}

/** What is none must not be recorded as one: a record that does not fit its schema reads as a damaged file. */
function mustBeTask(body: CallbackBody): CallbackBody {
  const { task_id, status, result } = body
  const digest: unknown = result?.digest ?? ''
  if (typeof task_id === 'string' && isStatus(status) && typeof digest === 'string') return body
  throw new TypeError('there is no task in it')
}

/** Enough to tell two messages of one task apart. */
function digestOf(bytes: Buffer): string {
  return hash('sha256', bytes, 'hex').slice(0, 16)
}

function parseBody({ body }: CallbackRequest): CallbackBody {
  return JSON.parse(body.toString('utf8')) as CallbackBody
}

function respond(response: ServerResponse, status: number, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(status, headers).end()
}

function listen(server: Server, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, resolve)
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
