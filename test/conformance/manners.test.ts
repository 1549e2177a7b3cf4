import { readdirSync } from 'node:fs'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keepPort } from '../support/ports.ts'
import { dispatcher, startApiNode, startServe, token, type ApiNode } from './support/api-node.ts'
import { readEnd, requestBody, send, submit } from './support/http.ts'
import { firstAnswer, head, rawConnection } from './support/raw.ts'
import { startToolServer } from './support/tool-server.ts'

const folder = new URL('../../patterns/deliveries/', import.meta.url)
const deliveries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
const long = (job: string) => ({ type: 'agent', input: { seed: 1, profile: 'research-write', job } })

/** What a client of HTTP may expect of any server, beyond what the task API adds. */
describe.each(deliveries.map(({ name }) => name))('the manners of %s', (delivery) => {
  let node: ApiNode
  let self: string
  beforeAll(async () => {
    node = await startApiNode(delivery)
    const { task_id } = (await submit(node.url, 'manners')).json
    await readEnd(node.url, task_id)
    self = `/v1/tasks/${task_id}`
  })
  afterAll(() => node[Symbol.asyncDispose]())

  const get = 'GET, HEAD, OPTIONS'
  const resources = (): readonly (readonly [string, string])[] => [
    ['/healthz', get],
    ['/openapi.json', get],
    ['/problems/validation', get],
    ['/v1/tasks', 'POST, OPTIONS'],
    ['/v1/deliveries', get],
    [self, get],
    [`${self}/events`, get],
    [`${self}/ws`, get],
    [`${self}/commands`, 'POST, OPTIONS'],
    [`${self}/context`, get],
    [`${self}/deliveries`, get],
    [`${self}:cancel`, 'POST, OPTIONS'],
    [`${self}/deliveries/evt_1:replay`, 'POST, OPTIONS'],
    [`${self}%3Acancel`, 'POST, OPTIONS'],
    [`${self}/deliveries/evt_1%3areplay`, 'POST, OPTIONS'],
    ['/v1/accounts/owner', get],
    ['/v1/accounts/owner/top-ups', 'POST, OPTIONS'],
  ]

  test('every 405 says what is allowed, and so does OPTIONS, without a token', async () => {
    for (const [place, allow] of resources()) {
      for (const method of ['DELETE', 'PUT', 'PATCH', allow.startsWith('POST') ? 'GET' : 'POST'] as const) {
        const { status, headers, json } = await send(`${node.url}${place}`, { method })
        expect([method, place, status, headers['allow']]).toEqual([method, place, 405, allow])
        expect(json).toMatchObject({ type: '/problems/method-not-allowed', retryable: false })
      }
      const { status, headers, text } = await send(`${node.url}${place}`, { method: 'OPTIONS', token: null })
      expect([place, status, headers['allow'], text]).toEqual([place, 204, allow, ''])
    }
    expect((await send(`${node.url}/nowhere`, { method: 'OPTIONS', token: null })).status).toBe(404)
  })

  test('a health check of HTTP/1.0 names no host, and is answered', async () => {
    const { text, over } = await rawConnection(node.url, 'GET /healthz HTTP/1.0\r\n\r\n')
    await over
    expect(firstAnswer(text())).toMatchObject({ status: 200, json: { status: 'ok' } })
  })

  test('HEAD is GET without the content', async () => {
    for (const [place, allow] of resources().filter(([at]) => !at.endsWith('/ws') && !at.endsWith('deliveries'))) {
      if (!allow.includes('HEAD')) continue
      const [whole, bare] = await Promise.all([send(`${node.url}${place}`), headOf(`${node.url}${place}`)])
      expect([place, bare.status, bare.text]).toEqual([place, whole.status, ''])
      for (const name of ['etag', 'content-type', 'cache-control']) expect(bare.headers[name]).toBe(whole.headers[name])
    }
  })

  test('a stream is for a client that names it as acceptable, in any case, and not with a weight of 0', async () => {
    const mediaTypeFor = async (accept: string) => {
      const { status, headers } = await send(`${node.url}${self}/events`, { headers: { accept } })
      return `${status} ${String(headers['content-type']).split(';')[0]}`
    }
    const [page, stream] = [
      '200 application/json',
      node.settings.delivery.startsWith('sse') ? '200 text/event-stream' : '406 application/problem+json',
    ]
    for (const accept of [
      '*/*',
      'text/event-stream;q=0',
      'text/event-stream-like, a/b; q=0.0',
      'text/event-stream;q=0.1, */*',
    ])
      expect([accept, await mediaTypeFor(accept)]).toEqual([accept, page])
    for (const accept of ['text/event-stream', 'Text/Event-Stream', 'a/b, text/event-stream ; q=0.5'])
      expect([accept, await mediaTypeFor(accept)]).toEqual([accept, stream])
    // 406 is for who takes nothing that there is (RFC 9110, 15.5.7).
    for (const accept of ['text/event-stream, */*;q=0.1', 'application/json;q=0.5, text/event-stream'])
      expect([accept, await mediaTypeFor(accept)]).toEqual([accept, stream.startsWith('200') ? stream : page])
  })

  test('what is asked under a condition is done under it', async () => {
    const asked = async (name: string, value: string, place = self, method: 'GET' | 'POST' = 'GET') => {
      const { status, headers } = await send(`${node.url}${place}`, { method, headers: { [name]: value } })
      return [name, value, status, headers['etag']]
    }
    const { headers } = await send(`${node.url}${self}`)
    const etag = String(headers['etag'])
    for (const known of [etag, `W/${etag}`, '*', `"0", ${etag}`])
      expect(await asked('if-none-match', known)).toEqual(['if-none-match', known, 304, etag])
    expect(await asked('if-none-match', '"0"')).toEqual(['if-none-match', '"0"', 200, etag])
    for (const wanted of [etag, '*', `"0", ${etag}`])
      expect(await asked('if-match', wanted)).toEqual(['if-match', wanted, 200, etag])
    for (const wanted of ['"0"', `W/${etag}`])
      expect(await asked('if-match', wanted)).toEqual(['if-match', wanted, 412, undefined])
    const own = { 'idempotency-key': 'conditional', prefer: 'respond-async' }
    const begun = await send(`${node.url}/v1/tasks`, { method: 'POST', headers: own, body: long('conditional') })
    const { task_id } = begun.json
    const place = `/v1/tasks/${task_id}`
    expect(await asked('if-match', '"999"', `${place}:cancel`, 'POST')).toEqual(['if-match', '"999"', 412, undefined])
    expect((await send(`${node.url}${place}`)).json.status).toMatch(/queued|running/)
    expect((await asked('if-match', '*', `${place}%3Acancel`, 'POST'))[2]).toBe(202)
  })

  test('so is what is asked of an agent and its memory', async () => {
    const own = { 'idempotency-key': 'minded', prefer: 'respond-async' }
    const body = { ...long('minded'), memory: { instruction: 'be brief' } }
    const { task_id } = (await send(`${node.url}/v1/tasks`, { method: 'POST', headers: own, body })).json
    const place = `${node.url}/v1/tasks/${task_id}`
    const command = { method: 'POST', body: { id: 'stop', type: 'interrupt' } } as const
    const other = { headers: { 'if-match': '"999"' } }
    const precondition = [412, '/problems/precondition-failed']
    for (const asked of [send(`${place}/commands`, { ...command, ...other }), send(`${place}/context`, other)]) {
      const { status, json } = await asked
      expect([status, json.type]).toEqual(precondition)
    }
    const { json } = await send(`${place}/events`)
    expect(json.events.map(({ type }) => type)).not.toContain('task.commanded')
    const any = { headers: { 'if-match': '*' } }
    expect((await send(`${place}/commands`, { ...command, ...any })).status).toBe(202)
    expect((await send(`${place}/context`, any)).status).toBe(200)
  })

  test('the scheme of the token is known in any case, and the token in one', async () => {
    for (const scheme of ['bearer', 'BEARER', 'Bearer ', 'bEARER']) {
      const headers = { authorization: `${scheme} ${token}` }
      expect((await send(`${node.url}${self}`, { token: null, headers })).status).toBe(200)
    }
    const challengeTo = async (authorization: string) => {
      const { status, headers } = await send(`${node.url}${self}`, { token: null, headers: { authorization } })
      return [status, headers['www-authenticate']]
    }
    for (const none of [token, `Basic ${token}`, `Bearer${token}`, 'Bearer', 'Bearer '])
      expect([none, ...(await challengeTo(none))]).toEqual([none, 401, 'Bearer'])
    expect(await challengeTo(`Bearer ${token.toUpperCase()}`)).toEqual([401, 'Bearer error="invalid_token"'])
  })

  test('OPTIONS of the server in general is answered, without a token, and the connection goes on', async () => {
    const bytes = head('OPTIONS *') + head('OPTIONS *', { connection: 'close' })
    const { text, over } = await rawConnection(node.url, bytes)
    await over
    const answers = text().split(/(?=HTTP\/1\.1 )/)
    expect(answers).toHaveLength(2)
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 204 [^]*\r\nallow: GET, HEAD, OPTIONS, POST\r\n/i)
  })

  test('what is asked in a way that is none of ours gets an answer, and no 5xx', async () => {
    for (const line of ['GET *', 'TRACE /healthz', 'QUERY /v1/tasks', 'GET http://other.example/healthz']) {
      const { text, over, socket } = await rawConnection(node.url, head(line, { connection: 'close' }))
      await over
      socket.destroy()
      expect([line, firstAnswer(text()).status]).toEqual([line, expect.toSatisfy((status: number) => status < 500)])
    }
  })

  test('a body is JSON by its media type, and coded in no way', async () => {
    const post = async (own: Record<string, string>) => {
      const headers = { 'idempotency-key': 'coded', prefer: 'respond-async', ...own }
      const {
        status,
        json,
        headers: said,
      } = await send(`${node.url}/v1/tasks`, { method: 'POST', headers, body: long('coded') })
      return [status, (json as { type?: string }).type, said['accept-encoding']]
    }
    const refused = [415, '/problems/unsupported-media-type', undefined]
    for (const type of ['text/json', 'application/json-seq', 'application/jsonp', 'json'])
      expect([type, ...(await post({ 'content-type': type }))]).toEqual([type, ...refused])
    for (const coding of ['gzip', 'br, identity'])
      expect([coding, ...(await post({ 'content-encoding': coding }))]).toEqual([
        coding,
        ...refused.slice(0, 2),
        'identity',
      ])
    for (const own of [
      { 'content-type': 'Application/JSON ; charset="utf-8"' },
      { 'content-type': 'application/vnd.of-somebody+json;v=1' },
      { 'content-encoding': 'Identity' },
    ])
      expect([own, (await post(own))[0]]).toEqual([own, 202])
  })

  test('a submission is answered as its client prefers', async () => {
    const prefer = async (key: string, value: string, body: object = requestBody(3)) => {
      const headers = { 'idempotency-key': key, prefer: value }
      const reply = await send(`${node.url}/v1/tasks`, { method: 'POST', headers, body })
      return [reply.status, reply.json.status, reply.headers['preference-applied'], reply.headers['location']]
    }
    const place = expect.stringMatching(/^\/v1\/tasks\//)
    const alive = expect.stringMatching(/queued|running/)
    expect(await prefer('wait', 'wait=20')).toEqual([200, 'completed', 'wait=20', place])
    expect(await prefer('wait', 'wait=20')).toEqual([200, 'completed', 'wait=20', place])
    expect(await prefer('both', 'respond-async, wait=20')).toEqual([200, 'completed', 'wait=20', place])
    expect(await prefer('upper', 'Respond-Async,WAIT = "20"; x=y')).toEqual([200, 'completed', 'wait=20', place])
    expect(await prefer('async', 'respond-async', long('a'))).toEqual([202, alive, 'respond-async', place])
    expect(await prefer('none', 'wait=0', long('b'))).toEqual([202, alive, 'wait=0', place])
    expect(await prefer('first', 'foo="a, wait=9", wait=1, wait=30', long('c'))).toEqual([202, alive, 'wait=1', place])
    expect(await prefer('late', 'wait=1, respond-async', long('d'))).toEqual([
      202,
      alive,
      'respond-async, wait=1',
      place,
    ])
    const unknown = await prefer('unknown', 'wait=soon, return=minimal, handling=strict')
    expect(unknown).toEqual(delivery === 'sync' ? [200, 'completed', undefined, place] : [202, alive, undefined, place])
  })
})

