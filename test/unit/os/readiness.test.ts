import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { becomeReady, PortTaken, waitUntilReady } from '../../../harness/os/readiness.ts'
import { takesLogins } from '../../../servers/postgres/cluster.ts'
import { answering } from '../../support/answering.ts'

test('what a node says is missing is made, nothing else, and then it is asked again', async () => {
  using server = await answering(503, 404, 200)
  let made = 0
  await waitUntilReady({ http: server.url, make: async () => void made++ }, AbortSignal.timeout(5_000))
  expect([made, server.asked()]).toEqual([1, 3])
})

test('what cannot be made is why a node does not get ready', async () => {
  using server = await answering(404)
  const make = () => Promise.reject(new Error('no such luck'))
  await expect(waitUntilReady({ http: server.url, make }, AbortSignal.timeout(5_000))).rejects.toThrow('no such luck')
})

test('a node is ready when it says which start of it answers, however late', async () => {
  using server = await answering(503, JSON.stringify({ status: 'ok', node: 'api-0', start: 'mine' }))
  await waitUntilReady({ http: server.url, start: 'mine' }, AbortSignal.timeout(5_000))
  expect(server.asked()).toBe(2)
})

test.each([
  ['the node of another run', '{"node":"api-0","system":"run-9/polling.none.1/0f","start":"theirs"}', /run-9.*api-0/],
  ['an earlier start of it', '{"node":"api-0","start":"before"}', /api-0/],
  ['a node that was told nothing', '{"status":"ok","node":"api-0"}', /api-0/],
  ['any server', '<html>It works!</html>', /does not say who/],
  ['a server with other JSON', 'null', /does not say who/],
  ['an empty page', '', /does not say who/],
])('%s on the port makes no node ready, and is named', async (_, body, who) => {
  using server = await answering(body)
  const waiting = waitUntilReady({ http: server.url, start: 'mine' }, AbortSignal.timeout(5_000))
  await expect(waiting).rejects.toThrow(PortTaken)
  await expect(waiting).rejects.toThrow(who)
})

test('a server that knows no names is ready only where it is ours that listens, or nobody can tell', async () => {
  using server = await answering(200)
  const { hostname: host, port } = new URL(server.url)
  const address = { host, port: Number(port) }
  const signal = AbortSignal.timeout(5_000)
  for (const readiness of [{ http: server.url }, { tcp: address }]) {
    await expect(waitUntilReady(readiness, signal, async () => false)).rejects.toThrow(
      `somebody else listens at ${host}:${port}`,
    )
    expect(await waitUntilReady(readiness, signal, async () => true)).toBe(true)
    expect(await waitUntilReady(readiness, signal)).toBe(true)
  }
})

/** Answers 200 and goes on for ever, with so many bytes now and so many every 20 ms. */
async function endless(first: number, more: number) {
  const server = createHttpServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('x'.repeat(first))
    const timer = setInterval(() => response.write('x'.repeat(more)), 20)
    response.once('close', () => clearInterval(timer))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.dispose]: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

test.each([
  ['at once', 1, 1],
  ['in floods', 1e6, 1e6],
])('an answer without an end, %s, holds nobody up: its status is what counts', async (_, first, more) => {
  using server = await endless(first, more)
  expect(await waitUntilReady({ http: server.url }, AbortSignal.timeout(5_000))).toBe(true)
})

test.each([
  ['drop by drop', 1, 1],
  ['in floods', 1e6, 1e6],
])(
  'who never ends to say who it is, %s, is no node of ours, and waiting for it ends with the signal',
  async (_, first, more) => {
    using server = await endless(first, more)
    const over = new AbortController()
    setTimeout(() => over.abort(new Error('interrupted')), 300)
    const began = performance.now()
    const waiting = waitUntilReady({ http: server.url, start: 'mine' }, over.signal)
    await expect(waiting).rejects.toThrow(/interrupted|answered by somebody else/)
    expect(performance.now() - began).toBeLessThan(1_500)
  },
)

test('a database is ready when it asks for a password, and not while it says that it is starting up', async () => {
  const answers = ['E\0\0\0\x04', '', 'R\0\0\0\x08\0\0\0\x0a']
  const asked: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (data) => {
      asked.push(data.toString('latin1'))
      socket.end(answers[asked.length - 1] ?? '')
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await waitUntilReady({ probe: takesLogins, at: { host: '127.0.0.1', port } }, AbortSignal.timeout(5_000))
  server.close()
  expect(asked).toHaveLength(3)
  expect(asked[0]).toBe('\0\0\0\x28\0\x03\0\0user\0outlast\0database\0postgres\0\0')
})

test('a node that ends before it is ready is named with its log', async () => {
  const ready = { tcp: { host: '127.0.0.1', port: 1 } }
  const node = { name: 'api-0', logFile: 'logs/api-0.log', ready, ended: Promise.resolve() }
  await expect(becomeReady(node, AbortSignal.timeout(1000))).rejects.toThrow(
    'api-0 ended while it was starting (logs/api-0.log)',
  )
})
