import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type AllowanceLimits, openAllowance } from '../core/allowance.ts'
import { BodiesTooLarge, bodyReader, BodyTooLarge, briefRequests } from '../core/http.ts'
import type { Inbox } from '../../patterns/contract/client/client.ts'
import type { Task } from '../../patterns/contract/types/task.ts'
import { saysTheEnd, taskIn, type Post } from './callback.ts'

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Where one task's callbacks arrive. */
export interface Mailbox {
  readonly url: string
  readonly posts: readonly Post[]
}

/** Addresses that a service can call. */
export interface Callbacks {
  /**
   * A new address. Posts that say how a task ended get these answers one after another, the last one for ever. By default,
   * and whatever else comes, it is 204.
   */
  mailbox(name: string, answers?: readonly Answer[]): Mailbox
  /**
   * For a client. With `batch`, callbacks are kept back until so many jobs have one, and then handed over in the
   * opposite order, each twice.
   */
  inbox(batch?: number): Inbox
  /** More of the same, for one case: it alone hears of what was dropped of its own. */
  own(): Callbacks
  /** What came to these addresses and is not in their mailboxes, as there was no room: a sentence, if anything did. */
  dropped(): string | undefined
}

export interface Receiver extends AsyncDisposable {
  /** `host:port` that it listens on. */
  readonly address: string
  /** As seen from a service that reaches it at `base`. */
  callbacksAt(base: string): Callbacks
}

interface Box extends Mailbox {
  readonly posts: Post[]
  /** How many of them say the end. */
  ends: number
  readonly answers: readonly Answer[]
  readonly onPost: (post: Post) => void
  readonly drop: (why: string) => void
}

/** What is more is dropped: a service that calls for ever must not fill our memory. */
export interface ReceiverLimits {
  /** By their address, and in all. */
  readonly posts: AllowanceLimits
  readonly bodyBytes: number
  /** Of all bodies that are on their way at the same time. */
  readonly atOnceBytes: number
}

const MiB = 1_048_576
const ownLimits: ReceiverLimits = {
  posts: { each: { count: 1_000, bytes: 8 * MiB }, all: { count: 20_000, bytes: 64 * MiB } },
  bodyBytes: MiB,
  atOnceBytes: 64 * MiB,
}

/**
 * A receiver of callbacks on any port of `host`; what comes to no mailbox is answered 404. A sender that first asks
 * whether callbacks are wanted (CloudEvents 1.0, HTTP web hooks) gets a yes. What exceeds a limit is answered 503 or 413, or
 * cut off, and is in no mailbox.
 */
export async function openReceiver(host: string, limits = ownLimits): Promise<Receiver> {
  const boxes = new Map<string, Box>()
  const read = bodyReader(limits.bodyBytes, limits.atOnceBytes)
  const { take } = openAllowance(limits.posts)
  const server = createServer(briefRequests, async (request, response) => {
    const box = boxes.get(request.url!)
    const body = await read(request).catch((error: unknown) => refuse(response, box, error))
    if (body) receive({ request, body }, response, box)
  })
  function receive({ request, body }: Came, response: ServerResponse, box: Box | undefined): void {
    const path = request.url!
    if (!box) return void response.writeHead(404).end()
    // A sender may look at the address beforehand.
    if (request.method !== 'POST') return void response.writeHead(204, { 'webhook-allowed-origin': '*' }).end()
    const full = take(path, body.length + request.rawHeaders.join('').length)
    if (full !== undefined) return drop(response, box, full)
    const post = { headers: request.headers, body, path, content: taskIn(body) }
    const { status, headers } = answerTo(post, box)
    box.posts.push(post)
    if (saysTheEnd(post)) box.ends++
    response.writeHead(status, headers).end()
    if (status < 300) box.onPost(post)
  }
  await once(server.listen(0, host), 'listening')
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    callbacksAt: (base) => callbacksOver(boxes, base),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

interface Came {
  readonly request: IncomingMessage
  readonly body: Buffer
}

function refuse(response: ServerResponse, box: Box | undefined, error: unknown): undefined {
  if (error instanceof BodyTooLarge) drop(response, box, error.message, error instanceof BodiesTooLarge ? 503 : 413)
}

function drop(response: ServerResponse, box: Box | undefined, why: string, status = 503): void {
  box?.drop(why)
  response.writeHead(status, { connection: 'close' }).end()
}

function callbacksOver(boxes: Map<string, Box>, base: string): Callbacks {
  let lost: { posts: number; readonly path: string; readonly why: string } = { posts: 0, path: '', why: '' }
  const add: AddBox = ({ name, answers = [{ status: 204 }], onPost = () => {} }) => {
    const path = `/callbacks/${name}`
    const drop = (why: string): void => void (lost = { posts: lost.posts + 1, path, why })
    const box: Box = { url: base + path, posts: [], ends: 0, answers, onPost, drop }
    boxes.set(path, box)
    return box
  }
  return {
    mailbox: (name, answers) => add({ name, answers }),
    inbox: (batch) => openInbox(add, batch),
    own: () => callbacksOver(boxes, base),
    dropped: () => {
      const { posts, path, why } = lost
      if (posts === 0) return undefined
      const many = posts === 1 ? '1 callback was dropped,' : `${posts} callbacks were dropped, one of them`
      return `${many} to ${path}: ${why}`
    },
  }
}

type AddBox = (box: {
  readonly name: string
  readonly answers?: readonly Answer[] | undefined
  readonly onPost?: Box['onPost']
}) => Box

/** Posts that say how far a task is must not use up the answers to its end. */
function answerTo(post: Post, { ends, answers }: Box): Answer {
  return saysTheEnd(post) ? answers[Math.min(ends, answers.length - 1)]! : { status: 204 }
}

type OpenCallback = (request: Post) => Task

function openInbox(addBox: AddBox, batch = 1): Inbox {
  const waiting = new Map<string, { open: OpenCallback; resolve: (task: Task) => void }>()
  const kept: { job: string; post: Post }[] = []
  /** Of jobs for which nobody waits: each is handed over once. */
  const early = new Map<string, Post[]>()
  const handOver = (job: string, post: Post): void => {
    const waiter = waiting.get(job)
    if (!waiter) return void early.set(job, [...(early.get(job) ?? []), post])
    try {
      waiter.resolve(waiter.open(post))
      waiting.delete(job)
    } catch {
      // Not to be believed: never a delivery.
    }
  }
  const take = (job: string, post: Post): void => {
    kept.push({ job, post })
    if (new Set(kept.map((one) => one.job)).size < batch) return
    const all = kept.splice(0).toReversed()
    for (const one of [...all, ...all]) handOver(one.job, one.post)
  }
  return {
    urlFor: (job) => addBox({ name: job, onPost: (post) => take(job, post) }).url,
    wait: (job: string, signal: AbortSignal, open: OpenCallback = openPlain) =>
      new Promise((resolve, reject) => {
        waiting.set(job, { open, resolve })
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        const posts = early.get(job) ?? []
        while (posts.length > 0 && waiting.has(job)) handOver(job, posts.shift()!)
      }),
  }
}

/** What is no JSON object is no task. */
function openPlain({ content }: Post): Task {
  if (content === undefined) throw new TypeError('a callback is a JSON object')
  return content as Task
}
