import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent } from 'undici'
import { onTestFinished } from 'vitest'
import { type ClientPorts, type Inbox, type Job, JobFailed } from '../../../patterns/contract/client/client.ts'
import type { Observation } from '../../../patterns/contract/types/observations.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'
import type { HarnessError } from '../../../harness/core/errors.ts'
import type { Mapping, Speech, Target } from '../../../harness/model/target.ts'
import { type Callback, openInbox } from '../../../harness/run/inbox.ts'
import { openSpeech } from '../../../harness/targets/speech.ts'

export type Reply = readonly [status: number, body?: unknown, headers?: Readonly<Record<string, string>>]

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** How many requests of this method came before. */
  readonly nth: number
}

/** A service of these rules on a port of its own. */
export async function serve(reply: (asked: Asked) => Reply | 'cut'): Promise<string> {
  const times = new Map<string, number>()
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { method = '', url: path = '', headers } = request
    const nth = times.get(method) ?? 0
    times.set(method, nth + 1)
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.once('end', () => {
      const replied = reply({ method, path, headers, body, nth })
      if (replied === 'cut') request.socket.destroy()
      else give(response, replied)
    })
  }
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function give(response: ServerResponse, [status, said = {}, more]: Reply): void {
  response.writeHead(status, more).end(typeof said === 'string' ? said : JSON.stringify(said))
}

export const mapping: Mapping = {
  submit: { method: 'POST', path: '/jobs' },
  status: { method: 'GET', path: '/jobs/{id}' },
  headers: {},
  key: 'idempotency-key',
  id: { path: '$.id' },
  state: '$.status',
  states: { done: 'completed', true: 'completed', error: 'failed' },
}

export function targetOf(speech: Speech, work: Partial<Target['work']> = {}, client = 'polling'): Target {
  return {
    name: 'mine',
    client,
    speech,
    processes: [],
    work: { type: 'agent', input: { seed: '{seed}', name: '{key}' }, takesMs: 100, steps: 1, ...work },
    promises: [],
    durable: false,
    sticky: false,
  }
}

export async function adapterFile(text: string): Promise<Speech> {
  const folder = await mkdtemp(join(tmpdir(), 'adapter-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'mine.adapter.mjs')
  await writeFile(file, text)
  return { kind: 'adapter', file, sha256: '' }
}

/** One job of the target's own client over real connections. */
export async function ask(target: Target, urls: readonly string[], limitMs = 1500) {
  const broken: HarnessError[] = []
  const speech = await openSpeech(target, { timeScale: 100, onLost: (error) => void broken.push(error) })
  const seen: Observation[] = []
  const callbacks: Callback[] = []
  const inbox = await openInbox('127.0.0.1', (one) => void callbacks.push(one))
  const dispatcher = new Agent()
  onTestFinished(async () => {
    await dispatcher.destroy()
    await inbox[Symbol.asyncDispose]()
  })
  const own: Inbox = {
    urlFor: (one) => `http://${inbox.address}${inbox.pathFor(one)}`,
    wait: (one, signal, open) => inbox.wait<Task>(one, signal, open),
  }
  const ports: ClientPorts = {
    apis: urls.map((url, i) => ({ name: `client->api-${i}`, url })),
    sticky: false,
    dispatcher,
    token: 'secret',
    timeScale: 100,
    dialect: speech.dialect,
    inbox: speech.hear(own),
    now: () => performance.now(),
    random: Math.random,
    observe: (_, one) => void seen.push(one),
  }
  const job: Job = { key: 't-00001', ordinal: 0, input: speech.inputOf('t-00001', 77), giveUpAt: Infinity }
  let isCertain: boolean | undefined
  let via: string | undefined
  const ended = await speech.runJob(job, ports, AbortSignal.timeout(limitMs)).then(
    (delivered) => {
      via = delivered.via
      return delivered.task
    },
    (error: unknown) => {
      if (error instanceof JobFailed) isCertain = error.isCertain
      return String(error)
    },
  )
  const readFinal = (taskId: string) =>
    speech.readTask({ url: urls[0]!, token: '', signal: AbortSignal.timeout(10_000) }, taskId, 't-00001')
  const acceptedAs = seen.flatMap((one) =>
    one.f === 'submit' && one.type === 'ok' ? [(one.value as { taskId: string }).taskId] : [],
  )
  return { ended, via, isCertain, callbacks, seen, broken, acceptedAs, readFinal }
}

export const described = (more: Partial<Mapping> = {}): Speech => ({
  kind: 'mapping',
  mapping: { ...mapping, ...more },
})
