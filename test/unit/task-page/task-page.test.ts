import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type RequestOptions, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { Door } from '../../../harness/live/door.ts'
import { Surroundings } from '../../../harness/task-page/around.ts'
import { openTaskPage } from '../../../harness/task-page/task-page.ts'

/** A service that says what it was asked, in place of a real one. */
let service: Server
let heard: {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  body: string
}[]
let surroundings: Surroundings
let page: Door

beforeEach(async () => {
  heard = []
  service = createServer((asked, answer) => {
    const one = { method: asked.method!, url: asked.url!, headers: asked.headers, body: '' }
    asked.setEncoding('utf8').on('data', (text: string) => (one.body += text))
    asked.on('end', () => {
      heard.push(one)
      answer.writeHead(202, { 'content-type': 'application/json', 'set-cookie': 'a=b', etag: '"1"' }).end('{"ok":true}')
    })
  })
  const sockets = new WebSocketServer({ noServer: true })
  service.on('upgrade', (asked, socket, head) => {
    heard.push({ method: 'upgrade', url: asked.url!, headers: asked.headers, body: '' })
    if (asked.url!.includes('refused')) socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')
    else
      sockets.handleUpgrade(asked, socket, head, (opened) => {
        if (!asked.url!.includes('silent'))
          opened.on('message', (data: Buffer) => opened.send(`heard ${data.toString()}`))
      })
  })
  await once(service.listen(0, '127.0.0.1'), 'listening')
  surroundings = new Surroundings()
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  const subject = {
    pattern: 'it <b>',
    parts: ['one'],
    work: [],
    timeScale: 1,
    hasSockets: true,
    callbackUrl: undefined,
  }
  page = await openTaskPage({ url, token: 'the-secret', silenceMs: 300 }, subject, surroundings)
})
afterEach(async () => {
  await page[Symbol.asyncDispose]()
  service.closeAllConnections()
  await new Promise((closed) => service.close(closed))
})

async function ask(path: string, { body, ...options }: RequestOptions & { readonly body?: string } = {}) {
  const sent = request(new URL(page.url), { agent: false, path: new URL(page.url).pathname + path, ...options })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk)
  return { status: answer.statusCode!, headers: answer.headers, text }
}

const origin = (): Record<string, string> => ({ origin: new URL(page.url).origin })
const json = {
  'content-type': 'application/json',
  'idempotency-key': 'k',
  cookie: 'c=d',
  authorization: 'Bearer other',
}

test('the page is escaped, may run nothing but its own files, and has no token of the service', async () => {
  const { status, headers, text } = await ask('')
  expect([status, text]).toEqual([200, expect.stringContaining('it &lt;b&gt;')])
  const policy = String(headers['content-security-policy'])
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("require-trusted-types-for 'script'")
  expect(policy).not.toContain('unsafe')
  expect(text).not.toMatch(/<script>|style=|onclick|the-secret/)
})

test('each of its scripts imports nothing that is not served, and no types are in them', async () => {
  const [, first] = /src="([^"]+)"/.exec((await ask('')).text)!
  const seen = new Set<string>()
  const follow = async (path: string): Promise<void> => {
    if (seen.has(path)) return
    seen.add(path)
    const { status, headers, text } = await ask(path)
    expect([path, status, headers['content-type']]).toEqual([path, 200, 'text/javascript; charset=utf-8'])
    expect(text).not.toMatch(/import type|: readonly |from '[^.]/)
    for (const [, next] of text.matchAll(/from '([^']+)'/g))
      await follow(new URL(next!, `http://page/${path}`).pathname.slice(1))
  }
  await follow(first!)
  expect(seen.size).toBeGreaterThan(15)
  expect((await ask('modules/harness/task-page/task-page.ts')).status).toBe(404)
})

test('what it asks of the service goes there with the service’s token, and nothing else of the browser', async () => {
  const answer = await ask('api/v1/tasks', { method: 'POST', headers: { ...origin(), ...json }, body: '{"a":1}' })
  expect([answer.status, answer.text, answer.headers.etag]).toEqual([202, '{"ok":true}', '"1"'])
  expect(answer.headers['set-cookie']).toBeUndefined()
  expect(heard[0]).toMatchObject({ method: 'POST', url: '/v1/tasks', body: '{"a":1}' })
  expect(heard[0]!.headers).toMatchObject({ authorization: 'Bearer the-secret', 'idempotency-key': 'k' })
  expect(heard[0]!.headers.cookie).toBeUndefined()
  await ask('api/v1/tasks/t-1/events?after=3')
  await ask('api/v1/tasks/t-1?wait=20&after=3')
  expect(heard.slice(1).map(({ url }) => url)).toEqual([
    '/v1/tasks/t-1/events?after=3',
    '/v1/tasks/t-1?wait=20&after=3',
  ])
})

