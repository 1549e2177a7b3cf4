import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { request } from 'undici'
import { problemAnswer, startUnkindProxy } from '../support/unkind-proxy.ts'
import { dispatcher, startApiNode, token, type ApiNode } from './support/api-node.ts'
import { readEnd, requestBody, send, submit } from './support/http.ts'
import { openStream } from './support/sse.ts'
import { openSocket } from './support/websocket.ts'

let node: ApiNode
let sockets: ApiNode
beforeAll(async () => {
  ;[node, sockets] = await Promise.all([startApiNode('sse-polling'), startApiNode('websocket')])
})
afterAll(() => Promise.all([node[Symbol.asyncDispose](), sockets[Symbol.asyncDispose]()]))

/** What the proxy is for: each switch does what its name says, and nothing else. */
describe.concurrent('the unkind proxy', () => {
  test('without a switch is not noticed, and counts', async () => {
    await using proxy = await startUnkindProxy(node.url)
    const { json, headers } = await submit(proxy.url, 'plain', requestBody(1))
    const stream = await openStream(proxy.url + json.links.events)
    await stream.ended
    expect(stream.events).toEqual((await send(proxy.url + json.links.events)).json.events)
    expect(await readEnd(proxy.url, json.task_id)).toEqual(await readEnd(node.url, json.task_id))
    expect(headers['retry-after-ms']).toBeDefined()
    expect(['submit', 'stream', 'page', 'read'].map((kind) => proxy.count(kind as 'submit'))).toEqual([1, 1, 1, 1])
    expect(proxy.seen.map(({ status }) => status)).toEqual([202, 200, 200, 200])
  })

  test('prefix: the API is there and nowhere else', async () => {
    await using proxy = await startUnkindProxy(node.url, { prefix: '/agent-api' })
    expect((await submit(proxy.url, 'mounted', requestBody(2))).status).toBe(202)
    expect((await send(`${new URL(proxy.url).origin}/v1/tasks/x`)).headers['content-type']).toBe('text/html')
  })

  test('holdFirstMs: a repetition is answered 409 until the first is through', async () => {
    await using proxy = await startUnkindProxy(node.url, { holdFirstMs: 300 })
    const first = submit(proxy.url, 'held', requestBody(3))
    while (proxy.count('submit') === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await submit(proxy.url, 'held', requestBody(3))).toMatchObject({ status: 409, json: { retryable: true } })
    const { json } = await first
    expect((await submit(proxy.url, 'held', requestBody(3))).json.task_id).toBe(json.task_id)
  })

  test('unknownForMs: 404 for a while after the acceptance', async () => {
    await using proxy = await startUnkindProxy(node.url, { unknownForMs: 300 })
    const { json } = await submit(proxy.url, 'unknown', requestBody(4))
    expect((await send(proxy.url + json.links.self)).status).toBe(404)
    await new Promise((resolve) => setTimeout(resolve, 350))
    expect((await send(proxy.url + json.links.self)).status).toBe(200)
  })

  test('instead, every: an answer in the place of the server’s', async () => {
    await using proxy = await startUnkindProxy(node.url, {
      instead: ({ kind, nth }) => (kind === 'read' && nth === 1 ? problemAnswer(410, { title: 'over' }) : undefined),
      every: { nth: 3, give: { status: 429, headers: { 'retry-after': '1' } } },
    })
    const { json } = await submit(proxy.url, 'instead', requestBody(5))
    const answers = []
    for (let i = 0; i < 3; i++) answers.push((await send(proxy.url + json.links.self)).status)
    expect(answers).toEqual([410, 429, 200])
  })

  test('advice, ignoresWait, weakEtags, headers', async () => {
    await using proxy = await startUnkindProxy(node.url, {
      advice: 'date',
      adviceOn: ['submit'],
      ignoresWait: true,
      weakEtags: true,
      headers: { 'cache-control': 'private, no-store' },
    })
    const { json, headers } = await submit(proxy.url, 'advised', requestBody(6))
    expect(Date.parse(String(headers['retry-after']))).toBeGreaterThan(Date.now() - 1000)
    expect(headers['retry-after-ms']).toBeUndefined()
    const began = performance.now()
    const read = await send(`${proxy.url + json.links.self}?wait=25&after=1000`)
    expect(performance.now() - began).toBeLessThan(500)
    expect(read.headers).toMatchObject({
      etag: expect.stringMatching(/^W\/"\d+"$/),
      'cache-control': 'private, no-store',
    })
  })

  test('closeAfter, retryMs, preface: streams that begin or end otherwise', async () => {
    const how = { closeAfter: 'comment', retryMs: 3000 } as const
    await using closing = await startUnkindProxy(node.url, how)
    const { json } = await submit(closing.url, 'closing', requestBody(7))
    const closed = await openStream(closing.url + json.links.events)
    await closed.ended
    expect([closed.comments, closed.retryMs, closed.events]).toEqual([['open'], [3000], []])
    await using talking = await startUnkindProxy(node.url, { preface: ': hello\n\n', retryMs: 7 })
    const whole = await openStream(talking.url + json.links.events)
    await whole.ended
    expect([whole.comments[0], whole.retryMs, whole.events.at(-1)!.status]).toEqual(['hello', [7], 'completed'])
  })

  test('words, splitUtf8, pieceBytes, artifactBytes: bodies that are larger, and cut anywhere', async () => {
    const how = { words: ['suche 🔎'], splitUtf8: true, artifactBytes: 5000, pieceBytes: 1000 }
    await using proxy = await startUnkindProxy(node.url, how)
    const { json } = await submit(proxy.url, 'words', requestBody(8))
    const { body } = await request(proxy.url + json.links.events, {
      dispatcher,
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    })
    const chunks: Buffer[] = []
    for await (const chunk of body) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    expect(text).toContain('"name":"suche 🔎"')
    expect(text.length).toBeGreaterThan(5000)
    expect(chunks.some((chunk) => chunk.at(-1) === 0xf0)).toBe(true)
  })

  test('closeCode, artifactBytes: sockets that end otherwise, messages that are larger', async () => {
    await using plain = await startUnkindProxy(sockets.url)
    const { json } = await submit(plain.url, 'socket', requestBody(9))
    const whole = await openSocket(plain.url + json.links.self)
    expect([await whole.closed, whole.events.at(-1)!.status]).toEqual([1000, 'completed'])
    await using closing = await startUnkindProxy(sockets.url, { closeCode: 1013 })
    expect(await (await openSocket(closing.url + json.links.self)).closed).toBe(1013)
    await using large = await startUnkindProxy(sockets.url, { artifactBytes: 5000 })
    const relayed = await openSocket(large.url + json.links.self)
    expect(await relayed.closed).toBe(1000)
    expect(JSON.stringify(relayed.events.at(-1)).length).toBeGreaterThan(5000)
  })
})
