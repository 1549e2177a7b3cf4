import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { afterEach, expect, test, vi } from 'vitest'
import { discover } from '../../harness/core/discover.ts'
import type { Stranger } from '../../harness/model/history.ts'
import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import type * as ports from '../../harness/os/ports.ts'
import { watched, watchForStrangers } from '../../harness/run/strangers.ts'
import { loadModule } from '../../patterns/contract/server/plugins.ts'
import type { ClientPorts, Handshake, Inbox, RunJob } from '../../patterns/contract/client/client.ts'
import { describeProblem, problemMediaType } from '../../patterns/contract/types/problems.ts'
import { deployForTest, runtimes } from '../support/deployment.ts'

/** Ports that are given out first, instead of those that the kernel would choose. */
const first: number[] = []
vi.mock('../../harness/os/ports.ts', async (original) => {
  const own = await original<typeof ports>()
  const holdPort = async (...at: Parameters<typeof own.holdPort>): Promise<ports.HeldPort> => {
    const port = first.shift()
    return port === undefined ? own.holdPort(...at) : { port, [Symbol.dispose]: () => {} }
  }
  return { ...own, holdPort }
})
afterEach(() => void first.splice(0))

const runtime = runtimes.get('process')!

/** Another run's API node, as far as anybody sees: its health is good, and it knows none of our tokens. */
async function startStranger(port = 0) {
  const name = 'run-of-others/polling.none.1/0f0f0f'
  const server = createServer(({ url }, response) => {
    response.setHeader('Outlast-Node', `${name}/api-0`)
    if (url === '/healthz') response.end(JSON.stringify({ status: 'ok', node: 'api-0', system: name, start: 'theirs' }))
    else
      response.writeHead(401, { 'content-type': problemMediaType }).end(JSON.stringify(describeProblem('unauthorized')))
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  }
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close }
}

async function healthOf(url: string): Promise<unknown> {
  return (await request(`${url}/healthz`, { reset: true })).body.json()
}

test.each(['memory', 'postgres', 'restate'])(
  'a deployment of %s whose first ports strangers have is not taken for ready, and has others',
  async (engine) => {
    await using stranger = await startStranger()
    // The first node that is placed, whichever that is, and then one more.
    first.push(stranger.port)
    await using test = await deployForTest(runtime, { engine })
    const { nodes } = test.deployment
    expect(nodes.map(({ url }) => new URL(url).port)).not.toContain(String(stranger.port))
    for (const { name, url } of nodes.filter(({ role }) => role === 'api'))
      expect(await healthOf(url)).toMatchObject({ node: name })
    expect(test.deployment.ailing()).toBeUndefined()
  },
)

test('a killed node whose port a stranger has meanwhile does not come back, and says who has it', async () => {
  const strangers: Stranger[] = []
  await using test = await deployForTest(runtime, { onStranger: (one) => strangers.push(one) })
  const node = test.deployment.nodes.find(({ name }) => name === 'api-0')!
  const harm = await node.kill()
  await using _stranger = await startStranger(Number(new URL(node.url).port))
  await expect(harm.heal()).rejects.toThrow(/api-0.*somebody else.*run-of-others\/polling\.none\.1\/0f0f0f\/api-0/)
  expect(strangers).toEqual([{ place: 'api-0', who: expect.stringContaining('run-of-others') }])
})

test('a node says in every answer which system it is of, and in its health which start of it this is', async () => {
  const system = 'run-7/cell.1/abc'
  await using test = await deployForTest(runtime, { engine: 'postgres', env: { OUTLAST_SYSTEM: system } })
  const [api, worker] = ['api-0', 'worker-0'].map((name) => test.deployment.nodes.find((node) => node.name === name)!)
  for (const path of ['/healthz', '/v1/tasks/none', '/nowhere']) {
    const { headers, body } = await request(api!.url + path, { reset: true })
    await body.dump()
    expect([path, headers['outlast-node']]).toEqual([path, `${system}/api-0`])
  }
  const starts = [await healthOf(api!.url), await healthOf(worker!.url)]
  await (await api!.kill()).heal()
  starts.push(await healthOf(api!.url))
  expect(starts).toMatchObject([
    { node: 'api-0', system },
    { node: 'worker-0', system },
    { node: 'api-0', system },
  ])
  expect(new Set(starts.map((one) => (one as { start: string }).start)).size).toBe(3)
})

const deliveries = await discover<Delivery>(new URL('../../patterns/deliveries/', import.meta.url), 'delivery')

test.each([...deliveries.keys()])('a client of %s that meets a stranger is seen to', async (delivery) => {
  await using stranger = await startStranger()
  await using agent = Object.assign(new Agent(), { [Symbol.asyncDispose]: () => agent.destroy() })
  const told: Stranger[] = []
  const apis = [{ name: 'client->api-0', url: `http://127.0.0.1:${stranger.port}` }]
  const watch = watchForStrangers('our-run/cell/1a', (one) => told.push(one))
  const dispatcher = watched(agent, apis, watch)
  const { default: run } = await loadModule<{ default: RunJob }>(delivery, 'client')
  const giveUpAt = performance.now() + 5_000
  const job = { key: 't-00001', ordinal: 0, input: { seed: 1, profile: 'smoke', job: 't-00001' }, giveUpAt }
  await expect(run(job, portsTo(apis, dispatcher), AbortSignal.timeout(5_000))).rejects.toThrow()
  expect(told).toEqual([{ place: 'client->api-0', who: expect.stringContaining('run-of-others') }])
})

test.each(['sync', 'polling', 'sse', 'sse-polling', 'websocket'])(
  'a client of %s gets from its own node nothing that a stranger could have said',
  async (delivery) => {
    const system = 'our-run/cell/1a'
    await using test = await deployForTest(runtime, { delivery, env: { OUTLAST_SYSTEM: system } })
    await using agent = Object.assign(new Agent(), { [Symbol.asyncDispose]: () => agent.destroy() })
    const [told, handshakes]: [Stranger[], Handshake[]] = [[], []]
    const watch = watchForStrangers(system, (one) => told.push(one))
    const apis = test.deployment.links.filter(({ kind }) => kind === 'client->api').slice(0, 1)
    const { default: run } = await loadModule<{ default: RunJob }>(delivery, 'client')
    const giveUpAt = performance.now() + 30_000
    const job = { key: 't-00001', ordinal: 0, input: { seed: 1, profile: 'smoke', job: 't-00001' }, giveUpAt }
    const onHandshake = (url: string, handshake: Handshake): void => {
      handshakes.push(handshake)
      watch(handshake, () => url)
    }
    const ports = { ...portsTo(apis, watched(agent, apis, watch)), token: test.token, onHandshake }
    const { task } = await run(job, ports, AbortSignal.timeout(30_000))
    expect(task.status).toBe('completed')
    expect(handshakes.map(({ status }) => status)).toEqual(delivery === 'websocket' ? [101] : [])
    expect(told).toEqual([])
  },
)

function portsTo(apis: ClientPorts['apis'], dispatcher: ClientPorts['dispatcher']): ClientPorts {
  const wait: Inbox['wait'] = (_, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  return {
    apis,
    sticky: true,
    dispatcher,
    token: 'a token of ours, which is not theirs',
    timeScale: 100,
    now: () => performance.now(),
    random: () => 0.5,
    observe: () => {},
    inbox: { urlFor: () => 'http://127.0.0.1:9/', wait },
  }
}
