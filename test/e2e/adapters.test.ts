import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root, temporaryFolders } from '../support/outlast.ts'
import { runUndisturbed } from '../support/undisturbed.ts'

const workMs = 400

interface Asked {
  readonly method: string
  readonly path: string
  readonly body: Record<string, unknown>
  readonly headers: IncomingMessage['headers']
}

type Answer = readonly [status: number, body: object, headers?: Record<string, string>]

/** A service of these rules, on any port. */
async function serve(answer: (asked: Asked) => Answer): Promise<AsyncDisposable & { readonly url: string }> {
  const server: Server = createServer((request, response) => void reply(request, response, answer))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function reply(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (asked: Asked) => Answer,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  const { method = '', url: path = '', headers } = request
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  const [status, said, more] = answer({ method, path, body, headers })
  response.writeHead(status, { 'content-type': 'application/json', ...more }).end(JSON.stringify(said))
}

/** Work by the key of who asked for it: done a moment after it was accepted. */
function works<T extends object>() {
  const all = new Map<string, T & { readonly id: string; readonly doneAt: number }>()
  const byKey = new Map<string, string>()
  return {
    accept(key: string, more: T): string {
      const id = byKey.get(key) ?? randomUUID()
      if (!byKey.has(key)) all.set(id, { ...more, id, doneAt: Date.now() + workMs })
      byKey.set(key, id)
      return id
    },
    find: (id: string) => {
      const one = all.get(id)
      return one && { ...one, isDone: Date.now() >= one.doneAt }
    },
  }
}

function operations(): (asked: Asked) => Answer {
  const { accept, find } = works<{ readonly image: unknown }>()
  return ({ method, path, body, headers }) => {
    if (method === 'POST') {
      const id = accept(String(headers['x-request-id']), { image: body['image'] })
      return [202, {}, { 'operation-location': `https://eu.example.com/operations/${id}?api-version=3` }]
    }
    const one = find(/^\/operations\/([\w-]+)\?api-version=3$/.exec(path)?.[1] ?? '')
    if (!one) return [404, { error: { code: 'NotFound' } }]
    return [200, one.isDone ? { status: 'succeeded', result: { image: one.image } } : { status: 'running' }]
  }
}

function responses(): (asked: Asked) => Answer {
  const { accept, find } = works<{ readonly said: unknown }>()
  return ({ method, path, body, headers }) => {
    const id =
      method === 'POST' ? accept(String(headers['idempotency-key']), { said: body['prompt'] }) : path.split('/').at(-1)!
    const one = find(id)
    if (!one || (method === 'POST' && body['background'] !== true)) return [400, { error: { message: 'no' } }]
    return [200, { id, status: one.isDone ? 'completed' : 'in_progress', output: one.isDone ? [one.said] : [] }]
  }
}

function jobs(): (asked: Asked) => Answer {
  const { accept, find } = works<{ readonly topic: unknown }>()
  return ({ method, path, body, headers }) => {
    if (method === 'POST') return [201, { job: accept(String(headers['idempotency-key']), { topic: body['topic'] }) }]
    const one = find(path.replace('/jobs/', ''))
    return one ? [200, { job: one.id, phase: one.isDone ? 'DONE' : 'WORKING', topic: one.topic }] : [404, {}]
  }
}

/** Nobody can ask it for anything: it posts, and posts again until it is answered. */
function orders(): (asked: Asked) => Answer {
  const { accept } = works<object>()
  const told = new Set<string>()
  const post = async (to: string, token: string, order: string): Promise<void> => {
    const body = JSON.stringify({ order, outcome: 'shipped' })
    const signature = createHmac('sha256', token).update(body).digest('hex')
    const headers = { 'content-type': 'application/json', 'x-signature': signature }
    const answer = await fetch(to, { method: 'POST', body, headers }).catch(() => undefined)
    if (!answer?.ok) setTimeout(() => void post(to, token, order), 200)
  }
  return ({ body, headers }) => {
    const order = accept(String(body['reference']), {})
    const token = String(headers.authorization).replace('Bearer ', '')
    if (!told.has(order)) setTimeout(() => void post(String(body['notify']), token, order), workMs)
    told.add(order)
    return [202, { order }]
  }
}

it('asks four services that speak four APIs, each as its adapter or its table says', async (test) => {
  await using folders = await temporaryFolders()
  await using stack = new AsyncDisposableStack()
  const [lro, model, plain, webhook] = await Promise.all([operations(), responses(), jobs(), orders()].map(serve))
  for (const one of [lro, model, plain, webhook]) stack.use(one!)
  const folder = await mkdtemp(join(tmpdir(), 'adapters-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  await cp(join(root, 'examples/adapters'), folder, { recursive: true })
  const file = join(folder, 'four.yaml')
  await writeFile(
    file,
    `name: four-apis
question: Are they understood?
targets:
  operation:
    url: ${lro!.url}
    api: { submit: POST /describe, status: 'GET {id}', id: { header: operation-location }, body: { image: '{key}' }, key: x-request-id, states: { completed: [succeeded] } }
    work: { takes: 1s, right: '$.result.image == "{key}"' }
    promises: [no-lost-task, idempotency, result-integrity]
  response:
    url: ${model!.url}
    adapter: ./background-response.adapter.ts
    work: { takes: 1s, input: { prompt: '{key}' }, right: '$.output[0] == "{key}"' }
    promises: [no-lost-task, idempotency, result-integrity]
  job:
    url: ${plain!.url}
    api: { submit: POST /jobs, status: 'GET /jobs/{id}', id: $.job, state: $.phase, body: { topic: '{key}' }, key: idempotency-key, states: { completed: [DONE] } }
    work: { takes: 1s, right: '$.topic == "{key}"' }
    promises: [no-lost-task, idempotency, result-integrity]
  order:
    url: ${webhook!.url}
    client: webhook
    adapter: ./signed-webhook.adapter.ts
    work: { takes: 1s, input: {}, right: '$.outcome == "shipped"' }
    promises: [no-lost-task, result-integrity]
patterns: [operation, response, job, order]
load: { tasks: 30, arrivals: uniform, rate: 5/s }
grace: 10s
arms:
  none: []
  cut:
    - { fault: refuse, target: client->api, at: 2s, for: 1s }
`,
  )
  const { results, stderr } = await runUndisturbed([file], folders, test)
  expect(stderr).not.toContain('Error:')
  expect(results.reasons.filter((reason) => / failed: /.test(reason))).toEqual([])
  for (const { cell, tasks } of results.cells)
    expect([cell.id, tasks.filter(({ outcome }) => outcome === 'ok').length]).toEqual([cell.id, 30])
})
