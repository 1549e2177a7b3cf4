import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { destinationsOf } from '../../../patterns/contract/server/destination.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'
import { timingAt } from '../../../patterns/contract/types/timing.ts'
import { openConsents } from '../../../patterns/deliveries/webhook-retry/endpoint.ts'
import { receiverOf } from '../../../patterns/deliveries/webhook-retry/receiver.ts'
import { openSender } from '../../../patterns/deliveries/webhook-retry/sender.ts'

/** What names resolve to; a string is the code of an error. */
const names = vi.hoisted(() => new Map<string, { address: string; family: number } | string>())
vi.mock('node:dns', async (original) => {
  const lookup = (name: string, _: object, callback: (error: Error | null, addresses?: object[]) => void): void => {
    const found = names.get(name) ?? 'ENOTFOUND'
    if (typeof found === 'string') callback(Object.assign(new Error(`getaddrinfo ${found}`), { code: found }))
    else callback(null, [found])
  }
  return { ...(await original<object>()), lookup: lookup as unknown as LookupFunction }
})
beforeEach(() => names.clear())

/** Seconds, so that a busy machine has them. */
const timing = timingAt(1)
const loopback = destinationsOf({ webhookAllow: ['127.0.0.0/8'] })

async function startEndpoint(respond: (response: ServerResponse) => void, host = '127.0.0.1', port = 0) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push([request.method, request.url, request.headers['webhook-request-origin']].join(' '))
    respond(response)
  })
  await once(server.listen(port, host), 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  }
  const at = server.address() as AddressInfo
  return { port: at.port, url: `http://${host}:${at.port}/hook`, asked, [Symbol.asyncDispose]: close }
}

const answering = (status: number, headers: Record<string, string> = {}) =>
  startEndpoint((r) => r.writeHead(status, headers).end())