function headOf(url: string) {
  return send(url, { method: 'HEAD' as 'GET' })
}

describe('pages of other origins', () => {
  const page = 'https://app.example'
  const preflight = {
    origin: page,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'prefer,traceparent,tracestate',
  }

  test('may use the API where the settings name them', async () => {
    await using node = await startApiNode('sse', 'memory', { corsOrigins: [page, 'http://localhost:5173'] })
    const asked = await send(`${node.url}/v1/tasks`, { method: 'OPTIONS', token: null, headers: preflight })
    expect(asked.status).toBe(204)
    expect(asked.headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-methods': 'GET,HEAD,POST',
      'access-control-allow-headers': expect.stringContaining('Idempotency-Key'),
      vary: expect.stringContaining('Origin'),
    })
    const allowed = String(asked.headers['access-control-allow-headers']).toLowerCase().split(',')
    expect(allowed).toEqual(expect.arrayContaining(preflight['access-control-request-headers'].split(',')))
    const { json, headers } = await send(`${node.url}/v1/tasks`, {
      method: 'POST',
      headers: { 'idempotency-key': 'page', origin: page },
      body: requestBody(),
    })
    expect(headers['access-control-allow-origin']).toBe(page)
    expect(headers['access-control-expose-headers']).toContain('Location')
    const stream = { accept: 'text/event-stream', origin: page }
    const answer = await request(`${node.url}${json.links.events}`, {
      dispatcher,
      headers: { ...stream, authorization: `Bearer ${token}` },
    })
    expect([answer.statusCode, answer.headers['access-control-allow-origin']]).toEqual([200, page])
    await answer.body.dump()
    const refused = await send(`${node.url}/v1/tasks/none`, { token: null, headers: { origin: page } })
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, page])
    const stranger = await send(`${node.url}${json.links.self}`, { headers: { origin: 'https://evil.example' } })
    expect(stranger.headers['access-control-allow-origin']).toBeUndefined()
  })

  test('may not by default', async () => {
    await using node = await startApiNode('polling')
    const { status, headers } = await send(`${node.url}/v1/tasks`, {
      method: 'OPTIONS',
      headers: preflight,
      token: null,
    })
    expect([status, headers['access-control-allow-origin'], headers['allow']]).toEqual([
      204,
      undefined,
      'POST, OPTIONS',
    ])
  })
})

