import { afterAll, beforeAll, expect, test } from 'vitest'
import { callApi, connectTo, describeServers, observe, openScene } from './links-scene.ts'
import type { LinkServer } from './links-servers.ts'

describeServers('the API', ({ shared, start }) => {
  let links: LinkServer
  beforeAll(async () => void (links = await start()))
  afterAll(() => links[Symbol.asyncDispose]())
  const api = (method: string, path: string, body?: unknown) => callApi(links.url, method, path, body)

  test('a proxy is created, shown, listed and deleted', async () => {
    await using scene = await openScene(links)
    const { proxy, upstream, listen } = scene
    const shown = { name: proxy, listen, upstream, enabled: true, toxics: [] }
    expect(await api('GET', `/proxies/${proxy}`)).toMatchObject({ status: 200, json: shown })
    expect((await api('GET', '/proxies')).json).toMatchObject({ [proxy]: shown })
    expect(await api('DELETE', `/proxies/${proxy}`)).toEqual({ status: 204, json: '' })
    expect((await api('GET', '/proxies')).json).not.toHaveProperty(proxy)
    const peer = observe(connectTo(listen))
    expect(await peer.over()).toBe('ECONNREFUSED')
  })

  test('a toxic is created with defaults, shown, listed, partly updated and deleted', async () => {
    await using scene = await openScene(links)
    const path = `/proxies/${scene.proxy}/toxics`
    const toxic = { name: 'latency_downstream', type: 'latency', stream: 'downstream', toxicity: 1 }
    const created = await api('POST', path, { type: 'latency', attributes: { latency: 10 } })
    expect(created).toEqual({ status: 200, json: { ...toxic, attributes: { latency: 10, jitter: 0 } } })
    expect((await api('GET', path)).json).toEqual([created.json])
    expect(await api('GET', `${path}/latency_downstream`)).toEqual(created)
    const updated = { ...toxic, toxicity: 0.5, attributes: { latency: 10, jitter: 3 } }
    const change = { name: 'other', stream: 'upstream', toxicity: 0.5, attributes: { jitter: 3 } }
    for (const method of ['POST', 'PATCH'])
      expect(await api(method, `${path}/latency_downstream`, change)).toEqual({ status: 200, json: updated })
    expect(await api('DELETE', `${path}/latency_downstream`)).toEqual({ status: 204, json: '' })
    expect((await api('GET', path)).json).toEqual([])
  })

  test('toxics of the upstream stream are listed first', async () => {
    await using scene = await openScene(links)
    await scene.addToxic('latency', {}, { name: 'one' })
    await scene.addToxic('latency', {}, { name: 'two', stream: 'upstream' })
    await scene.addToxic('bandwidth', {}, { name: 'three' })
    const { json } = await api('GET', `/proxies/${scene.proxy}/toxics`)
    expect((json as { name: string }[]).map(({ name }) => name)).toEqual(['two', 'one', 'three'])
  })

  test('mistakes get the status and the words of Toxiproxy', async () => {
    await using scene = await openScene(links)
    const proxy = `/proxies/${scene.proxy}`
    await scene.addToxic('latency', {}, { name: 'twice' })
    const fails = async (status: number, error: string, ...call: [string, string, unknown?]): Promise<void> => {
      const answer = await api(...call)
      expect(answer, call.join(' ')).toMatchObject({ status, json: { status } })
      expect((answer.json as { error: string }).error).toMatch(new RegExp(error))
    }
    await fails(404, 'proxy not found', 'GET', '/proxies/none')
    await fails(404, 'proxy not found', 'DELETE', '/proxies/none')
    await fails(404, 'proxy not found', 'POST', '/proxies/none/toxics', {})
    await fails(409, 'proxy already exists', 'POST', '/proxies', { name: scene.proxy, upstream: 'localhost:9' })
    await fails(400, 'missing required field: name', 'POST', '/proxies', { upstream: 'localhost:9' })
    await fails(400, 'missing required field: upstream', 'POST', '/proxies', { name: 'x' })
    await fails(400, 'bad request body', 'POST', '/proxies', '{nonsense')
    await fails(400, 'bad request body', 'POST', '/proxies', { name: 7, upstream: 'localhost:9' })
    await fails(404, 'toxic not found', 'GET', `${proxy}/toxics/none`)
    await fails(404, 'toxic not found', 'DELETE', `${proxy}/toxics/none`)
    await fails(404, 'toxic not found', 'POST', `${proxy}/toxics/none`, {})
    await fails(400, 'invalid toxic type', 'POST', `${proxy}/toxics`, { type: 'none' })
    await fails(400, 'stream was invalid', 'POST', `${proxy}/toxics`, { type: 'latency', stream: 'sideways' })
    await fails(409, 'toxic already exists', 'POST', `${proxy}/toxics`, { type: 'bandwidth', name: 'twice' })
    for (const latency of ['ten', 1.5])
      await fails(400, 'bad request body.*latency', 'POST', `${proxy}/toxics`, {
        type: 'latency',
        attributes: { latency },
      })
    await fails(400, 'bad request body', 'POST', `${proxy}/toxics/twice`, { attributes: { latency: 'ten' } })
    expect(await api('GET', '/nowhere')).toEqual({ status: 404, json: '404 page not found\n' })
    expect(await api('PUT', proxy)).toEqual({ status: 405, json: '' })
  })

  test('an address that is taken is 500, and the proxy does not exist', async () => {
    await using scene = await openScene(links)
    const listen = scene.upstream
    expect((await api('POST', '/proxies', { name: 'taken', listen, upstream: listen })).status).toBe(500)
    expect((await api('GET', '/proxies/taken')).status).toBe(404)
  })

  test('browsers are turned away', async () => {
    const response = await fetch(`${links.url}/proxies`, { headers: { 'user-agent': 'Mozilla/5.0' } })
    expect(response.status).toBe(403)
  })

  test('disabled is refused and closes what is open; enabled serves again on the same port', async () => {
    await using scene = await openScene(links)
    const { client } = await scene.pair()
    const path = `/proxies/${scene.proxy}`
    expect((await api('POST', path, { enabled: false })).json).toMatchObject({ enabled: false, listen: scene.listen })
    expect(await client.over()).toMatch(/FIN|ECONNRESET/)
    expect(await observe(connectTo(scene.listen)).over()).toBe('ECONNREFUSED')
    expect((await api('PATCH', path, { enabled: true })).json).toMatchObject({ enabled: true, listen: scene.listen })
    await scene.pair()
  })

  test('a proxy can be given another upstream server', async () => {
    await using scene = await openScene(links)
    await using other = await openScene(links)
    await api('POST', `/proxies/${scene.proxy}`, { upstream: other.upstream })
    const client = await scene.dial()
    client.socket.write('moved')
    while (other.accepted.length === 0) await new Promise(setImmediate)
    expect(String(await other.accepted[0]!.received(5))).toBe('moved')
  })

  test('populate creates, keeps what is the same and replaces what differs', async () => {
    await using scene = await openScene(links)
    const { proxy: name, listen, upstream } = scene
    const { client } = await scene.pair()
    const second = { name: `${name}-b`, listen: '127.0.0.1:0', upstream, enabled: false }
    const kept = await api('POST', '/populate', [{ name, listen, upstream }, second])
    expect(kept).toMatchObject({
      status: 201,
      json: { proxies: [{ name, listen, enabled: true }, { enabled: false }] },
    })
    expect(client.ended()).toBeUndefined()
    const replaced = await api('POST', '/populate', [{ name, listen, upstream: 'localhost:9' }])
    expect(replaced).toMatchObject({ status: 201, json: { proxies: [{ name, upstream: 'localhost:9' }] } })
    await client.over()
    expect(await api('POST', '/populate', [{ name: 'x', listen, upstream }, { name: 'y' }])).toMatchObject({
      status: 400,
      json: { error: 'missing required field: upstream at proxy 2' },
    })
    await api('DELETE', `/proxies/${second.name}`)
  })

  // A server that others use, too, stays as they made it.
  if (!shared)
    test('reset enables every proxy and removes every toxic', async () => {
      await using scene = await openScene(links)
      await scene.addToxic('latency', { latency: 5 })
      await scene.addToxic('timeout', {}, { stream: 'upstream' })
      await api('POST', `/proxies/${scene.proxy}`, { enabled: false })
      expect(await api('POST', '/reset')).toEqual({ status: 204, json: '' })
      expect((await api('GET', `/proxies/${scene.proxy}`)).json).toMatchObject({ enabled: true, toxics: [] })
      await scene.pair()
    })
})