describe('an endpoint that is asked', () => {
  test.each(['*', 'outlast'])('and allows %s is asked once, without a message', async (origin) => {
    await using endpoint = await answering(204, { 'WebHook-Allowed-Origin': origin })
    const require = openConsents(loopback, timing)
    await require(endpoint.url)
    await require(endpoint.url)
    expect(endpoint.asked).toEqual(['OPTIONS /hook outlast'])
    await require(endpoint.url.replace('/hook', '/other'))
    expect(endpoint.asked).toHaveLength(1)
  })

  test('is asked once per origin, by however many tasks at once', async () => {
    await using endpoint = await answering(204, { 'WebHook-Allowed-Origin': '*' })
    const require = openConsents(loopback, timing)
    await Promise.all(Array.from({ length: 50 }, (_, i) => require(`${endpoint.url}/${i}`)))
    for (let i = 0; i < 50; i++) await require(`${endpoint.url}?task=${i}`)
    expect(endpoint.asked).toEqual(['OPTIONS /hook/0 outlast'])
  })

  test('as the reference receiver, says yes', async () => {
    const ports = { keys: [], insert: async () => expect.unreachable(), work: () => expect.unreachable() }
    const server = createServer(receiverOf(ports))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    await openConsents(loopback, timing)(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await once(server.close(), 'close')
  })

  test.each([
    [200, {}],
    [204, { 'webhook-allowed-origin': 'somebody-else.example' }],
    [301, { location: '/', 'webhook-allowed-origin': '*' }],
    [401, {}],
    [404, {}],
    [405, { allow: 'POST' }],
    [410, {}],
    [501, {}],
  ])('and answers %i %o is refused, for a while without being asked again', async (status, headers) => {
    await using endpoint = await answering(status, headers)
    let nowMs = 0
    const require = openConsents(loopback, timing, () => nowMs)
    const saying = (text: string) => ({ kind: 'endpoint-refused', message: expect.stringContaining(text) })
    await expect(require(endpoint.url)).rejects.toMatchObject(saying(`${endpoint.url}: OPTIONS was answered ${status}`))
    const advice = 'answer OPTIONS at this address with the status 200 and the header "WebHook-Allowed-Origin: outlast"'
    await expect(require(endpoint.url)).rejects.toMatchObject(saying(advice))
    nowMs += timing.consentRefusedMs - 10_000
    const elsewhere = endpoint.url.replace('/hook', '/other')
    await expect(require(elsewhere)).rejects.toMatchObject(saying('It is asked again in 10 s'))
    expect(endpoint.asked).toHaveLength(1)
    nowMs += 10_000
    await expect(require(elsewhere)).rejects.toMatchObject(saying('/other: OPTIONS'))
    expect(endpoint.asked).toHaveLength(2)
  })

  test.each([408, 409, 421, 423, 425, 429, 500, 502, 503, 504])(
    'and answers %i now is asked again at its next task',
    async (status) => {
      await using endpoint = await answering(status)
      const require = openConsents(loopback, timing)
      await require(endpoint.url)
      await require(endpoint.url)
      expect(endpoint.asked).toHaveLength(2)
    },
  )

  test('and says nothing, hangs up or is away holds nobody up, and is no refusal', async () => {
    const require = openConsents(loopback, timingAt(50))
    await using silent = await startEndpoint(() => {})
    const beganAt = performance.now()
    await require(silent.url)
    expect(performance.now() - beganAt).toBeGreaterThanOrEqual(timingAt(50).webhookTestMs - 5)
    await using rude = await startEndpoint((response) => response.destroy())
    await require(rude.url)
    const { url } = await startEndpoint(() => {}).then(async (absent) => (await absent[Symbol.asyncDispose](), absent))
    await require(url)
  })
})

describe('a name', () => {
  test('that does not exist is refused; one whose resolver fails is not', async () => {
    const require = openConsents(loopback, timing)
    await expect(require('http://nobody.example/')).rejects.toMatchObject({
      kind: 'endpoint-refused',
      message: expect.stringContaining('http://nobody.example/'),
    })
    names.set('somebody.example', 'EAI_AGAIN')
    await require('http://somebody.example/')
  })

  test('of a host that speaks no TLS is refused over https', async () => {
    const server = createTcpServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    )
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    names.set('plain.example', { address: '127.0.0.1', family: 4 })
    const asked = openConsents(loopback, timing)(`https://plain.example:${port}/`)
    await expect(asked).rejects.toMatchObject({ kind: 'endpoint-refused' })
    await once(server.close(), 'close')
  })

  test('that resolves to a private address is a blocked destination', async () => {
    names.set('inside.example', { address: '10.0.0.1', family: 4 })
    const asked = openConsents(destinationsOf({}), timing)('http://inside.example/')
    await expect(asked).rejects.toMatchObject({ kind: 'blocked-destination' })
  })

  test('that resolves to an allowed address when it is named and to 127.0.0.1 when it is dialled is not dialled', async () => {
    await using named = await answering(204, { 'webhook-allowed-origin': '*' }).then(async (first) => {
      await first[Symbol.asyncDispose]()
      return startEndpoint((r) => r.writeHead(204, { 'webhook-allowed-origin': '*' }).end(), '127.0.0.2', first.port)
    })
    await using victim = await startEndpoint((response) => response.end(), '127.0.0.1', named.port)
    const url = `http://rebound.example:${named.port}/admin`
    const webhookAllow = ['127.0.0.2/32']
    names.set('rebound.example', { address: '127.0.0.2', family: 4 })
    await openConsents(destinationsOf({ webhookAllow }), timing)(url)
    expect(named.asked).toEqual(['OPTIONS /admin outlast'])
    names.set('rebound.example', { address: '127.0.0.1', family: 4 })
    const settings = { node: 'api-0', listen: { host: '', port: 1 }, delivery: 'webhook-retry', engine: 'memory' }
    const notify = openSender({
      ...settings,
      timeScale: 50,
      tuning: 'tuned',
      token: 'a-token-for-tests-only',
      webhookAllow,
    })
    const record = await notify({
      task: { task_id: 'task_1', version: 6, status: 'completed' } as Task,
      url,
      earlier: [],
    })
    expect(record).toMatchObject({ decision: { next: 'dead', reason: 'blocked' } })
    expect([victim.asked, named.asked.length]).toEqual([[], 1])
  })
})