test('what is kept for a time is gone after it: 410 at every address of the task, and by its key', async () => {
  await using node = await startApiNode('sse-polling', 'memory', { retentionS: 30 })
  const { json } = await submit(node.url, 'kept')
  await readEnd(node.url, json.task_id)
  expect((await send(`${node.url}${json.links.self}`)).status).toBe(200)
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  const expectGone = async (place: string, options = {}): Promise<void> => {
    const { status, json: answer } = await send(`${node.url}${place}`, options)
    const problem = {
      type: '/problems/gone',
      task_id: json.task_id,
      retryable: false,
      detail: expect.stringContaining('30 s'),
    }
    expect([place, status, answer]).toMatchObject([place, 410, problem])
  }
  const { self } = json.links
  for (const place of [self, `${self}/events`, `${self}/ws`, `${self}/deliveries`]) await expectGone(place)
  await expectGone(`${self}/events`, { headers: { accept: 'text/event-stream' } })
  await expectGone(`${self}:cancel`, { method: 'POST' })
  await expectGone('/v1/tasks', { method: 'POST', headers: { 'idempotency-key': 'kept' }, body: requestBody() })
  expect((await send(`${node.url}/v1/tasks/none`)).status).toBe(404)
})

test('the first line on standard output is the address, on a port of its own choice too', async () => {
  await using tools = await startToolServer()
  const port = await keepPort()
  await using api = await startServe('polling', tools.url, port)
  expect(api.said()).toBe(`api-0: polling+memory at http://127.0.0.1:${port}\n`)
})
