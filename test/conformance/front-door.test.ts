import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultLimits } from '../../patterns/contract/server/limits.ts'
import { startApiNode, token, type ApiNode } from './support/api-node.ts'
import { readEnd, send, submit } from './support/http.ts'
import { firstAnswer, head, rawConnection } from './support/raw.ts'
import { openStream } from './support/sse.ts'
import { openSocket } from './support/websocket.ts'

const folder = new URL('../../patterns/deliveries/', import.meta.url)
const deliveries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())

const limits = {
  ...defaultLimits,
  headersTimeoutMs: 400,
  bodyTimeoutMs: 800,
  silenceTimeoutMs: 600,
  idleTimeoutMs: 500,
}
const bearer = { authorization: `Bearer ${token}` }
const handshake = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
}
const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQCAAAAAAIAAAAA' }

describe.each(deliveries.map(({ name }) => name))('the front door of %s', (delivery) => {
  let node: ApiNode
  let task: string
  beforeAll(async () => {
    node = await startApiNode(delivery, 'memory', { limits })
    task = `/v1/tasks/${(await submit(node.url, 'front-door')).json.task_id}`
    await readEnd(node.url, task.split('/').at(-1)!)
  })
  afterAll(() => node[Symbol.asyncDispose]())

  async function expectAlone(): Promise<void> {
    while ((await node.connections()) > 0) await sleep(10)
  }

  /** Answered, and the connection over, without a move of the client. */
  async function expectAnswered(bytes: string, status: number): Promise<Record<string, unknown>> {
    const { text, over, socket } = await rawConnection(node.url, bytes)
    await over
    socket.destroy()
    const answer = firstAnswer(text())
    expect([bytes.split('\r\n')[0], answer.status]).toEqual([bytes.split('\r\n')[0], status])
    return answer.json
  }

  test('an upgrade to what is no WebSocket is answered as the request that it is, and the connection closed', async () => {
    for (const upgrade of [h2c, { ...h2c, upgrade: 'foo/1, bar' }, { ...h2c, upgrade: '' }]) {
      await expectAnswered(head('GET /healthz', upgrade), 200)
      await expectAnswered(head('GET /v1/tasks/none', upgrade), 401)
      await expectAnswered(head('GET /nowhere', upgrade), 404)
      await expectAnswered(head(`GET ${task}/ws`, { ...upgrade, ...bearer }), delivery === 'websocket' ? 426 : 406)
      await expectAnswered(head('POST /v1/tasks', { ...upgrade, 'content-length': '5' }) + 'hello', 401)
    }
    await expectAlone()
  })

  test('a WebSocket that is not to be is refused as every request is, whatever its client does then', async () => {
    const [right, wrong] = delivery === 'websocket' ? [400, 426] : [406, 406]
    const refused = async (line: string, own: Record<string, string>, status: number): Promise<void> => {
      await expectAnswered(head(line, { ...handshake, ...own }), status)
    }
    await refused(`GET ${task}/ws`, {}, 401)
    await refused(`GET ${task}/ws`, { authorization: 'Bearer wrong-token-0123456789' }, 401)
    await refused('GET /v1/tasks/none/ws', bearer, delivery === 'websocket' ? 404 : 406)
    const ahead = head('GET /v1/tasks/none/ws', { ...handshake, ...bearer }) + 'x'.repeat(100_000)
    if (delivery === 'websocket') await expectAnswered(ahead, 404)
    await refused('GET /healthz', bearer, 200)
    await refused(task.replace('/v1', 'GET /v1'), bearer, 200)
    await refused(`POST ${task}/ws`, bearer, 405)
    await refused(`GET ${task}/ws`, { ...bearer, 'sec-websocket-protocol': 'mqtt' }, right)
    await refused(`GET ${task}/ws`, { ...bearer, 'sec-websocket-key': 'short' }, right)
    await refused(`GET ${task}/ws`, { ...bearer, 'sec-websocket-version': '7' }, wrong)
    await expectAlone()
  })

  test('hundreds of handshakes without a token leave nothing behind', async () => {
    const attempts = Array.from({ length: 100 }, () => rawConnection(node.url, head(`GET ${task}/ws`, handshake)))
    for (const attempt of attempts) await (await attempt).over
    await expectAlone()
  })

  test('whoever has no token is answered before the body, and sends no more', async () => {
    const long = { 'content-length': '1000000', 'content-type': 'application/json' }
    await expectAnswered(head('POST /v1/tasks', long) + 'x'.repeat(1000), 401)
    await expectAnswered(head('POST /nowhere', long) + 'x'.repeat(1000), 404)
    // Not even the leave to send it.
    await expectAnswered(head('POST /v1/tasks', { ...long, expect: '100-continue' }), 401)
    const { text, socket } = await rawConnection(
      node.url,
      head('POST /v1/tasks', { ...long, ...bearer, expect: '100-continue' }),
    )
    while (!text().startsWith('HTTP/1.1 100 Continue')) await sleep(5)
    socket.destroy()
    await expectAlone()
  })

  test('who is silent, slow or idle, or takes none of the answers, is cut', async () => {
    const submission = { ...bearer, 'content-type': 'application/json', 'idempotency-key': 'slow' }
    const slow = [
      '',
      'GET /healthz HTTP/1.1\r\nhost: no',
      head('POST /v1/tasks', { ...submission, 'content-length': '100' }) + '{"type"',
      head('POST /v1/tasks', { ...submission, 'transfer-encoding': 'chunked' }) + '5\r\n{"typ',
      head('GET /healthz'),
    ]
    const open = await Promise.all(slow.map((bytes) => rawConnection(node.url, bytes)))
    const dripping = setInterval(() => open[2]!.socket.write(' '), 50)
    const deaf = await rawConnection(node.url, head('GET /openapi.json').repeat(2000))
    deaf.socket.pause()
    await expectAlone()
    clearInterval(dripping)
    deaf.socket.resume()
    for (const { socket, over } of [...open, deaf]) {
      await over
      socket.destroy()
    }
  })

  test('text that no store can hold is refused alike in every place', async () => {
    const expectRefused = async (place: string, options = {}): Promise<void> => {
      const { status, json } = await send(`${node.url}${place}`, options)
      expect([place, status, json]).toMatchObject([place, 400, { type: '/problems/validation', retryable: false }])
    }
    for (const text of ['%00', 'a%00b', '%ed%a0%80', '%ff', '%c0%80', '%']) {
      for (const place of ['', '/events', '/ws', '/deliveries']) await expectRefused(`/v1/tasks/${text}${place}`)
      await expectRefused(`/v1/tasks/${text}:cancel`, { method: 'POST' })
      await expectRefused(`/v1/tasks/x/deliveries/${text}:replay`, { method: 'POST' })
      await expectRefused(`/v1/deliveries?after=${text}`)
      await expectRefused(`/v1/deliveries?status=${text}`)
      await expectRefused(`${task}?after=${text}`)
      await expectRefused(`${task}?wait=${text}`)
    }
    const input = { seed: 1, profile: 'smoke', job: 'a' }
    const bodies = ['\\u0000', '\\ud800', '\\udc00x', '\0'].map((text) =>
      JSON.stringify({ type: 'agent', input }).replace('"a"', `"a${text}"`),
    )
    for (const body of bodies)
      await expectRefused('/v1/tasks', { method: 'POST', headers: { 'idempotency-key': 'text' }, body })
    for (const key of ['a\u00e9', 'a b', '"', 'x'.repeat(129), '"a"b"'])
      await expectRefused('/v1/tasks', {
        method: 'POST',
        headers: { 'idempotency-key': key },
        body: { type: 'agent', input },
      })
    const bytes = Buffer.from(JSON.stringify({ type: 'agent', input }).replace('"a"', '"\u00ff"'), 'latin1')
    const framed = { ...bearer, 'idempotency-key': 'latin', 'content-type': 'application/json', connection: 'close' }
    const { socket, text, over } = await rawConnection(
      node.url,
      head('POST /v1/tasks', { ...framed, 'content-length': String(bytes.length) }),
    )
    socket.write(bytes)
    await over
    expect(firstAnswer(text())).toMatchObject({ status: 400, json: { retryable: false } })
  })

  test('what cannot be an id of a task is nobody, and no engine is asked', async () => {
    for (const id of ['a%20b', '%F0%9F%98%80', "'", 'x'.repeat(2000), '..%2fhealthz', '%25'])
      expect([id, (await send(`${node.url}/v1/tasks/${id}`)).status]).toEqual([id, 404])
  })
})

