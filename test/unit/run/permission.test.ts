import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { planControl } from '../../../harness/plan/control-probes.ts'
import { attempts, type ControlProbe } from '../../../harness/model/control.ts'
import { type CellIssuer, openCellIssuer } from '../../../harness/run/issuer.ts'
import { tokenOf, toolsAskedBy, tryAttempt } from '../../../harness/run/permission-probes.ts'
import { Talk } from '../../../patterns/contract/client/talk.ts'
import { createFrontDoor } from '../../../patterns/contract/server/front-door.ts'
import { loadDeliveryServer } from '../../../patterns/contract/server/plugins.ts'
import { readSettings } from '../../../patterns/contract/server/settings.ts'
import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import { openBackend } from '../../../patterns/engines/memory/backend.ts'
import { createGateway } from '../../../patterns/gateway/gateway.ts'

const load = { tasks: 10, arrivals: 'poisson', ratePerSec: 1 } as const
const drawn = (calls: readonly string[], permission: number): readonly ControlProbe[] => {
  const control = { cancel: 0, steer: 0, budget: 0, rogue: 0, permission, balance: 0, rate: 0 }
  const work = { idealMs: 300_000, steps: calls.length, calls }
  return planControl({ control, timeScale: 30, load }, 7, work, { without: [], hasPrincipals: true }).control!
}
const four = ['search', 'read', 'read', 'draft', 'finalize']

test('half of them are at work without one tool, and the others try every way in turn', () => {
  const probes = drawn(four, 28)
  const tried = Map.groupBy(probes, ({ attempt }) => attempt)
  expect([...tried].map(([attempt, { length }]) => [attempt, length])).toEqual(
    attempts.map((attempt) => [attempt, attempt === 'lacks-tool' ? 14 : 2]),
  )
  for (const { tools } of probes) expect([tools!.length, tools![0]]).toEqual([3, 'search'])
  expect(new Set(probes.map(({ tools }) => tools!.join())).size).toBe(3)
  expect(drawn(four, 28)).toEqual(probes)
})

test('where all steps call one tool it is the one that is lacking', () => {
  expect(drawn(['tool_call', 'tool_call'], 1)).toMatchObject([{ attempt: 'lacks-tool', tools: [] }])
})

/** API, gateway and tools in this process, as a cell has them in several. */
let issuer: CellIssuer
const stack = new AsyncDisposableStack()
let [apiUrl, toolsUrl] = ['', '']
const effects: string[] = []
const dispatcher = new Agent()

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  stack.defer(() => rm(folder, { recursive: true }))
  stack.defer(() => dispatcher.destroy())
  issuer = await openCellIssuer(folder)
  const tools = createServer((request, response) => {
    effects.push(String(request.headers['idempotency-key']))
    response.writeHead(200).end('{}')
  })
  const listenOn = async (server: ReturnType<typeof createServer>): Promise<string> => {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    stack.defer(() => void server.close().closeAllConnections())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const grantKey = Buffer.from(issuer.apiEnv['OUTLAST_GRANT_KEY']!)
  const listen = { host: '127.0.0.1', port: 0 }
  const gateway = createGateway({ node: 'g', listen, grantKey, toolsUrl: await listenOn(tools) }, dispatcher)
  const answer = createServer(async (request, response) => {
    const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)])
    const body = (await request.toArray()).join('')
    const said = await gateway.request(request.url!, { method: request.method!, headers, body })
    response.writeHead(said.status, [...said.headers].flat()).end(await said.text())
  })
  toolsUrl = await listenOn(answer)
  const own = { OUTLAST_NODE: 'api-0', OUTLAST_PORT: '0', OUTLAST_DELIVERY: 'polling', OUTLAST_ENGINE: 'memory' }
  const more = { OUTLAST_TOKEN: 'the-token-of-the-operator', OUTLAST_TOOLS_URL: toolsUrl, OUTLAST_TIME_SCALE: '1' }
  const settings = readSettings({ ...own, ...more, ...issuer.apiEnv })
  const backend = stack.use(await openBackend(settings, () => Promise.reject(new Error('nobody is called back'))))
  const half = await loadDeliveryServer('polling')
  apiUrl = await listenOn(createFrontDoor(half.routes(backend, settings, new AbortController().signal), settings))
})
afterAll(() => stack.disposeAsync())

const outcomes = {
  'lacks-tool': { moment: 'accepted', taskId: expect.any(String) },
  'asks-for-more': { moment: 'refused', problem: 'forbidden' },
  'expired-token': { moment: 'refused', problem: 'unauthorized' },
  'forged-token': { moment: 'refused', problem: 'unauthorized' },
  'unsigned-token': { moment: 'refused', problem: 'unauthorized' },
  'replayed-token': { moment: 'refused', problem: 'unauthorized' },
  'stolen-grant': { moment: 'refused', problem: 'forbidden' },
  'forged-grant': { moment: 'refused', problem: 'unauthorized' },
} as const

test.concurrent.each(attempts)('%s comes to what it must', { timeout: 20_000 }, async (attempt) => {
  const probe: ControlProbe = {
    key: `c-${attempt}`,
    kind: 'permission',
    seed: 1,
    atMs: 0,
    afterMs: 0,
    attempt,
    calls: ['search'],
    tools: [],
  }
  const input = { seed: 1, profile: 'smoke', job: probe.key }
  const job = { key: probe.key, ordinal: 1, input, giveUpAt: monotonicMs() + 15_000, ...toolsAskedBy(probe) }
  const token = attempt === 'replayed-token' ? tokenOf(probe, issuer, 1) : tokenOf(probe, issuer)
  const ports = { apis: [{ name: 'api-0', url: apiUrl }], sticky: false, dispatcher, token, timeScale: 1 }
  const own = { observe: () => {}, now: monotonicMs, random: Math.random }
  const talk = new Talk(job, { ...ports, ...own }, AbortSignal.timeout(15_000))
  expect(await tryAttempt(probe, talk, { issuer, toolsUrl })).toEqual(outcomes[attempt])
  expect(effects).toEqual([])
})
