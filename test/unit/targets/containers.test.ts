import { describe, expect, test } from 'vitest'
import { openRegistry } from '../../../harness/registry.ts'
import { parseScenario } from '../../../harness/scenario/parse.ts'
import { serverFor } from '../../../harness/targets/program.ts'
import { baseRuleset } from '../../../harness/runtimes/docker/network/ruleset.ts'
import type { NodeServer } from '../../../servers/server.ts'

const catalog = await openRegistry().catalog()

const composeText = `services:
  web: { image: 'me/web:1', environment: { DB: 'db:5432', SAID: '{tools}' }, volumes: ['files:/files'], entrypoint: /init }
  db: { image: 'postgres:17' }
volumes: { files: }`

function serversFor(target: string): readonly NodeServer[] {
  const text = `name: own
question: Does it hold?
targets: { mine: { ${target}, work: { takes: 2s } } }
patterns: [mine]
load: { tasks: 20, rate: 1/s }
arms: { none: [] }
`
  const files = { adapters: new Map(), composes: new Map([['c.yml', { text: composeText }]]) }
  const [mine] = parseScenario(text, '/there/own.yaml', catalog, files).targets
  return mine!.processes.map((process) => serverFor(mine!, process))
}

const place = {
  host: '172.18.1.2',
  port: 8080,
  controlPort: 8080,
  password: 'secret',
  timeouts: {},
  env: { OUTLAST_NODE: 'api-0', OUTLAST_TOKEN: 'drawn', OUTLAST_TOOLS_URL: 'http://172.18.0.10:21001', OUTLAST_X: '1' },
}

describe('a target in containers', () => {
  test('is told what its variables ask for, and nothing else', () => {
    const [api] = serversFor(
      `image: 'me/api:1', port: 80, command: [serve, '{port}'], env: { AT: '{host}', T: '{token}', E: '{tools}', D: '{data}/x' }`,
    )
    expect(api).toMatchObject({ image: { pin: 'me/api:1' }, isForeign: true, service: { ports: { port: 80 } } })
    expect(api!.service.container!(place)).toMatchObject({
      command: ['serve', '8080'],
      env: { AT: '0.0.0.0', T: 'drawn', E: 'http://172.18.0.10:21001/tasks', D: '/data/x' },
    })
    expect(Object.keys(api!.service.container!(place).env)).toEqual(['AT', 'T', 'E', 'D'])
  })

  test('shares a folder that all may write to where it asks for {data}, and none where it does not', () => {
    const [api] = serversFor(`image: x, env: { STORE: '{data}/jobs.db' }`)
    expect(api!.service.volumes).toEqual([{ path: '/data', name: 'data', isOpen: true }])
    expect(serversFor('image: x')[0]!.service.volumes).toEqual([])
  })

  test('of a compose file knows names and volumes, and its variables come after those of the file', () => {
    const [api, store] = serversFor(
      `compose: c.yml, services: { api: web, store: db }, env: { SAID: hello, T: '{token}' }, replicas: { api: 2 }`,
    )
    expect(api!.service).toMatchObject({ names: { db: 'store' }, volumes: [{ path: '/files', name: 'volume-files' }] })
    expect(api!.service.container!(place)).toMatchObject({
      entrypoint: ['/init'],
      env: { DB: 'db:5432', SAID: 'hello', T: 'drawn' },
    })
    expect(store!.service.container!(place).env).toEqual({})
  })
})

test('who dials a name comes to the port of its link, by an address of its own', () => {
  const link = { mark: 1, port: 21_000, virtual: '172.18.14.16', target: '172.18.1.0' }
  const named = { ...link, alias: { address: '172.18.14.17', port: 5432 } }
  expect(baseRuleset('t', [named])).toContain('ip daddr 172.18.14.17 tcp dport 5432 redirect to :21000')
  expect(baseRuleset('t', [link])).not.toContain('redirect')
})

test.each([
  ['port: 80', /goes with "image" only/],
  ['start: [x]', /goes without start/],
])('with compose %s is refused', (more, said) => {
  expect(() => serversFor(`compose: c.yml, services: { api: web, store: db }, ${more}`)).toThrow(said)
})