test('a node that has as many connections as it may gives up those that idle', async () => {
  await using node = await startApiNode('polling', 'memory', {
    limits: { ...limits, mostConnections: 8, idleTimeoutMs: 60_000 },
  })
  const idle = await Promise.all(Array.from({ length: 8 }, () => rawConnection(node.url, head('GET /healthz'))))
  for (const { text } of idle) while (!text()) await sleep(5)
  const { over } = await rawConnection(node.url, head('GET /healthz'))
  await over
  await Promise.all(idle.map((one) => one.over))
  for (const { socket } of idle) socket.destroy()
  const again = await rawConnection(node.url, head('GET /healthz', { connection: 'close' }))
  await again.over
  expect(firstAnswer(again.text()).status).toBe(200)
})

describe('a node that holds as much as it may', () => {
  const full = { ...defaultLimits, mostHeld: 1 }
  const body = { type: 'agent', input: { seed: 1, profile: 'research-write', job: 'held' } }

  test('sends a stream to come later, and has room when one has ended', async () => {
    await using node = await startApiNode('sse', 'memory', { limits: full })
    const { json } = await submit(node.url, 'held', body)
    const stream = await openStream(`${node.url}${json.links.events}`)
    const headers = { accept: 'text/event-stream' }
    const refused = await send(`${node.url}${json.links.events}`, { headers })
    expect([refused.status, refused.json]).toMatchObject([503, { retryable: true, task_id: json.task_id }])
    await send(`${node.url}${json.links.cancel}`, { method: 'POST' })
    await stream.ended
    expect((await send(`${node.url}${json.links.events}`, { headers })).status).toBe(200)
  })

  test('refuses a socket, and has room when one has ended', async () => {
    await using node = await startApiNode('websocket', 'memory', { limits: full })
    const { json } = await submit(node.url, 'held', body)
    const first = await openSocket(`${node.url}${json.links.self}`)
    const again = head(`GET ${json.links.self}/ws`, { ...handshake, ...bearer })
    const { text, over } = await rawConnection(node.url, again)
    await over
    expect(firstAnswer(text())).toMatchObject({ status: 503, json: { retryable: true, task_id: json.task_id } })
    first.socket.send('{"type":"cancel"}')
    expect(await first.closed).toBe(1000)
    expect(await (await openSocket(`${node.url}${json.links.self}`)).closed).toBe(1000)
  })

  test('answers a long poll at once', async () => {
    await using node = await startApiNode('polling', 'memory', { limits: full })
    const { json } = await submit(node.url, 'held', body)
    const poll = () => send(`${node.url}${json.links.self}?wait=60&after=1000`)
    const held = poll()
    await sleep(50)
    const began = performance.now()
    expect((await poll()).status).toBe(200)
    expect(performance.now() - began).toBeLessThan(400)
    expect((await held).status).toBe(200)
  })
})

test('a handshake may name the whole address (RFC 9112, 3.2.2)', async () => {
  await using node = await startApiNode('websocket')
  const { json } = await submit(node.url, 'whole-address')
  const line = `GET ${node.url}${json.links.self}/ws`
  const { text, socket } = await rawConnection(node.url, head(line, { ...handshake, ...bearer }))
  await expect.poll(text).toMatch(/^HTTP\/1\.1 101 /)
  socket.destroy()
})
