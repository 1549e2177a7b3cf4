import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { UsageError } from '../../../harness/core/errors.ts'
import { adapterText } from '../../../harness/cli/init/adapter.ts'
import { missingFlags, serviceOf, sizedPresets, type Told } from '../../../harness/cli/init/answers.ts'
import { apiNames } from '../../../harness/cli/init/apis.ts'
import { askFor } from '../../../harness/cli/init/questions.ts'
import { scenarioText } from '../../../harness/cli/init/scenario.ts'
import { checkScenario } from '../../../harness/cli/init/check.ts'
import { unknownAction, workflowText } from '../../../harness/cli/init/workflow.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { openRegistry } from '../../../harness/registry.ts'
import { outlooksOf, whyHopeless } from '../../../harness/stats/plan-design.ts'
import { parseScenario } from '../../../harness/scenario/parse.ts'
import type { Adapter, AdapterAnswer } from '../../../harness/targets/adapter.ts'

const catalog = await openRegistry().catalog()
const nothing: Told = { name: 'service', replicas: 1, env: [], passEnv: [] }
const usual: Told = { ...nothing, start: 'node server.js', api: 'jobs', takes: '2s' }
const nowhere = { schema: undefined, adapter: undefined }

const scenarioOf = (told: Told, around: Parameters<typeof scenarioText>[1] = nowhere) =>
  parseScenario(scenarioText(serviceOf(told), around), '/there/outlast.yaml', catalog, {
    adapters: new Map([['./mine.ts', { sha256: '' }]]),
    composes: new Map(),
  })

const problemsOf = (told: Told): readonly string[] => {
  try {
    serviceOf(told)
  } catch (error) {
    if (error instanceof UsageError) return error.problems
    throw error
  }
  return []
}

describe('the scenario that outlast init writes', () => {
  const programs = {
    start: { start: 'node server.js' },
    image: { image: 'me/it:1' },
    url: { url: 'http://127.0.0.1:80' },
  }
  const cases = Object.entries(programs).flatMap(([kind, program]) =>
    apiNames.flatMap((api) => ['2s', '20ms', '8m'].map((takes) => ({ kind, program, api, takes }))),
  )
  test.each(cases)('$kind, $api, $takes is one, with a control and faults', ({ kind, program, api, takes }) => {
    const scenario = scenarioOf({ ...nothing, ...program, api, takes, right: '$.result' })
    expect(scenario.arms.map(({ name }) => name)).toEqual(['none', kind === 'url' ? 'refuse' : 'kill'])
    const plan = compilePlan(scenario, catalog, { runtime: kind === 'image' ? 'docker' : 'process' })
    expect(plan.cells.map(({ arm }) => arm).toSorted()).toEqual([kind === 'url' ? 'refuse' : 'kill', 'none'].toSorted())
    expect(plan.notApplicable).toEqual([])
    expect(plan.cells.every(({ faults, arm }) => arm === 'none' || faults.length > 0)).toBe(true)
  })

  test('has what was asked for, and no more', () => {
    const { targets } = scenarioOf({
      ...usual,
      start: 'python3 service.py --port {port}',
      env: ['DB={data}/jobs.db', 'SCALE={timeScale}'],
      passEnv: ['BUG'],
      replicas: 2,
      ready: '/healthz',
      submit: 'POST /v2/jobs',
      status: 'GET /v2/jobs/{id}',
      key: 'x-key',
      input: '{"topic":"{key}"}',
      takes: '20s',
      right: '$.result.topic == "{key}"',
    })
    expect(targets[0]).toMatchObject({
      name: 'service',
      client: 'polling',
      durable: true,
      promises: ['no-lost-task', 'idempotency', 'result-integrity'],
      work: { takesMs: 20_000, input: { topic: '{key}' }, right: '$.result.topic == "{key}"' },
      processes: [
        {
          replicas: 2,
          ready: '/healthz',
          env: { DB: '{data}/jobs.db', SCALE: '{timeScale}' },
          passEnv: ['BUG'],
          program: { command: ['python3', 'service.py', '--port', '{port}'] },
        },
      ],
      speech: {
        mapping: { key: 'x-key', submit: { method: 'POST', path: '/v2/jobs' }, status: { path: '/v2/jobs/{id}' } },
      },
    })
  })

  test('a service that knows of timeScale is tested faster, one that does not at its own pace', () => {
    expect(scenarioOf({ ...usual, takes: '20s', env: ['SCALE={timeScale}'] }).timeScale).toBe(10)
    expect(scenarioOf({ ...usual, takes: '20s' }).timeScale).toBe(1)
  })

  test('a service is told where to listen, in PORT where its command does not say it', () => {
    expect(scenarioOf(usual).targets[0]!.processes[0]!.env).toEqual({ PORT: '{port}' })
    expect(scenarioOf({ ...usual, start: 'serve --listen {port}' }).targets[0]!.processes[0]!.env).toEqual({})
  })

  test('what only a shell can read goes to one', () => {
    const program = (start: string) => scenarioOf({ ...usual, start }).targets[0]!.processes[0]!.program
    expect(program('  npm   start ')).toMatchObject({ command: ['npm', 'start'] })
    expect(program(`uvicorn 'service:app' --port {port}`)).toMatchObject({
      command: ['/bin/sh', '-c', `uvicorn 'service:app' --port {port}`],
    })
  })

  test('what is submitted comes with what the API needs', () => {
    const webhook = scenarioOf({ ...usual, api: 'webhook', input: '{"order":"{key}"}' }).targets[0]!
    expect(webhook).toMatchObject({
      client: 'webhook',
      speech: { mapping: { body: { callback_url: '{callback}', order: '{key}' }, callback: { id: '$.id' } } },
    })
    expect(scenarioOf({ ...usual, api: 'background' }).targets[0]!.speech).toMatchObject({
      mapping: { body: { background: true, job: '{key}' } },
    })
  })

  test('names its schema where there is one', () => {
    const schema = './node_modules/outlast/scenarios/scenario.schema.json'
    expect(scenarioText(serviceOf(usual), { ...nowhere, schema })).toMatch(
      /^# yaml-language-server: \$schema=\.\/node_modules/,
    )
    expect(scenarioText(serviceOf(usual), nowhere)).not.toContain('yaml-language-server')
  })
})

