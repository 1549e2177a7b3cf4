import { describe, expect, test } from 'vitest'
import { readCompose, type Roles } from '../../../harness/scenario/compose.ts'
import type { TargetProcess } from '../../../harness/model/target.ts'

const roles: Roles = { api: 'web', store: 'db' }

const fileOf = (web: string, more = ''): string => `services:
  web: { image: 'me/web:1', ${web} }
  db: { image: 'postgres:17' }
${more}`

const processes = (web: string, more = '', named = roles): readonly TargetProcess[] =>
  readCompose(fileOf(web, more), named, undefined) as readonly TargetProcess[]

const webOf = (web: string): TargetProcess => processes(web)[0]!

describe('of a service of a compose file', () => {
  test.each([
    ['ports: [8000:80]', 80],
    ["ports: ['127.0.0.1:8000:80/tcp']", 80],
    ['ports: [{ target: 81, published: 8000 }]', 81],
    ['expose: [82]', 82],
    ['ports: []', 8080],
  ])('the port inside: %s', (web, port) => expect(webOf(web).program).toMatchObject({ port }))

  test('what runs is carried over as it is written', () => {
    const { program } = webOf(
      "command: serve 'a b' --fast, entrypoint: [/init, --], user: '1000:1000', working_dir: /srv",
    )
    expect(program).toMatchObject({
      command: ['serve', 'a b', '--fast'],
      entrypoint: ['/init', '--'],
      user: '1000:1000',
      workdir: '/srv',
    })
  })

  test('variables, and those that come from whoever starts the run', () => {
    expect(webOf(`environment: { A: 1, B: 'x$$y', SECRET: }`)).toMatchObject({
      env: { A: '1', B: 'x$y' },
      passEnv: ['SECRET'],
    })
    expect(webOf(`environment: [A=1=2, SECRET]`)).toMatchObject({ env: { A: '1=2' }, passEnv: ['SECRET'] })
  })

  test('volumes that have a name, or none at all, by where they are', () => {
    const text = fileOf(
      'volumes: [jobs:/data, {type: volume, source: more, target: /more}, /own]',
      'volumes: { jobs:, more: }',
    )
    const [web] = readCompose(text, roles, undefined) as readonly TargetProcess[]
    expect(web!.volumes).toEqual({ '/data': 'jobs', '/more': 'more' })
  })

  test('as many as it says', () => {
    expect(webOf('deploy: { replicas: 3 }').replicas).toBe(3)
    expect(webOf('scale: 2').replicas).toBe(2)
  })

  test('whom it dials: what its command, its variables or depends_on name', () => {
    expect(webOf('environment: { DB: "postgres://u@db:5432" }')).toMatchObject({
      dials: ['store'],
      hosts: { db: 'store' },
    })
    expect(webOf('depends_on: { db: { condition: service_started } }')).toMatchObject({ hosts: { db: 'store' } })
    expect(webOf('environment: { DB: other-db.example }')).toMatchObject({ dials: [], hosts: {} })
  })

  test('what outlast does in its own way is passed over', () => {
    expect(
      webOf('restart: always, healthcheck: { test: [x] }, labels: { a: b }, container_name: w, x-y: 1'),
    ).toBeTruthy()
  })
})

test.each([
  ['constructor: true', /service web uses constructor, which is not carried over/],
  ['privileged: true', /service web uses privileged, which is not carried over/],
  ['env_file: .env', /service web uses env_file/],
  ['mem_limit: 64m', /service web uses mem_limit/],
  ['deploy: { resources: { limits: { cpus: 1 } } }', /service web uses deploy\.resources/],
  ['environment: { A: "${HOME}" }', /service web takes values from a shell/],
  ["volumes: ['./x:/x']", /service web mounts \.\/x, a folder of this machine/],
  ['volumes: [{ type: bind, source: /etc, target: /x }]', /service web mounts \/etc, a folder of this machine/],
  ["volumes: ['jobs:/data:ro']", /service web mounts jobs as ro, which is not carried over/],
  ['depends_on: [cache]', /service web depends on cache, which has no role/],
  ['networks: { back: { aliases: [w] } }', /service web has other names \(aliases\)/],
  ["ports: ['3000-3005']", /service web has a range of ports/],
])('what would change what runs, and is not carried over, is refused: %s', (web, said) => {
  expect((readCompose(fileOf(web), roles, undefined) as readonly string[]).join('\n')).toMatch(said)
})

test.each([
  ['services: [', /it is no valid YAML/],
  ['services: *nobody', /it is no valid YAML: .*nobody/],
  ['services: { web: { image: 7 } }', /services\.web\.image: "\.\.\." is not a text/],
])('a file that cannot be read is said to be so: %s', (text, said) => {
  expect((readCompose(text, roles, undefined) as readonly string[]).join('\n')).toMatch(said)
})

test('a service has one role', () => {
  expect(readCompose(fileOf(''), { api: 'web', worker: 'web' }, undefined)).toEqual(['service web has two roles'])
})

test('a service that is not there, with those that are', () => {
  expect(readCompose(fileOf(''), { api: 'wbe' }, undefined)).toEqual([
    'it has no service "wbe" (did you mean "web"?); services: web, db',
  ])
})

test.each([
  ['a file of passwords', 'root:hunter2:0:0', '"..." is not a map; write a map'],
  ['a value', 'services: hunter2', 'services: "..." is not a map; write a map'],
  [
    'a variable',
    'services: { web: { image: a, environment: TOKEN=hunter2 } }',
    'services.web.environment: Invalid input',
  ],
  [
    'a list',
    'services: { web: { image: a, ports: hunter2 } }',
    'services.web.ports: "..." is not a list; write a list',
  ],
])('it may be any file, and a message says where, not what: %s', (_, text, message) => {
  expect(readCompose(text, { api: 'web' }, undefined)).toEqual([message])
})
