import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectTo, describeServers, observe, openScene, type Peer } from './links-scene.ts'
import type { LinkServer } from './links-servers.ts'

describeServers('forwarding', ({ name, start }) => {
  let links: LinkServer
  beforeAll(async () => void (links = await start()))
  afterAll(() => links[Symbol.asyncDispose]())

  test('a megabyte passes unchanged in both directions at once', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await expectExchange(client, server, 1_000_000)
  })

  test('fifty connections do not mix', async () => {
    await using scene = await openScene(links)
    const pairs = []
    for (let i = 0; i < 50; i++) pairs.push(await scene.pair())
    await Promise.all(pairs.map(({ client, server }) => expectExchange(client, server, 20_000)))
  })

  test('every chunk is passed on when it comes, in order', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    for (let i = 1; i <= 20; i++) {
      server.socket.write(`event ${i}\n`.padEnd(10))
      await client.received(10 * i)
    }
    const seen = String(client.bytes()).match(/\d+/g)
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => String(i + 1)))
  })

  test('a reader that does not read stops the writer', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    client.socket.pause()
    // More than all the kernel's buffers on the way can hold.
    const size = 60_000_000
    server.socket.write(Buffer.alloc(size, 1))
    await sleep(500)
    expect(server.socket.writableLength).toBeGreaterThan(0)
    client.socket.resume()
    await client.received(size)
  })

  test('the end is passed on', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    client.socket.end('last words')
    expect(await server.over()).toBe('FIN')
    expect(String(server.bytes())).toBe('last words')
  })

  // Toxiproxy closes the whole connection when one side ends its half.
  if (name !== 'real')
    test('a half-closed connection still carries the other half', async () => {
      await using scene = await openScene(links)
      const { client, server } = await scene.pair()
      client.socket.end('question')
      expect(await server.over()).toBe('FIN')
      expect(client.ended()).toBeUndefined()
      server.socket.end('answer')
      expect(await client.over()).toBe('FIN')
      expect(String(client.bytes())).toBe('answer')
    })

  // Toxiproxy turns a reset into an end.
  if (name !== 'real')
    test.each(['client', 'server'] as const)('a reset by the %s is passed on', async (who) => {
      await using scene = await openScene(links)
      const pair = await scene.pair()
      pair[who].socket.resetAndDestroy()
      expect(await pair[who === 'client' ? 'server' : 'client'].over()).toBe('ECONNRESET')
    })

  test('a server that is down ends the connection', async () => {
    await using scene = await openScene(links)
    await scene.api('POST', `/proxies/${scene.proxy}`, { upstream: '127.0.0.1:9' })
    expect(await observe(connectTo(scene.listen)).over()).toMatch(name === 'real' ? /FIN|ECONNRESET/ : /ECONNRESET/)
  })
})

async function expectExchange(client: Peer, server: Peer, size: number): Promise<void> {
  const [up, down] = [randomBytes(size), randomBytes(size)]
  client.socket.write(up)
  server.socket.write(down)
  expect(digest(await server.received(size))).toBe(digest(up))
  expect(digest(await client.received(size))).toBe(digest(down))
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