describe('a scenario with a preset', () => {
  const place = { file: '/there/outlast.yaml', runtime: 'process', adapter: './mine.ts' }
  const sizedOf = (told: Partial<Told>) => {
    const text = scenarioText(serviceOf({ ...usual, ...told }), nowhere)
    return { text, scenario: checkScenario(text, place, catalog) }
  }
  const presets = sizedPresets.map((preset) => ({ preset, told: { takes: '2s' } }))
  const remote: Told = { ...nothing, url: 'http://127.0.0.1:80', api: 'jobs', takes: '2s' }

  test('is one that is sized', () => {
    expect(sizedPresets).toEqual(['pr', 'nightly', 'publish'])
  })

  test.each(presets)('$preset leaves out what it is to choose, and has a gate under faults', ({ preset, told }) => {
    const { text, scenario } = sizedOf({ ...told, preset })
    expect(text).toMatch(new RegExp(`^preset: ${preset}$`, 'm'))
    expect(text).not.toMatch(/tasks: |at: /)
    expect(scenario.gates.map(({ arm }) => arm)).toEqual(['none', 'kill'])
    expect(scenario.load.tasks).toBeGreaterThanOrEqual(20)
    expect(scenario.arms.find(({ name }) => name === 'kill')!.faults.length).toBeGreaterThanOrEqual(6)
  })

  test('pr can settle every gate that it writes', () => {
    for (const { scenario } of [sizedOf({ preset: 'pr' }), sizedOf({ ...remote, start: undefined!, preset: 'pr' })]) {
      const plan = compilePlan(scenario, catalog, { runtime: 'process' })
      expect(outlooksOf(plan, () => 2000).map(whyHopeless)).toEqual([undefined, undefined])
    }
  })

  test('for which there is no time is refused before anything is written', () => {
    expect(() => sizedOf({ takes: '8m', preset: 'pr' })).toThrow(
      /nothing was written[^]*preset pr is for runs of 5m, and this scenario takes at least .*raise timeScale[^]*without --preset/,
    )
  })

  test('none is the usual: numbers of a first try, and the gate is on the control alone', () => {
    const { text, scenario } = sizedOf({})
    expect(text).toMatch(/tasks: 38, /)
    expect(text).toMatch(/outlast init --preset pr/)
    expect(scenario.gates.map(({ arm }) => arm)).toEqual(['none'])
  })
})

