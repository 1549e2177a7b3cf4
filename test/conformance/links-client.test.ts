import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HarnessError } from '../../harness/core/errors.ts'
import type { ToxicSpec } from '../../harness/model/link.ts'
import { openLinks, proxyName } from '../../harness/links/toxiproxy.ts'
import { callApi, describeServers } from './links-scene.ts'
import { linkServerKinds, type LinkServer } from './links-servers.ts'

const kind = 'client->api'
let links = 0
const nextName = (): string => `client->test-${process.pid}-${++links}`
const lease = { seed: 1, expiresMs: 60_000 }
const latency: ToxicSpec = {
  name: 'slow-1',
  type: 'latency',
  stream: 'downstream',
  toxicity: 1,
  attributes: { latency: 20, jitter: 0 },
}

describeServers('links', ({ name, start }) => {
  const embedded = name === 'embedded'
  let server: LinkServer
  let upstream: Awaited<ReturnType<typeof startEcho>>
  beforeAll(async () => {
    server = await start()
    upstream = await startEcho()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    upstream.close()
  })

  test('a link carries traffic, and closing removes it from the server', async () => {
    const request = { name: nextName(), kind, ordinal: 3, upstream: upstream.address } as const
    const open = await openLinks(server.url)
    const link = await open.create(request)
    expect(link).toMatchObject({ name: request.name, kind, ordinal: 3, url: expect.stringMatching(/^http:\/\/127/) })
    expect(await echo(link.url, 'hello')).toBe('hello')
    await open.close()
    await open.close()
    expect((await callApi(server.url, 'GET', `/proxies/${proxyName(request.name)}`)).status).toBe(404)
  })

  test('an impairment is read back, listed, counted and healed, twice', async () => {
    await using open = await openLinks(server.url)
    const link = await open.create({ name: nextName(), kind, ordinal: 0, upstream: upstream.address })
    const impairment = await link.impair({ ...latency, toxicity: 0.9999 }, lease)
    expect(await impairment.listed()).toBe(true)
    expect(await impairment.firings()).toBe(embedded ? 0 : undefined)
    await impairment.heal()
    await impairment.heal()
    expect(await impairment.listed()).toBe(false)
  })

  if (embedded)
    test('firings count from the arming on, also when a name is used again', async () => {
      await using open = await openLinks(server.url)
      const link = await open.create({ name: nextName(), kind, ordinal: 0, upstream: upstream.address })
      for (const expected of [2, 1]) {
        const impairment = await link.impair(latency, lease)
        for (let i = 0; i < expected; i++) await echo(link.url, 'x')
        expect(await impairment.firings()).toBe(expected)
        await impairment.heal()
        expect(await impairment.firings()).toBe(expected)
      }
    })

  test('a toxic that the server does not have, or has already, is not armed', async () => {
    await using open = await openLinks(server.url)
    const link = await open.create({ name: nextName(), kind, ordinal: 0, upstream: upstream.address })
    await expect(link.impair({ ...latency, type: 'nonsense' }, lease)).rejects.toThrow(HarnessError)
    const first = await link.impair(latency, lease)
    await expect(link.impair(latency, lease)).rejects.toThrow('already has')
    expect(await first.listed()).toBe(true)
  })

  test('an attribute that the server ignores is a toxic that is not armed', async () => {
    await using open = await openLinks(server.url)
    const name = nextName()
    const link = await open.create({ name, kind, ordinal: 0, upstream: upstream.address })
    await expect(link.impair({ ...latency, attributes: { latencyMs: 20 } }, lease)).rejects.toThrow('the server lists')
    expect((await callApi(server.url, 'GET', `/proxies/${proxyName(name)}/toxics`)).json).toEqual([])
  })

  test('two links of one name are one too many', async () => {
    await using open = await openLinks(server.url)
    const request = { name: nextName(), kind, ordinal: 0, upstream: upstream.address } as const
    await open.create(request)
    await expect(open.create(request)).rejects.toThrow(request.name)
  })

  test('it says whether it has our toxics', async () => {
    await using open = await openLinks(server.url)
    expect(await open.offersCustomToxics()).toBe(embedded)
  })
})

test('no server is a harness error', async () => {
  await expect(openLinks('http://127.0.0.1:9')).rejects.toThrow(HarnessError)
})

test('links of a server that died are closed without complaint', async () => {
  const server = await linkServerKinds()[0]!.start()
  const open = await openLinks(server.url)
  await open.create({ name: 'client->api-0', kind, ordinal: 0, upstream: '127.0.0.1:9' })
  await server[Symbol.asyncDispose]()
  await expect(open.close()).resolves.toBeUndefined()
})

// Shopify/toxiproxy#558: under load a DELETE of a toxic may never be answered.
test('a server that hangs on removing a toxic gets a new proxy, with the toxics that are to stay', async () => {
  const calls: string[] = []
  const stuck = await startStuck(calls)
  const open = await openLinks(stuck.url, 300)
  const link = await open.create({ name: 'client->api-0', kind, ordinal: 0, upstream: '127.0.0.1:9' })
  await link.impair({ ...latency, name: 'stays' }, lease)
  const impairment = await link.impair({ ...latency, name: 'goes' }, lease)
  calls.length = 0
  await impairment.heal()
  expect(calls).toEqual([
    'DELETE /proxies/client-to-api-0/toxics/goes',
    'DELETE /proxies/client-to-api-0',
    'POST /proxies 127.0.0.1:4711',
    'POST /proxies/client-to-api-0/toxics stays',
  ])
  expect(await impairment.listed()).toBe(false)
  calls.length = 0
  await impairment.heal()
  expect(calls).toEqual([])
  await open.close()
  stuck.server.close()
  stuck.server.closeAllConnections()
})

/** As much of a Toxiproxy server as it takes, with the defect. */
async function startStuck(calls: string[]): Promise<{ url: string; server: Server }> {
  const toxics = new Map<string, unknown>()
  const server = createServer(async (request, response) => {
    const body = JSON.parse((await text(request)) || '{}') as Record<string, string>
    const toxic = /toxics\/(.+)$/.exec(request.url!)?.[1]
    const note = request.method === 'POST' ? ` ${request.url!.endsWith('toxics') ? body['name'] : body['listen']}` : ''
    calls.push(`${request.method} ${request.url}${note}`)
    const reply = (status: number, json?: unknown): void => void response.writeHead(status).end(JSON.stringify(json))
    if (request.method === 'DELETE' && toxic) return
    if (request.method === 'DELETE') return (toxics.clear(), reply(204))
    if (toxic) return reply(toxics.has(toxic) ? 200 : 404, toxics.get(toxic))
    if (request.url!.endsWith('/toxics')) return (void toxics.set(body['name']!, body), reply(200, body))
    if (request.url === '/proxies') return reply(201, { ...body, listen: '127.0.0.1:4711', toxics: [] })
    return reply(request.url === '/version' ? 200 : 404, {})
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

async function startEcho(): Promise<{ address: string; close(): void }> {
  const server = createTcpServer((socket) => socket.on('error', () => {}).pipe(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

async function echo(url: string, message: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(message)
  const [data] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return String(data)
}
