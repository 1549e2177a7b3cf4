import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../harness/core/errors.ts'
import { openRegistry } from '../../../harness/registry.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { parseScenario } from '../../../harness/scenario/parse.ts'

const catalog = await openRegistry().catalog()

interface Parts {
  readonly target?: string
  readonly top?: string
  readonly patterns?: string
  readonly arms?: string
}

const usual = `start: [node, service.js], work: { takes: 2s }`

function textOf({ target = usual, top = '', patterns = 'mine', arms = 'none: []' }: Parts): string {
  return `name: own
question: Does it hold?
${top}
targets: { mine: { ${target} } }
patterns: [${patterns}]
load: { tasks: 20, rate: 1/s }
arms: { ${arms} }
`
}

const parse = (parts: Parts, files = {}) =>
  parseScenario(textOf(parts), '/there/own.yaml', catalog, { adapters: new Map(), composes: new Map(), ...files })

function problemsOf(parts: Parts, files = {}): string {
  try {
    parse(parts, files)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return ''
}

const ofApi = (rest: string): Parts => {
  const parts = ['submit: POST /jobs', "status: 'GET /jobs/{id}'"].filter((one) => !rest.includes(one.slice(0, 7)))
  return { target: `start: [x], api: { ${[...parts, rest].join(', ')} }, work: { takes: 2s }` }
}
const rightOf = (right: string): Parts => ({
  target: `start: [x], api: { submit: POST /jobs, status: 'GET /jobs/{id}', states: { completed: [d] } }, work: { takes: 2s, right: ${right} }`,
})

describe('a target of a scenario', () => {
  test('that is wrong is no unknown pattern besides', () => {
    const wrong = { target: 'start: [x], work: { takes: 0s }' }
    const gates = 'gates: [{ pattern: mine, arm: kill, success: ">= 50 %" }]'
    const published = 'published: [{ pattern: mine, arm: kill, success: 50 %, source: us }]'
    const arms = 'none: [], kill: [{ fault: kill, target: mine.api, at: 1s }]'
    expect(problemsOf({ ...wrong, arms, top: `${gates}\n${published}` }).split('\n')).toEqual([
      expect.stringMatching(/targets\.mine\.work\.takes/),
    ])
    expect(problemsOf({ ...wrong, patterns: 'mine, mien', arms }).split('\n')).toEqual([
      expect.stringMatching(/targets\.mine\.work\.takes/),
      expect.stringMatching(/patterns\[1\]: unknown pattern "mien"/),
    ])
  })

  test('is a pattern beside the others, with work of its own', () => {
    const scenario = parse({
      patterns: 'mine, polling',
      arms: `none: [], kill: [{ fault: kill, target: mine.api, at: 5s }]`,
    })
    const plan = compilePlan(scenario, catalog, { runtime: 'process' })
    const own = plan.cells.filter(({ pattern }) => pattern === 'mine')
    expect(own.map(({ arm }) => arm).toSorted()).toEqual(['kill', 'none'])
    expect(own[0]).toMatchObject({ delivery: 'mine', engine: 'mine', ownWork: { idealMs: 2000, steps: 1 } })
    expect(plan.targets).toMatchObject([{ name: 'mine', processes: [{ role: 'api', replicas: 1 }] }])
    // "1 executor instead of 1" was said of it.
    expect(own[0]).not.toHaveProperty('executors')
    // Beside it the reference patterns do work as long.
    expect(plan.cells.find(({ pattern }) => pattern === 'polling')!.profile).toBe('work/1/2000')
    // A fault of one pattern is none of the others'.
    expect(plan.notApplicable).toEqual([{ pattern: 'polling', arm: 'kill', reason: 'kill-1: it is for mine alone' }])
  })

  test('has as many executors as it says, and no caveat that others have more', () => {
    const plan = compilePlan(
      parse({ target: `${usual}, replicas: { api: 3 }`, patterns: 'mine, durable-restate' }),
      catalog,
      {
        runtime: 'process',
      },
    )
    const executorsOf = (pattern: string) => {
      const { executors, replicas } = plan.cells.find((cell) => cell.pattern === pattern)!
      return [executors, replicas.executor]
    }
    expect(executorsOf('mine')).toEqual([undefined, 3])
    // Restate runs one service node.
    expect(executorsOf('durable-restate')).toEqual([1, 2])
  })

  test('paths begin where its file is', () => {
    expect(parse({}).targets[0]!.processes[0]!.program).toMatchObject({ kind: 'start', cwd: '/there' })
    expect(parse({ top: 'folder: ../elsewhere' }).targets[0]!.processes[0]!.program).toMatchObject({
      cwd: '/elsewhere',
    })
  })

  test('an address without commands has no faults of its nodes, and says why', () => {
    const scenario = parse({
      target: 'url: http://127.0.0.1:8080, work: { takes: 2s }',
      arms: `cut: [{ fault: stall, target: client->api, at: 5s, for: 5s }], kill: [{ fault: kill, target: api, at: 5s }]`,
    })
    const plan = compilePlan(scenario, catalog, { runtime: 'process' })
    expect(plan.cells.map(({ arm }) => arm)).toEqual(['cut'])
    expect(plan.notApplicable[0]!.reason).toMatch(/write kill and restart/)
  })

  test('several processes have links between them', () => {
    const target = `processes: { api: { start: [api], env: { DB: '{store}' }, replicas: 2 }, worker: { start: [work], env: { DB: '{store}' } }, store: { server: redis } }, work: { takes: 2s }`
    const scenario = parse({ target, arms: `cut: [{ fault: refuse, target: worker->store, at: 5s, for: 5s }]` })
    expect(scenario.targets[0]!.processes.map(({ role, dials, ready }) => [role, dials, ready])).toEqual([
      ['api', ['store'], 'tcp'],
      ['worker', ['store'], 'none'],
      ['store', [], 'tcp'],
    ])
    expect(compilePlan(scenario, catalog, { runtime: 'process' }).cells).toHaveLength(1)
  })

  test('a compose file gives its processes', () => {
    const text = `services:
  web: { image: 'me/web:1', ports: ['8000:80'], environment: { DB: 'postgres://u:p@db:5432/x' }, depends_on: [db] }
  db: { image: 'postgres:17', environment: [POSTGRES_PASSWORD=p] }`
    const target = 'compose: docker-compose.yml, services: { api: web, store: db }, work: { takes: 2s }'
    const [mine] = parse({ target }, { composes: new Map([['docker-compose.yml', { text }]]) }).targets
    expect(mine!.processes).toMatchObject([
      { role: 'api', program: { image: 'me/web:1', port: 80 }, dials: ['store'], hosts: { db: 'store' } },
      { role: 'store', program: { image: 'postgres:17', port: 5432 }, env: { POSTGRES_PASSWORD: 'p' } },
    ])
  })

  test.each<readonly [Parts, RegExp]>([
    [
      { target: 'work: { takes: 2s }' },
      /targets\.mine has nothing to run; write exactly one of start, image, server, url/,
    ],
    [{ target: `${usual}, url: http://a:1` }, /has start and url; write exactly one/],
    [{ target: 'start: [x]' }, /targets\.mine\.work/],
    [{ target: 'start: run it, work: { takes: 2s }' }, /"run it" is no command; write a list/],
    [{ target: `start: [x, '{prot}'], work: { takes: 2s }` }, /unknown placeholder \{prot\}; there is \{port\}/],
    [{ target: `${usual}, client: pigeon` }, /unknown delivery "pigeon"; deliveries: /],
    [
      { target: `${usual}, client: sse, api: { submit: POST /j, status: 'GET /j/{id}', states: {} }` },
      /"sse" follows the task API alone/,
    ],
    [
      { target: `${usual}, promises: [effect-once]` },
      /effect-once cannot be put to the test: it tells nobody of its effects/,
    ],
    [{ target: `${usual}, promises: [result-integrity]` }, /nobody knows a right result/],
    [{ target: `${usual}, promises: [no-lost]` }, /"no-lost" is not allowed/],
    [{ target: `${usual}, kill: [x]` }, /goes with "url" only/],
    [{ target: `${usual}, adapter: ./no.ts` }, /targets\.mine\.adapter/],
    [{ target: `start: [x], work: { takes: 2s, right: '$.a[' }` }, /targets\.mine\.work\.right/],
    [{ target: `processes: { worker: { start: [x] } }, work: { takes: 2s }` }, /has no api/],
    [
      { target: `processes: { api: { start: [x] }, store: { server: mysql } }, work: { takes: 2s }` },
      /targets\.mine\.processes\.store\.server: unknown server "mysql"; servers: postgres, redis/,
    ],
    [{ target: 'compose: c.yml, work: { takes: 2s }' }, /write which of them answers clients/],
    [{ top: 'timeScale: 10' }, /mine does not know that time is compressed/],
    [ofApi('states: {}'), /states has no word for completed/],
    [ofApi('states: { completed: [done], failed: [done] }'), /"done" stands for completed and for failed/],
    [ofApi('status: GET /jobs, states: { completed: [d] }'), /status has no \{id\}/],
    [ofApi(`submit: 'POST /jobs/{id}', states: { completed: [d] }`), /submit.* no placeholder \{id\}/],
    [ofApi(`headers: { x-key: '{key}' }, states: { completed: [d] }`), /headers.*\{key\} .*write key: x-key/],
    [ofApi(`headers: { x: '{tokn}' }, states: { completed: [d] }`), /headers.*\{tokn\}/],
    [ofApi(`body: { a: '{seed}' }, states: { completed: [d] }`), /body.*\{seed\}/],
    [ofApi(`key: 'not a header', states: { completed: [d] }`), /is no name of a header/],
    [ofApi(`state: '$.a[', states: { completed: [d] }`), /api\.state/],
    [
      {
        target: `start: [x], client: webhook, api: { submit: POST /j, callback: {}, states: { completed: [d] } }, work: { takes: 2s }`,
      },
      /write \{callback\} in body/,
    ],
    [{ target: `start: [x], work: { takes: 2s, right: '$.a == "{seed}"' }` }, /right.*\{seed\}; there is \{key\}/],
    [rightOf(`'$'`), /right .*every document/],
    [rightOf(`'$..*'`), /right .*every document/],
    [rightOf(`'$.status == "d"'`), /right .*every document/],
    [rightOf(`'$.id'`), /right .*every document/],
    [
      { target: `url: 'http://h:1', env: { T: '{tools}' }, work: { takes: 2s }` },
      /"env" goes with "start" or "image" only/,
    ],
    [{ target: `url: 'http://h:1', passEnv: [T], work: { takes: 2s }` }, /"passEnv" goes with "start" or "image" only/],
    [{ target: `url: 'http://h:1', replicas: { api: 2 }, work: { takes: 2s }` }, /replicas.* is one node/],
    [{ target: `url: 'http://h:1/v2', work: { takes: 2s }` }, /host and port alone/],
    [{ target: `url: 'http://me:secret@h:1', work: { takes: 2s }` }, /host and port alone/],
    [{ target: `url: 'http://h:1', kill: [x], work: { takes: 2s }` }, /"kill" and no "restart"/],
    [{ target: `${usual}, passEnv: ['A=B'] ` }, /the name of a variable/],
    [{ patterns: 'polling' }, /is not among "patterns"; add mine there/],
    [{ arms: 'kill: [{ fault: kill, target: other.api, at: 5s }]' }, /"other" is no pattern of this scenario/],
  ])('what is wrong is said: %o', (parts, said) => {
    expect(problemsOf(parts)).toMatch(said)
  })

  test.each([`'$.result'`, `'$.result.topic == "{key}"'`, `'$.status_text'`, `'$[?@.a == 1]'`])(
    'right: %s tells results apart',
    (right) => {
      expect(problemsOf(rightOf(right))).toBe('')
    },
  )

  test('a word may be written as YAML has it', () => {
    const { speech } = parse(ofApi('state: $.ready, states: { completed: [true, 200], failed: [no] }')).targets[0]!
    expect(speech).toMatchObject({ mapping: { states: { true: 'completed', 200: 'completed', no: 'failed' } } })
  })

  test('a name of a pattern is taken', () => {
    expect(() => parseScenario(textOf({}).replaceAll('mine', 'polling'), 'own.yaml', catalog)).toThrow(/has this name/)
  })
})