describe('what outlast init is told', () => {
  test('all that is missing is named at once', () => {
    expect(missingFlags(nothing)).toEqual(['--start, --image or --url', '--api', '--takes'])
    expect(problemsOf(nothing)).toHaveLength(1)
    expect(problemsOf(nothing)[0]).toMatch(/--start, --image or --url; --api; --takes/)
    expect(problemsOf({ ...nothing, start: 'x', api: 'jobs' })[0]).toMatch(/^--takes: missing/)
  })

  test('all that cannot be read is said at once', () => {
    const said = problemsOf({ ...usual, url: 'http://a:1', api: 'job', takes: '20', env: ['x'], input: '[1]' })
    expect(said).toEqual([
      expect.stringMatching(/^--start, --image and --url go without each other/),
      expect.stringMatching(/^--api: there is no "job" \(did you mean "jobs"\?\)/),
      expect.stringMatching(/^--env: "x" is no variable/),
      expect.stringMatching(/^--input: /),
      expect.stringMatching(/^--takes: .*write a duration/),
    ])
    expect(problemsOf({ ...usual, api: 'task-api', key: 'x' })[0]).toMatch(/go without --api task-api/)
  })
})

describe('what outlast init asks', () => {
  const askedWith = async (told: Told, ...answers: readonly string[]) => {
    const [questions, told_, left]: [string[], string[], string[]] = [[], [], [...answers]]
    const ask = async (question: string) => {
      questions.push(question)
      const answer = left.shift()
      if (answer === undefined) throw new Error(`nothing was to be asked beyond: ${question}`)
      return answer
    }
    const all = await askFor(told, { ask, tell: (line) => void told_.push(line) })
    return { all, questions, told: told_, left }
  }

  test('nothing where flags say enough', async () => {
    expect((await askedWith(usual)).all).toBe(usual)
  })

  test('each thing once, and usual answers are empty', async () => {
    const { all, left } = await askedWith(nothing, 'node server.js', '2', '', '', '', '', '', '20s', '', '', '')
    expect(left).toEqual([])
    expect(all).toEqual({
      ...nothing,
      start: 'node server.js',
      api: 'jobs',
      takes: '20s',
      env: [],
    })
    expect(() => scenarioOf(all)).not.toThrow()
  })

  test('an answer that cannot be read is asked for again', async () => {
    const { all, told, questions } = await askedWith(
      { ...usual, api: undefined!, takes: undefined! },
      'soap',
      'task-api',
      '',
      '',
      '',
      '20',
      '20s',
      '',
      '',
      'nightley',
      'nightly',
    )
    expect(all).toMatchObject({ api: 'task-api', takes: '20s', preset: 'nightly' })
    expect(told.join('\n')).toMatch(/no "soap"[^]*write a duration[^]*no "nightley" \(did you mean "nightly"\?\)/)
    expect(questions.filter((one) => one.includes('How does it answer'))).toHaveLength(2)
  })
})

