import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callApi, connectTo, observe, openScene, type Peer, type Scene } from './links-scene.ts'
import { linkServerKinds, type LinkServer } from './links-servers.ts'

/** Long enough to see that nothing comes. */
const quietMs = 400

describe('our own toxics on the embedded server', () => {
  let links: LinkServer
  beforeAll(async () => void (links = await linkServerKinds()[0]!.start(3)))
  afterAll(() => links[Symbol.asyncDispose]())

  const stall = async (scene: Scene): Promise<void> => {
    await scene.addToxic('stall', {}, { name: 'up', stream: 'upstream' })
    await scene.addToxic('stall', {}, { name: 'down', stream: 'downstream' })
  }
  const resume = async (scene: Scene): Promise<void> => {
    await scene.removeToxic('up')
    await scene.removeToxic('down')
  }
  const linesOf = (scene: Scene, toxic: string) =>
    links.evidence().filter((line) => line.proxy === scene.proxy && line.toxic === toxic)
  const firingsOf = async (scene: Scene): Promise<Record<string, number> | undefined> =>
    ((await callApi(links.url, 'GET', '/firings')).json as Record<string, Record<string, number>>)[scene.proxy]

  test('stall: an existing connection carries nothing and is not closed, then all arrives', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await stall(scene)
    client.socket.end('question')
    server.socket.write('answer')
    await sleep(quietMs)
    expect([client, server].map((peer) => [peer.ended(), peer.chunks.length])).toEqual([
      [undefined, 0],
      [undefined, 0],
    ])
    await resume(scene)
    expect(await server.over()).toBe('FIN')
    expect(String(server.bytes())).toBe('question')
    expect(String(await client.received(6))).toBe('answer')
  })

  test('stall: the window fills, and the writer is stopped', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await stall(scene)
    const size = 60_000_000
    server.socket.write(Buffer.alloc(size, 1))
    await sleep(quietMs)
    expect(server.socket.writableLength).toBeGreaterThan(0)
    expect(client.chunks).toEqual([])
    await resume(scene)
    await client.received(size)
  })

  test('stall: a new connection is left unanswered and reaches the server when it is removed', async () => {
    await using scene = await openScene(links)
    await stall(scene)
    const client = await scene.dial()
    client.socket.write('knock')
    await sleep(quietMs)
    expect([client.ended(), scene.accepted.length]).toEqual([undefined, 0])
    await resume(scene)
    while (scene.accepted.length === 0) await sleep(5)
    expect(String(await scene.accepted[0]!.received(5))).toBe('knock')
  })

  test('stall: a server that dies meanwhile is heard of only afterwards', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await stall(scene)
    server.socket.resetAndDestroy()
    await sleep(quietMs)
    expect(client.ended()).toBeUndefined()
    await resume(scene)
    expect(await client.over()).toBe('ECONNRESET')
  })

  test('stall: one stream alone leaves the other open', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('stall', {}, { stream: 'downstream' })
    client.socket.write('question')
    await server.received(8)
    server.socket.write('answer')
    await sleep(quietMs)
    expect(client.chunks).toEqual([])
    await scene.removeToxic('stall_downstream')
    await client.received(6)
  })

  test('stall holds what another toxic has under way', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('latency', { latency: 200 })
    server.socket.write('late')
    await sleep(50)
    await stall(scene)
    await sleep(quietMs)
    expect(client.chunks).toEqual([])
    await resume(scene)
    await client.received(4)
  })

  test('refuse: ECONNREFUSED for new connections; existing ones are kept; then all is as before', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('refuse', { existing: 'keep' })
    for (let i = 0; i < 3; i++) expect(await observe(connectTo(scene.listen)).over()).toBe('ECONNREFUSED')
    client.socket.write('still')
    await server.received(5)
    await scene.removeToxic('refuse_downstream')
    await scene.pair()
    await until(() => linesOf(scene, 'refuse_downstream').length > 0)
    expect(linesOf(scene, 'refuse_downstream')[0]).toMatchObject({
      connection: null,
      detail: { canary: 'ECONNREFUSED' },
    })
    expect(await firingsOf(scene)).toEqual({ refuse_downstream: 1 })
  })

  test('a server that is said to be gone is refused for by the kernel, and listened for again when it is back', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    const say = (up: boolean) => callApi(links.url, 'POST', `/proxies/${scene.proxy}/upstream`, { up })
    expect((await say(false)).status).toBe(204)
    for (let i = 0; i < 3; i++) expect(await observe(connectTo(scene.listen)).over()).toBe('ECONNREFUSED')
    client.socket.write('still')
    await server.received(5)
    await say(true)
    await scene.pair()
  })

  test('a server that is gone behind a stall is not refused for: nobody hears of it', async () => {
    await using scene = await openScene(links)
    await stall(scene)
    await callApi(links.url, 'POST', `/proxies/${scene.proxy}/upstream`, { up: false })
    const held = await scene.dial()
    await sleep(quietMs)
    expect(held.ended()).toBeUndefined()
    await resume(scene)
    expect(await observe(connectTo(scene.listen)).over()).toBe('ECONNREFUSED')
  })

  test('refuse: the first to knock after a while is reset, which shows that somebody did; then it refuses again', async () => {
    await using scene = await openScene(links)
    await scene.addToxic('refuse', { existing: 'keep' })
    await sleep(quietMs)
    const first = await observe(connectTo(scene.listen)).over()
    expect(['ECONNRESET', 'FIN']).toContain(first)
    while ((await observe(connectTo(scene.listen)).over()) !== 'ECONNREFUSED') await sleep(5)
    const felt = (await callApi(links.url, 'GET', '/felt')).json as Record<string, Record<string, number>>
    expect(felt[scene.proxy]!['refuse_downstream']).toBeGreaterThan(0)
  })

  test('refuse: existing connections are reset when asked for', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('refuse', { existing: 'reset' })
    expect([await client.over(), await server.over()]).toEqual(['ECONNRESET', 'ECONNRESET'])
    expect(await firingsOf(scene)).toEqual({ refuse_downstream: 2 })
  })

  test('refuse below toxicity 1 resets the new connections that it hits', async () => {
    await using scene = await openScene(links)
    await scene.addToxic('refuse', {}, { toxicity: 0.5 })
    const outcomes = new Set<string>()
    for (let i = 0; i < 30; i++) {
      const before = scene.accepted.length
      const client = await scene.dial()
      while (client.ended() === undefined && scene.accepted.length === before) await sleep(1)
      outcomes.add(client.ended() ?? 'served')
      client.socket.destroy()
    }
    expect([...outcomes].toSorted()).toEqual(['ECONNRESET', 'served'])
  })

  test('idle_timeout silent: after the silence everything vanishes and neither end is told', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('idle_timeout', { idle: 200, mode: 'silent' })
    await until(() => linesOf(scene, 'idle_timeout_downstream').length > 0)
    client.socket.write('anybody?')
    server.socket.end('news')
    await sleep(quietMs)
    expect([client, server].map((peer) => [peer.ended(), peer.chunks.length])).toEqual([
      [undefined, 0],
      [undefined, 0],
    ])
    await scene.removeToxic('idle_timeout_downstream')
    await sleep(quietMs)
    expect([client.ended(), client.chunks.length]).toEqual([undefined, 0])
  })

  test('idle_timeout reset: both ends get RST', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('idle_timeout', { idle: 200, mode: 'reset' })
    expect([await client.over(), await server.over()]).toEqual(['ECONNRESET', 'ECONNRESET'])
    await until(() => linesOf(scene, 'idle_timeout_downstream').length > 0)
    expect(linesOf(scene, 'idle_timeout_downstream')[0]).toMatchObject({ connection: 0, detail: { mode: 'reset' } })
  })

  test.each(['client', 'server'] as const)(
    'idle_timeout: payload of the %s keeps the connection alive',
    async (who) => {
      await using scene = await openScene(links)
      const pair = await scene.pair()
      const idle = await scene.pair()
      await scene.addToxic('idle_timeout', { idle: 1500, mode: 'reset' })
      for (let i = 0; i < 18; i++) {
        pair[who].socket.write('.')
        await sleep(100)
      }
      await idle.client.over()
      expect([pair.client.ended(), pair.server.ended()]).toEqual([undefined, undefined])
      expect(await firingsOf(scene)).toEqual({ idle_timeout_downstream: 1 })
    },
  )

  test('response_lost reset: the request reaches the server, its answer does not come back', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('response_lost', { mode: 'reset' })
    client.socket.write('do it')
    expect(String(await server.received(5))).toBe('do it')
    expect(client.ended()).toBeUndefined()
    server.socket.write('done')
    expect(await client.over()).toBe('ECONNRESET')
    expect(client.chunks).toEqual([])
    expect(await server.over()).toBe('FIN')
    await until(() => linesOf(scene, 'response_lost_downstream').length > 0)
    expect(linesOf(scene, 'response_lost_downstream')[0]).toMatchObject({ connection: 0, bytes: 4 })
  })

  test('response_lost silent: the client hears nothing, not even the end, also after removal', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('response_lost', { mode: 'silent' })
    client.socket.write('do it')
    await server.received(5)
    server.socket.write('do')
    await until(() => linesOf(scene, 'response_lost_downstream').length > 0)
    await scene.removeToxic('response_lost_downstream')
    server.socket.end('ne')
    await sleep(quietMs)
    expect([client.ended(), client.chunks.length]).toEqual([undefined, 0])
    client.socket.end()
    await client.over()
  })

  test('response_lost acts on responses only', async () => {
    await using scene = await openScene(links)
    await expect(scene.addToxic('response_lost', {}, { stream: 'upstream' })).rejects.toThrow('status 400')
  })

  test('a mistake in an attribute is refused', async () => {
    await using scene = await openScene(links)
    await expect(scene.addToxic('idle_timeout', { mode: 'loud' })).rejects.toThrow('attributes.mode')
    await expect(scene.addToxic('latency', { latency: -1 })).rejects.toThrow('attributes.latency')
  })

  test('evidence: one line per connection that is hit, then the sum; counts outlive toxic and proxy', async () => {
    await using scene = await openScene(links)
    const [one, two] = [await scene.pair(), await scene.pair()]
    await scene.pair()
    await scene.addToxic('latency', { latency: 5 }, { name: 'slow' })
    for (let i = 1; i <= 3; i++) {
      await pass(one.server, one.client, 10)
      await pass(two.server, two.client, 10)
    }
    expect(await firingsOf(scene)).toEqual({ slow: 2 })
    await scene.removeToxic('slow')
    await until(() => linesOf(scene, 'slow').length === 3)
    const common = { proxy: scene.proxy, toxic: 'slow', type: 'latency', stream: 'downstream', at: expect.any(Number) }
    expect(linesOf(scene, 'slow')).toEqual([
      { ...common, connection: 0, bytes: 10, detail: { delayMs: 5 } },
      { ...common, connection: 1, bytes: 10, detail: { delayMs: 5 } },
      { ...common, connection: null, bytes: 60, detail: { removed: true, connections: 2, times: 6 } },
    ])
    await callApi(links.url, 'DELETE', `/proxies/${scene.proxy}`)
    expect(await firingsOf(scene)).toEqual({ slow: 2 })
  })

  test('a toxic that hits nobody has no firings', async () => {
    await using scene = await openScene(links)
    const { client, server } = await scene.pair()
    await scene.addToxic('stall', {}, { toxicity: 0 })
    await pass(server, client, 1)
    expect((await firingsOf(scene)) ?? {}).toEqual({})
  })
})

test('the embedded server ends with its stdin', async () => {
  const server = await linkServerKinds()[0]!.start()
  await server[Symbol.asyncDispose]()
  expect(await observe(connectTo(new URL(server.url).host)).over()).toBe('ECONNREFUSED')
})

async function pass(from: Peer, to: Peer, size: number): Promise<void> {
  const before = to.bytes().length
  from.socket.write(Buffer.alloc(size))
  await to.received(before + size)
}

async function until(ready: () => boolean): Promise<void> {
  while (!ready()) await sleep(5)
}
