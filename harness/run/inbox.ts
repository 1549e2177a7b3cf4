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
import { type AllowanceLimits, openAllowance, tellByDoubling } from '../core/allowance.ts'
import { BodiesTooLarge, bodyReader, BodyTooLarge, briefRequests } from '../core/http.ts'
import type { Dropped } from '../model/history.ts'
import { type KeptLimits, keepUnasked } from './unasked.ts'

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

/** How much of what arrives the harness takes and keeps: the rest is dropped, and told. */
export interface InboxLimits {
  /** Callbacks that are taken, by their job and in all. */
  readonly said: AllowanceLimits
  /** Those of them that came before anybody waited, by their job, and their bytes in all. */
  readonly kept: KeptLimits
  readonly bodyBytes: number
  /** Of all bodies that are on their way at the same time. */
  readonly atOnceBytes: number
}

const MiB = 1_048_576

/** A task of ours posts a dozen times at most, and below 2 kB; a target of one's own may say more. */
const ownLimits: InboxLimits = {
  said: { each: { count: 1_000, bytes: 16 * MiB }, all: { count: 500_000, bytes: 512 * MiB } },
  kept: { each: { count: 100, bytes: 4 * MiB }, bytes: 64 * MiB },
  bodyBytes: MiB,
  atOnceBytes: 256 * MiB,
}

export interface InboxOptions extends OwnCallbacks {
  /** Hears of the first callback that was dropped, and of those by which their number has doubled. */
  readonly onDropped?: (dropped: Dropped) => void
  readonly limits?: InboxLimits
}

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
 * callback in the order of arrival, repeats too. What holds no task is answered 400, and what is not of this cell 404. What
 * exceeds a limit is answered 503 or 413, or cut off: whoever floods it fills neither memory nor record.
 */
export async function openInbox(
  host: string,
  onCallback: (callback: Callback) => void,
  { end = '', onForeign = () => {}, onDropped = () => {}, limits = ownLimits }: InboxOptions = {},
): Promise<CallbackReceiver> {
  const waiting = new Map<string, (body: CallbackBody) => void>()
  const openers = new Map<string, OpenCallback>()
  const path = openPath()
  const said = openAllowance(limits.said)
  const drop = tellByDoubling(({ task, why }: Omit<Dropped, 'posts'>, posts) => onDropped({ task, why, posts }))
  const kept = keepUnasked<CallbackBody>(limits.kept, (task, why) => drop({ task, why }))
  const read = bodyReader(limits.bodyBytes, limits.atOnceBytes)
  const server = createServer(briefRequests, (request, response) => {
    void receive(request, response, { end, onForeign, openers, path, deliver, read, drop })
  })
  function deliver(callback: Callback, bytes: number): boolean {
    const { job } = callback
    const why = said.take(job, bytes)
    if (why !== undefined) {
      drop({ task: job, why })
      return false
    }
    onCallback(callback)
    const take = waiting.get(job)
    if (take) take(callback.body)
    else kept.keep(job, callback.body, bytes)
    return true
  }
  await listen(server, host)
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    path,
    pathFor: (job) => `/callbacks/${job}${end}`,
    wait: <T extends CallbackBody>(job: string, signal: AbortSignal, open?: OpenCallback) =>
      new Promise<T>((resolve, reject) => {
        if (open) openers.set(job, open)
        const arrived = kept.next(job)
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

/** Who judges requests, who stands in their way, who takes what is a callback, and who hears of what had no room. */
interface Reception extends Required<OwnCallbacks> {
  readonly openers: ReadonlyMap<string, OpenCallback>
  readonly path: OwnPath
  /** False: there was no room for it. */
  readonly deliver: (callback: Callback, bytes: number) => boolean
  readonly read: (request: IncomingMessage) => Promise<Buffer>
  readonly drop: (dropped: Omit<Dropped, 'posts'>) => void
}

/** Every name takes room: no job of ours has one as long as a sender may make it. A service may add a query of its own. */
const address = /^\/callbacks\/([\w.-]{1,200})(?:\?(?:by=([\w-]{1,40})$)?|$)/

async function receive(request: IncomingMessage, response: ServerResponse, reception: Reception): Promise<void> {
  const [, name, mark] = address.exec(request.url ?? '') ?? []
  const job = name?.endsWith(reception.end) && name.slice(0, name.length - reception.end.length)
  if (name && !job && request.method === 'POST') reception.onForeign(`/callbacks/${name}`)
  if (job && request.method === 'OPTIONS') return respond(response, 204, { 'webhook-allowed-origin': '*' })
  if (request.method !== 'POST' || !job) return respond(response, 404)
  try {
    const came = cameWith(request, await reception.read(request), job, reception)
    const by = reception.path.byMark(mark)
    // Torn, malformed or forged: the sender's problem, and never a delivery.
    respond(response, by === undefined ? await reception.path.pass(came) : came.take(by))
  } catch (error) {
    if (!(error instanceof BodyTooLarge)) return respond(response, 400)
    // What it said may have been right: its task is not lost by the system.
    reception.drop({ task: job, why: error.message })
    respond(response, error instanceof BodiesTooLarge ? 503 : 413, { connection: 'close' })
  }
}

function cameWith({ headers }: IncomingMessage, body: Buffer, job: string, { openers, deliver }: Reception): Came {
  const open = (aheadS: number): CallbackBody => {
    const receivedAtS = Math.floor(Date.now() / 1000) + aheadS
    return mustBeTask((openers.get(job) ?? parseBody)({ headers, body, receivedAtS }))
  }
  const id = headers['webhook-id']
  const about = { job, deliveryId: typeof id === 'string' ? id : '', bytes: digestOf(body) }
  const bytes = body.length + about.deliveryId.length
  const take = (by?: string): number => {
    let hasRoom = true
    const status = statusOf(() => {
      hasRoom = deliver({ ...about, body: open(0), ...(by !== undefined && { by }) }, bytes)
    })
    return hasRoom ? status : 503
  }
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