describe('the adapter that outlast init writes', () => {
  const load = async (told: Told): Promise<Adapter> => {
    const service = serviceOf(told)
    const text = adapterText({ ...service, speech: service.speech! })
    const { stripTypeScriptTypes } = await import('node:module')
    const url = `data:text/javascript,${encodeURIComponent(stripTypeScriptTypes(text))}`
    return ((await import(/* @vite-ignore */ url)) as { default: Adapter }).default
  }
  const job = { key: 't-1', input: { topic: 't-1' }, token: 'secret', callbackUrl: 'http://127.0.0.1:9/cb' }
  const answer = (body: unknown, headers: Readonly<Record<string, string>> = {}): AdapterAnswer => ({
    status: 200,
    header: (name) => headers[name],
    body,
  })

  test('speaks as the description would', async () => {
    const adapter = await load({ ...usual, key: 'idempotency-key' })
    expect(adapter.submit(job)).toEqual({
      method: 'POST',
      path: '/jobs',
      headers: { authorization: 'Bearer secret', 'idempotency-key': 't-1' },
      body: { topic: 't-1' },
    })
    expect(adapter.status!('a/b', job)).toMatchObject({ method: 'GET', path: '/jobs/a%2Fb' })
    expect(adapter.read(answer({ id: '7', status: 'done' }), job)).toMatchObject({ id: '7', state: 'completed' })
    expect(adapter.read(answer({ id: '7', status: 'odd' }), job)).toMatchObject({ state: 'running' })
    expect(adapter.read(answer({ error: 'no' }), job)).toBeUndefined()
    expect(adapter.isIdempotent).toBe(true)
  })

  test('odd paths stay as they are', async () => {
    const adapter = await load({ ...usual, submit: "/it's", status: 'POST /a`${x}/{id}/state', key: "x'y" })
    expect(adapter.submit(job)).toMatchObject({ path: "/it's", headers: { "x'y": 't-1' } })
    expect(adapter.status!('7', job)).toMatchObject({ method: 'POST', path: '/a`${x}/7/state' })
    expect(problemsOf({ ...usual, submit: 'jobs' })[0]).toMatch(/^--submit: "jobs" is no request/)
  })

  test('an address as an id is asked for as it is', async () => {
    const adapter = await load({ ...usual, api: 'operation' })
    expect(adapter.read(answer({}, { 'operation-location': 'http://a/op/1' }), job)).toMatchObject({
      id: 'http://a/op/1',
    })
    expect(adapter.status!('http://a/op/1', job)).toMatchObject({ path: 'http://a/op/1' })
    expect(adapter.isIdempotent).toBe(false)
  })

  test('a callback is read where the service posts one', async () => {
    const adapter = await load({ ...usual, api: 'webhook' })
    expect(adapter.status).toBeUndefined()
    expect(adapter.submit(job).body).toEqual({ callback_url: job.callbackUrl, topic: 't-1' })
    const posted = { headers: {}, body: Buffer.from('{"id":"7","status":"failed"}') }
    expect(adapter.callback!(posted, job)).toMatchObject({ id: '7', state: 'failed' })
  })

  test('goes into the scenario in the place of a description', () => {
    const scenario = scenarioOf(usual, { ...nowhere, adapter: 'mine.ts' })
    expect(scenario.targets[0]!.speech).toMatchObject({ kind: 'adapter', file: '/there/mine.ts' })
  })
})

describe('the workflow that outlast init writes', () => {
  interface Steps {
    readonly jobs: {
      readonly outlast: {
        readonly steps: readonly { readonly uses?: string; readonly run?: string; readonly with?: object }[]
      }
    }
  }
  const base = { scenario: 'outlast.yaml', runtime: 'process', isRemote: false } as const
  const stepsOf = (text: string) => (parse(text) as Steps).jobs.outlast.steps

  test('takes outlast as an action, and says where its name is unknown', () => {
    const text = workflowText({ ...base, action: 'me/outlast@v1', runtime: 'docker' })
    expect(stepsOf(text).at(-1)).toEqual({
      uses: 'me/outlast@v1',
      with: { scenario: 'outlast.yaml', format: 'junit,markdown', options: '--runtime docker' },
    })
    expect(text).not.toContain('OWNER')
    expect(workflowText({ ...base, action: unknownAction })).toContain(
      `# ${unknownAction} is the repository of outlast`,
    )
  })

  test('or as the package that the project has', () => {
    const steps = stepsOf(workflowText(base))
    expect(steps.map(({ uses, run }) => uses ?? run)).toEqual([
      'actions/checkout@v6',
      'actions/setup-node@v6',
      'npm ci',
      'npx outlast run outlast.yaml --format junit,markdown --out outlast-report',
      'actions/upload-artifact@v6',
    ])
  })
})
