import { afterEach, expect, test, vi } from 'vitest'
import { discover } from '../../../harness/core/discover.ts'
import type { Engine } from '../../../patterns/contract/types/engine.ts'
import docker from '../../../harness/runtimes/docker.ts'
import { describeProgram, portsOf } from '../../../harness/runtimes/docker/containers/program.ts'
import { serversOf } from '../../../harness/runtimes/_shared/servers.ts'
import { readRecipes } from '../../../harness/runtimes/docker/images/recipes.ts'

const engines = await discover<Engine>(new URL('../../../patterns/engines/', import.meta.url), 'engine')
const imageNames = readRecipes().map(({ name }) => name)
const timeouts = { keepAliveTimeMs: 1000, keepAliveTimeoutMs: 2000 }
const addresses = { OUTLAST_STORE_URL: 'postgres://outlast:secret@172.18.0.10:21003/postgres' }
const place = { name: 'node-0', start: 'drawn', host: '172.18.1.2', addresses, password: 'secret' }

afterEach(() => vi.unstubAllEnvs())

function programOf(engine: string, role: string) {
  const service = engines.get(engine)!.services.find((service) => service.role === role)!
  const program = describeProgram(service, place, { env: { OUTLAST_ENGINE: engine }, timeouts })
  return { ...program, ...portsOf(service) }
}

/** A server may be one that runs as a process only. */
const contained = [...engines.values()].filter(({ services }) => serversOf(services).every(({ image }) => image))

test.each(contained)('every node of $name is a container of an image that we have', ({ name, services }) => {
  for (const { role } of services) expect(imageNames).toContain(programOf(name, role).image)
})

test('a node of ours is told who it is and whom it dials, wherever it listens', () => {
  const { env, ready, command } = programOf('postgres', 'worker')
  expect(command).toEqual(['patterns/work.ts'])
  expect(env).toMatchObject({
    ...addresses,
    OUTLAST_NODE: 'node-0',
    OUTLAST_START: 'drawn',
    OUTLAST_ENGINE: 'postgres',
  })
  expect(ready).toEqual({ http: 'http://172.18.1.2:8080/healthz', start: 'drawn' })
})

test('no database runs as root, and what can do without its own files changed has none that it may change', () => {
  expect(programOf('postgres', 'store')).toMatchObject({ user: 'postgres', writable: ['/tmp', '/var/run/postgresql'] })
  expect(programOf('queue-redis', 'store')).toMatchObject({ user: 'redis' })
  for (const role of ['api', 'worker']) expect(programOf('postgres', role).writable).toEqual(['/tmp'])
})

test('the Temporal server dials its database through its own link and listens where its parts find each other', () => {
  const { env, files, ready, port, controlPort } = programOf('temporal', 'engine')
  expect(env).toMatchObject({ POSTGRES_SEEDS: '172.18.0.10', DB_PORT: '21003', POSTGRES_PWD: 'secret' })
  expect(env).toMatchObject({ BIND_ON_IP: '172.18.1.2', FRONTEND_GRPC_PORT: String(port) })
  expect(files![env['DYNAMIC_CONFIG_FILE_PATH']!]).toContain('frontend.keepAliveTimeout:\n  - value: 2000ms\n')
  expect(ready).toMatchObject({ http: expect.stringMatching(`^http://172.18.1.2:${controlPort}/.*/outlast/`) })
})

test('without its database the Temporal server is not started', () => {
  const { services } = engines.get('temporal')!
  const engine = services.find(({ role }) => role === 'engine')!
  expect(() => describeProgram(engine, { ...place, addresses: {} }, { env: {}, timeouts })).toThrow(/needs a database/)
})

test('the dev server keeps its file where the image lets it write, and syncs it', () => {
  const { command, env } = programOf('temporal-dev', 'engine')
  expect(command.join(' ')).toContain('--ip 0.0.0.0 --port 7233 --http-port 7243')
  expect(command.join(' ')).toContain('--db-filename /var/lib/temporal/temporal.db')
  expect(command).toContain('synchronous=2')
  expect(env).toEqual({ HOME: '/var/lib/temporal' })
})

test('a server that TEMPORAL_ADDRESS names is out of reach for containers', async () => {
  vi.stubEnv('TEMPORAL_ADDRESS', 'temporal.example:7233')
  expect(await docker.whyNot(engines.get('temporal')!.services)).toMatch(/temporal\.example:7233.*TEMPORAL_ADDRESS/)
})
