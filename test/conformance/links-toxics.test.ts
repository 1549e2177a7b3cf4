import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { monotonicMs } from '../../patterns/contract/types/timer.ts'
import { describeServers, openScene, type Peer, type Scene } from './links-scene.ts'
import type { LinkServer } from './links-servers.ts'

describeServers("Toxiproxy's toxics", ({ name, start }) => {
  const embedded = name === 'embedded'
  let links: LinkServer
  beforeAll(async () => void (links = await start()))
  afterAll(() => links[Symbol.asyncDispose]())

  test('latency delays its stream, on existing connections too, and not the other stream', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('latency', { latency: 900 })
    expect(await passMs(server, client)).toBeGreaterThan(895)
    expect(await passMs(client, server)).toBeLessThan(800)
    await scene.removeToxic('latency_downstream')
    expect(await passMs(server, client)).toBeLessThan(800)
  })

  test('latency with jitter stays within its bounds and keeps the order', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('latency', { latency: 60, jitter: 50 })
    const sentAt: number[] = []
    for (let i = 0; i < 30; i++) {
      sentAt.push(monotonicMs())
      server.socket.write(Buffer.from([i]))
      await sleep(5)
    }
    const bytes = [...(await client.received(30))]
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b))
    const delays = client.chunks.flatMap(({ at, data }) => [...data].map((i) => at - sentAt[i]!))
    expect(Math.min(...delays)).toBeGreaterThan(9)
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(10)
  })

  test('removing latency loses and reorders nothing that is under way', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('latency', { latency: 20_000 })
    for (let i = 0; i < 50; i++) server.socket.write(String(i).padStart(4))
    await sleep(100)
    expect(client.chunks).toEqual([])
    const removed = scene.removeToxic('latency_downstream')
    server.socket.write(' end')
    await removed
    const text = String(await client.received(204))
    expect(text).toBe(Array.from({ length: 50 }, (_, i) => String(i).padStart(4)).join('') + ' end')
  })

  test('many chunks under latency overlap instead of adding up', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('latency', { latency: 200 })
    const from = monotonicMs()
    for (let i = 0; i < 20; i++) {
      server.socket.write('x')
      await sleep(5)
    }
    await client.received(20)
    expect(monotonicMs() - from).toBeLessThan(2000)
  })

  test('bandwidth limits the rate of its stream', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('bandwidth', { rate: 100 })
    const from = monotonicMs()
    server.socket.write(Buffer.alloc(60_000))
    await client.received(60_000)
    expect(monotonicMs() - from).toBeGreaterThan(450)
    expect(monotonicMs() - from).toBeLessThan(3000)
    expect(client.chunks.length).toBeGreaterThan(3)
  })

  test('an update of bandwidth counts at once and loses nothing', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('bandwidth', { rate: 1 })
    server.socket.write(Buffer.alloc(500_000, 7))
    await sleep(150)
    expect(client.bytes().length).toBeLessThan(100_000)
    await scene.api('POST', `/proxies/${scene.proxy}/toxics/bandwidth_downstream`, { attributes: { rate: 1_000_000 } })
    const all = await client.received(500_000)
    expect(all.every((byte) => byte === 7)).toBe(true)
  })

  test('bandwidth lets a long transfer through its full buffer', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('bandwidth', { rate: 20_000 })
    server.socket.end(Buffer.alloc(3_000_000))
    await client.received(3_000_000)
    expect(await client.over()).toBe('FIN')
  })

  test('slow_close delays the end and not the data', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('slow_close', { delay: 1000 })
    const from = monotonicMs()
    server.socket.end('bye')
    await client.received(3)
    expect(monotonicMs() - from).toBeLessThan(900)
    await client.over()
    expect(monotonicMs() - from).toBeGreaterThan(990)
  })

  test('timeout loses the data and closes after a while', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    const from = monotonicMs()
    await scene.addToxic('timeout', { timeout: 400 })
    server.socket.write('lost')
    expect(await client.over()).toMatch(/FIN|ECONNRESET/)
    expect(monotonicMs() - from).toBeGreaterThan(390)
    expect(client.chunks).toEqual([])
  })

  test('timeout 0 keeps the connection until it is removed, then closes it', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('timeout', { timeout: 0 })
    server.socket.write('lost')
    await sleep(300)
    expect([client.ended(), client.chunks.length]).toEqual([undefined, 0])
    await scene.removeToxic('timeout_downstream')
    expect(await client.over()).toMatch(/FIN|ECONNRESET/)
    expect(client.chunks).toEqual([])
  })

  test('reset_peer resets a new connection', async () => {
    await using scene = await openScene(links)
    await scene.addToxic('reset_peer', { timeout: 100 }, { stream: 'upstream' })
    const client = await scene.dial()
    client.socket.write('hello')
    expect(await client.over()).toBe('ECONNRESET')
  })

  // Toxiproxy waits for a chunk and then closes an existing connection with FIN.
  if (embedded)
    test('reset_peer resets an existing silent connection, at both ends, at once', async () => {
      await using scene = await openScene(links)
      const { client, server } = await scene.pair()
      await scene.addToxic('reset_peer', { timeout: 0 })
      expect([await client.over(), await server.over()]).toEqual(['ECONNRESET', 'ECONNRESET'])
    })

  if (embedded)
    test('reset_peer leaves connections alone that it does not hit', async () => {
      await using scene = await openScene(links)
      const { client, server } = await scene.pair()
      await scene.addToxic('reset_peer', { timeout: 0 }, { toxicity: 0 })
      await Promise.all([passMs(client, server), passMs(server, client)])
      expect([client.ended(), server.ended()]).toEqual([undefined, undefined])
    })

  test('slicer cuts chunks and keeps every byte', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('slicer', { average_size: 100, size_variation: 20, delay: 4000 })
    const sent = Buffer.from(Array.from({ length: 2000 }, (_, i) => i % 251))
    server.socket.write(sent)
    expect((await client.received(2000)).equals(sent)).toBe(true)
    expect(client.chunks.length).toBeGreaterThan(8)
    expect(Math.max(...client.chunks.slice(0, 3).map(({ data }) => data.length))).toBeLessThan(1000)
  })

  test('limit_data closes after its bytes', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('limit_data', { bytes: 150 })
    server.socket.write(Buffer.alloc(100, 1))
    await client.received(100)
    server.socket.write(Buffer.alloc(100, 1))
    expect(await client.over()).toMatch(/FIN|ECONNRESET/)
    expect(client.bytes().length).toBe(150)
  })

  test('limit_data counts on when it is updated', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('limit_data', { bytes: 1000 })
    server.socket.write(Buffer.alloc(100))
    await client.received(100)
    await scene.api('POST', `/proxies/${scene.proxy}/toxics/limit_data_downstream`, { attributes: { bytes: 150 } })
    server.socket.write(Buffer.alloc(100))
    await client.over()
    expect(client.bytes().length).toBe(150)
  })

  test('toxics of one stream work one after the other', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('latency', { latency: 500 }, { name: 'one' })
    await scene.addToxic('latency', { latency: 500 }, { name: 'two' })
    expect(await passMs(server, client)).toBeGreaterThan(990)
    await scene.removeToxic('one')
    const alone = await passMs(server, client)
    expect(alone).toBeGreaterThan(495)
    expect(alone).toBeLessThan(990)
  })

  test('toxicity 0 hits no connection', async () => {
    await using scene = await openScene(links)
    await scene.addToxic('latency', { latency: 10_000 }, { toxicity: 0 })
    const { client, server } = await scene.pair()
    expect(await passMs(server, client)).toBeLessThan(5000)
  })

  if (embedded)
    test('toxicity is one seeded draw per connection: the same seed hits the same', async () => {
      const hits = async (seed: number): Promise<boolean[]> => {
        await using own = await start(seed)
        await using scene = await openScene(own, 'seeded')
        await scene.addToxic('reset_peer', {}, { toxicity: 0.5 })
        const outcomes: boolean[] = []
        for (let i = 0; i < 40; i++) outcomes.push(await isReset(scene))
        return outcomes
      }
      const [first, again, other] = [await hits(7), await hits(7), await hits(8)]
      expect(again).toEqual(first)
      expect(other).not.toEqual(first)
      for (const share of [first, other].map((outcomes) => outcomes.filter(Boolean).length / 40))
        expect(Math.abs(share - 0.5)).toBeLessThan(0.3)
    })
})

/** Time that a byte takes from one end to the other. */
async function passMs(from: Peer, to: Peer): Promise<number> {
  const before = to.bytes().length
  const at = monotonicMs()
  from.socket.write('x')
  await to.received(before + 1)
  return monotonicMs() - at
}

/** A connection that is hit is reset and never reaches the server. */
async function isReset(scene: Scene): Promise<boolean> {
  const before = scene.accepted.length
  const peer = await scene.dial()
  while (peer.ended() === undefined && scene.accepted.length === before) await sleep(1)
  peer.socket.destroy()
  return peer.ended() === 'ECONNRESET'
}