test.each([
  ['GET', 'api/v1/tasks/../../healthz'],
  ['GET', 'api/openapi.json'],
  ['GET', 'api/v1/tasks/%2e%2e'],
  ['DELETE', 'api/v1/tasks/t'],
  ['PUT', 'api/v1/tasks'],
  ['POST', 'api/v1/tasks/t/anything'],
  ['GET', 'modules/../package.json'],
])('%s %s is nothing that the page asks', async (method, path) => {
  expect((await ask(path, { method, headers: origin() })).status).toBe(404)
  expect(heard).toEqual([])
})

test('what changes something must come from the page itself, and be of a size', async () => {
  const post = (headers: Record<string, string>, body = '{}') => ask('api/v1/tasks', { method: 'POST', headers, body })
  expect((await post({})).status).toBe(403)
  expect((await post({ origin: 'http://localhost:1' })).status).toBe(403)
  expect((await post({ origin: 'null' })).status).toBe(403)
  expect((await post({ ...origin(), host: 'evil.example' })).status).toBe(421)
  expect((await post(origin(), 'x'.repeat(70_000))).status).toBe(413)
  expect((await ask('', { method: 'POST', headers: origin() })).status).toBe(405)
  expect(heard).toEqual([])
})

function openSocket(path: string, headers: Record<string, string> = origin()): WebSocket {
  return new WebSocket(new URL(path, page.url.replace('http:', 'ws:')), { headers })
}

test('a socket is joined with one of the service', async () => {
  const socket = openSocket('api/v1/tasks/t/ws')
  await once(socket, 'open')
  socket.send('hello')
  const [said] = (await once(socket, 'message')) as [Buffer]
  expect(String(said)).toBe('heard hello')
  expect(heard[0]).toMatchObject({ url: '/v1/tasks/t/ws', headers: { authorization: 'Bearer the-secret' } })
  // The page ends, and so does what was opened through it.
  const closed = once(socket, 'close')
  await page[Symbol.asyncDispose]()
  await closed
})

test('a socket that the service refuses, of another page, or to another place, is refused', async () => {
  const whyNot = async (path: string, headers?: Record<string, string>): Promise<string> => {
    const [error] = (await once(openSocket(path, headers), 'error')) as [Error]
    return error.message
  }
  expect(await whyNot('api/v1/tasks/refused/ws')).toContain('404')
  expect(await whyNot('api/v1/tasks/t/events')).toContain('404')
  expect(await whyNot('api/v1/tasks/t/ws', { origin: 'http://evil.example' })).toContain('403')
  expect(await whyNot('api/v1/tasks/t/ws', {})).toContain('403')
  expect(heard.map(({ url }) => url)).toEqual(['/v1/tasks/refused/ws'])
})

test('a service that says nothing for too long is gone', async () => {
  const socket = openSocket('api/v1/tasks/silent/ws')
  await once(socket, 'open')
  const [code] = (await once(socket, 'close')) as [number]
  expect(code).toBe(1006)
})

test('a service that is away is said to be so', async () => {
  service.closeAllConnections()
  await new Promise((closed) => service.close(closed))
  expect((await ask('api/v1/tasks/t')).status).toBe(502)
  await expect(once(openSocket('api/v1/tasks/t/ws'), 'open')).rejects.toThrow('502')
  await once(service.listen(0, '127.0.0.1'), 'listening')
})

test('it says which nodes there are, and which of them did a task’s last step', async () => {
  surroundings.heedNode({ node: 'worker-1', state: 'ready', pid: 7 })
  surroundings.heedNode({ node: 'api-0', state: 'ready', pid: 8 })
  surroundings.heedNode({ node: 'worker-1', state: 'crashed', signal: 'SIGKILL' })
  surroundings.heedEffect({ taskId: 't', executor: 'worker-1', step: 1 })
  surroundings.heedEffect({ taskId: 't', executor: 'worker-0', step: 2 })
  const nodes = [
    { node: 'api-0', state: 'ready', pid: 8 },
    { node: 'worker-1', state: 'crashed' },
  ]
  expect(JSON.parse((await ask('around?task=t')).text)).toEqual({ nodes, last: { executor: 'worker-0', step: 2 } })
  expect(JSON.parse((await ask('around?task=u')).text)).toEqual({ nodes })
  for (let i = 0; i < 1_000; i++) surroundings.heedEffect({ taskId: `u${i}`, executor: 'worker-0', step: 1 })
  expect(surroundings.around('t').last).toBeUndefined()
})
