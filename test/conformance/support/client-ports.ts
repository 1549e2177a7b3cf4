import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { ClientPorts, Job, OpenCallback } from '../../../patterns/contract/client/client.ts'
import type { Observation } from '../../../patterns/contract/types/observations.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'
import { dispatcher, timeScale, token } from './api-node.ts'
import { closeServer, listenOnLoopback } from './tool-server.ts'

export interface RecordedPorts extends ClientPorts {
  readonly log: Observation[]
}

/** Ports for one client, with a record of what it reports. */
export function portsFor(urls: readonly string[], more: Partial<ClientPorts> = {}): RecordedPorts {
  const log: Observation[] = []
  return {
    apis: urls.map((url, i) => ({ name: `api-${i}`, url })),
    sticky: true,
    dispatcher,
    token,
    timeScale,
    now: () => performance.now(),
    random: Math.random,
    observe: (_, seen) => void log.push(seen),
    log,
    ...more,
  }
}

export function jobFor(key: string, seed: number, limitMs = 60_000): Job {
  return { key, ordinal: 0, input: { seed, profile: 'smoke', job: key }, giveUpAt: performance.now() + limitMs }
}

export interface Post {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Receiver extends AsyncDisposable {
  readonly url: string
  readonly posts: readonly Post[]
  readonly inbox: NonNullable<ClientPorts['inbox']>
}

/** A callback receiver that answers every POST with this status and these headers; to OPTIONS it says that it wants them. */
export async function startReceiver(status = 204, headers: Record<string, string> = {}): Promise<Receiver> {
  const posts: Post[] = []
  const waiting = new Map<string, (task: Task) => void>()
  const openers = new Map<string, OpenCallback>()
  const server = createServer(async (request, response) => {
    if (request.method === 'OPTIONS') return void response.writeHead(204, { 'webhook-allowed-origin': '*' }).end()
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const [job, raw] = [request.url!.slice(1), Buffer.concat(chunks)]
    posts.push({ url: request.url!, headers: request.headers, body: raw.toString() })
    response.writeHead(status, headers).end()
    const open = openers.get(job) ?? (() => JSON.parse(raw.toString()) as Task)
    if (status < 300) waiting.get(job)?.(open({ headers: request.headers, body: raw }))
    return undefined
  })
  const url = await listenOnLoopback(server)
  const wait = (job: string, _: AbortSignal, open?: OpenCallback): Promise<Task> => {
    if (open) openers.set(job, open)
    return new Promise((resolve) => waiting.set(job, resolve))
  }
  return {
    url,
    posts,
    inbox: { urlFor: (job) => `${url}/${job}`, wait },
    [Symbol.asyncDispose]: () => closeServer(server),
  }
}
