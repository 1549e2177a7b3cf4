import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { openTaskClient } from '../../../../patterns/client.ts'
import { createFrontDoor } from '../../../../patterns/contract/server/front-door.ts'
import { loadDeliveryServer } from '../../../../patterns/contract/server/plugins.ts'
import { allScopes } from '../../../support/issuer.ts'
import { type GuardedApi, input, openGuardedApi } from './guarded-api.ts'

const grantKey = 'a-secret-of-tests-that-is-long-enough'
let api: GuardedApi
let server: Server | undefined
beforeEach(async () => (api = await openGuardedApi({ grantKey, rate: { perSecond: 50, burst: 50 } })))
afterEach(async () => {
  server?.close().closeAllConnections()
  await api[Symbol.asyncDispose]()
})

async function listen(delivery: string): Promise<string> {
  const half = await loadDeliveryServer(delivery)
  server = createFrontDoor(await api.app(delivery), api.settings, half.openSockets?.())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function shake(at: string, authorization: string | undefined) {
  const headers = authorization === undefined ? {} : { authorization }
  const socket = new WebSocket(`ws://${at}/v1/tasks/${api.victim}/ws`, { headers })
  const open = once(socket, 'open').then(() => 101)
  const refused = once(socket, 'unexpected-response').then(
    ([, answer]) => (answer as { statusCode: number }).statusCode,
  )
  socket.on('error', () => {})
  return { socket, status: await Promise.race([open, refused]) }
}

test('a socket is opened for the task’s principal alone, and with a right token', async () => {
  const at = await listen('websocket')
  const [bob, blind] = [
    `Bearer ${await api.issuer.token('bob', allScopes)}`,
    `Bearer ${await api.issuer.token('ann', 'tasks:cancel')}`,
  ]
  const forged = `${api.ann.slice(0, -8)}AAAAAAAA`
  const statuses = []
  for (const auth of [api.ann, bob, blind, forged, undefined]) {
    const { socket, status } = await shake(at, auth)
    socket.terminate()
    statuses.push(status)
  }
  expect(statuses).toEqual([101, 404, 403, 401, 401])
})

test('a socket brings no grant, and cancels for who may', async () => {
  const at = await listen('websocket')
  const reader = await shake(at, `Bearer ${await api.issuer.token('ann', 'tasks:read')}`)
  const said: string[] = []
  reader.socket.on('message', (data) => said.push((data as Buffer).toString()))
  reader.socket.send('{"type":"hello","last_seq":0}')
  await once(reader.socket, 'message')
  expect(said.join()).toContain('task.created')
  expect(said.join()).not.toContain('grant')
  const before = await api.state()
  const closed = once(reader.socket, 'close')
  reader.socket.send('{"type":"cancel"}')
  expect((await closed)[0]).toBe(1008)
  expect(await api.state()).toBe(before)
  const { socket } = await shake(at, api.ann)
  socket.send('{"type":"hello","last_seq":0}')
  const done = once(socket, 'close')
  socket.send('{"type":"cancel"}')
  expect((await done)[0]).toBe(1000)
  expect((await api.backend.read(api.victim))?.status).toBe('cancelled')
})

/** What a socket says of a command under these scopes. */
async function commandOver(scopes: string, said: object): Promise<{ type: string; problem?: { type: string } }> {
  const at = await listen('websocket')
  const { socket } = await shake(at, `Bearer ${await api.issuer.token('ann', scopes)}`)
  socket.send('{"type":"hello","last_seq":0}')
  socket.send(JSON.stringify({ type: 'command', command: { id: 'c-1', ...said } }))
  for (;;) {
    const [data] = (await once(socket, 'message')) as [Buffer]
    const heard = JSON.parse(String(data)) as { type: string }
    if (!heard.type.startsWith('command.')) continue
    socket.terminate()
    return heard
  }
}

test.each([
  ['tasks:read', { type: 'steer', patch: [{ op: 'remove', path: '/of' }] }],
  ['tasks:read tasks:cancel tasks:topup', { type: 'interrupt' }],
  ['tasks:read tasks:steer', { type: 'top_up', credits: 1 }],
])('a command over a socket under %s is refused, and the socket stays', async (scopes, said) => {
  const before = await api.state()
  const { type, problem } = await commandOver(scopes, said)
  expect([type, problem?.type.endsWith('/forbidden')]).toEqual(['command.refused', true])
  expect(await api.state()).toBe(before)
})

test('a foreign stream is not there, as one of no task is not', async () => {
  const at = await listen('sse')
  const bob = `Bearer ${await api.issuer.token('bob', allScopes)}`
  const answers = await Promise.all(
    [api.victim, 'task_none'].map(async (id) => {
      const headers = { authorization: bob, accept: 'text/event-stream' }
      const answer = await fetch(`http://${at}/v1/tasks/${id}/events`, { headers })
      return [answer.status, (await answer.text()).replaceAll(id, 'ID')]
    }),
  )
  expect(answers[0]).toEqual(answers[1])
  expect(answers[0]![0]).toBe(404)
})

test('a stream brings no grant', async () => {
  const at = await listen('sse')
  const stop = new AbortController()
  const headers = { authorization: api.ann, accept: 'text/event-stream' }
  const answer = await fetch(`http://${at}/v1/tasks/${api.victim}/events`, { headers, signal: stop.signal })
  let text = ''
  for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += part
    if (text.includes('task.started')) break
  }
  stop.abort()
  expect(answer.headers.get('ratelimit')).toMatch(/^"requests";r=\d+;t=\d+$/)
  expect(text).toContain('task.created')
  expect(text).not.toContain('grant')
})

