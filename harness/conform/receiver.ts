import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { BodyTooLarge, briefRequests, readBody } from '../core/http.ts'
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
}

const mostBytes = 1_048_576

function refuse(response: ServerResponse, error: unknown): undefined {
  if (error instanceof BodyTooLarge) response.writeHead(413, { connection: 'close' }).end()
  return undefined
}

/**
 * A receiver of callbacks on any port of `host`; what comes to no mailbox is answered 404. A sender that first asks
 * whether callbacks are wanted (CloudEvents 1.0, HTTP web hooks) gets a yes.
 */
export async function openReceiver(host: string): Promise<Receiver> {
  const boxes = new Map<string, Box>()
  const server = createServer(briefRequests, async (request, response) => {
    const body = await readBody(request, mostBytes).catch((error: unknown) => refuse(response, error))
    if (!body) return
    const box = boxes.get(request.url!)
    if (!box) {
      response.writeHead(404).end()
      return
    }
    // A sender may look at the address beforehand.
    if (request.method !== 'POST') {
      response.writeHead(204, { 'webhook-allowed-origin': '*' }).end()
      return
    }
    const post = { headers: request.headers, body, path: request.url!, content: taskIn(body) }
    const { status, headers } = answerTo(post, box)
    box.posts.push(post)
    if (saysTheEnd(post)) box.ends++
    response.writeHead(status, headers).end()
    if (status < 300) box.onPost(post)
  })
  await once(server.listen(0, host), 'listening')
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    callbacksAt: (base) => ({
      mailbox: (name, answers = [{ status: 204 }]) => addBox(boxes, base, { name, answers, onPost: () => {} }),
      inbox: (batch) => openInbox(boxes, base, batch),
    }),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Posts that say how far a task is must not use up the answers to its end. */
function answerTo(post: Post, { ends, answers }: Box): Answer {
  return saysTheEnd(post) ? answers[Math.min(ends, answers.length - 1)]! : { status: 204 }
}

function addBox(
  boxes: Map<string, Box>,
  base: string,
  { name, answers, onPost }: Pick<Box, 'answers' | 'onPost'> & { readonly name: string },
): Box {
  const path = `/callbacks/${name}`
  const box: Box = { url: base + path, posts: [], ends: 0, answers, onPost }
  boxes.set(path, box)
  return box
}

type OpenCallback = (request: Post) => Task

function openInbox(boxes: Map<string, Box>, base: string, batch = 1): Inbox {
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
    urlFor: (job) =>
      addBox(boxes, base, { name: job, answers: [{ status: 204 }], onPost: (post) => take(job, post) }).url,
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