/** What comes back on one connection until it closes, or is enough. */
async function exchange(at: string, sent: string, enough: RegExp): Promise<{ said: string; isClosed: boolean }> {
  const [host, port] = at.split(':')
  const socket = connect(Number(port), host)
  let said = ''
  let isClosed = false
  await new Promise<void>((resolve) => {
    socket
      .on('error', () => {})
      .on('data', (part) => {
        said += String(part)
        if (enough.test(said)) resolve()
      })
    socket.on('close', () => {
      isClosed = true
      resolve()
    })
    socket.write(sent)
  })
  socket.destroy()
  return { said, isClosed }
}

test('leave to send a body is for who is known, and a forged token is cut', async () => {
  const at = await listen('polling')
  const ask = (auth: string) =>
    exchange(
      at,
      `POST /v1/tasks HTTP/1.1\r\nHost: a\r\nAuthorization: ${auth}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
      /100 Continue/,
    )
  expect((await ask(api.ann)).said).toMatch(/^HTTP\/1\.1 100 Continue/)
  const forged = await ask(`${api.ann.slice(0, -8)}AAAAAAAA`)
  expect(forged.said).toMatch(/^HTTP\/1\.1 401/)
  expect(forged.isClosed).toBe(true)
})

test('a known caller that is refused before its body was read may go on on its connection', async () => {
  const at = await listen('polling')
  const auth = `Bearer ${await api.issuer.token('ann', 'tasks:read')}`
  const body = 'x'.repeat(1000)
  const refused = `POST /v1/tasks HTTP/1.1\r\nHost: a\r\nAuthorization: ${auth}\r\nContent-Length: 1000\r\n\r\n${body}`
  const next = `GET /v1/tasks/${api.victim} HTTP/1.1\r\nHost: a\r\nAuthorization: ${auth}\r\n\r\n`
  const { said, isClosed } = await exchange(at, refused + next, /HTTP\/1.1 200/)
  const statuses = [...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
  expect([statuses, isClosed]).toEqual([['403', '200'], false])
})

test('our client waits as long as a limit says, and its task ends well', async () => {
  const tools = createServer((request, response) => void request.resume().on('end', () => response.end('{}')))
  await once(tools.listen(0, '127.0.0.1'), 'listening')
  await api[Symbol.asyncDispose]()
  const toolsUrl = `http://127.0.0.1:${(tools.address() as AddressInfo).port}`
  api = await openGuardedApi({ rate: { perSecond: 2, burst: 1 }, timeScale: 100, toolsUrl })
  const at = await listen('sse-polling')
  const asked: { kind: string; atMs: number; status: number; waitMs: number }[] = []
  server!.prependListener('request', ({ method, url }, response) => {
    const one = { kind: `${method} ${url?.replace(/\?.*/, '')}`, atMs: performance.now(), status: 0, waitMs: 0 }
    asked.push(one)
    response.on('finish', () => {
      one.status = response.statusCode
      one.waitMs = Number(response.getHeader('retry-after-ms') ?? 0)
    })
  })
  const token = await api.issuer.token('carl', allScopes)
  await using client = openTaskClient({ apis: [`http://${at}`], token, timeScale: 100 })
  const job = { key: 'limited', type: 'agent', input: { ...input, profile: 'blink' }, deadlineMs: 8_000 }
  expect((await client.run(job)).status).toBe('completed')
  tools.close().closeAllConnections()
  const limited = asked.filter(({ status }) => status === 429)
  expect(limited.length).toBeGreaterThan(0)
  const early = limited.filter(({ kind, atMs, waitMs }) => {
    const next = asked.find((one) => one.kind === kind && one.atMs > atMs)
    return next !== undefined && next.atMs < atMs + waitMs - 20
  })
  expect(early).toEqual([])
})
