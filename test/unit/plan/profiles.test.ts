import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UsageError } from '../../../harness/core/errors.ts'
import type { ProfileText } from '../../../harness/scenario/catalog.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { readDocument } from '../../../harness/scenario/document.ts'
import { loadScenario } from '../../../harness/scenario/load.ts'
import { parseScenario } from '../../../harness/scenario/parse.ts'
import { createRun } from '../../../harness/store/run-folder.ts'
import { study } from '../reports/study.ts'
import { catalog, scenario, scenarioText, type Text } from './catalog.ts'

const firings = (text: Text) =>
  compilePlan(scenario(text), catalog, { runtime: 'full' }).cells.find(({ arm }) => arm === 'a')!.faults

const kept = ({ text, profiles }: Awaited<ReturnType<typeof loadScenario>>) => ({ scenarioText: text, profiles })

function problemsOf(make: () => unknown): readonly string[] {
  try {
    make()
  } catch (error) {
    if (error instanceof UsageError) return error.problems
    throw error
  }
  return []
}

describe('an included profile', () => {
  test('is its faults, under ids that begin with its name', () => {
    const [edge] = firings({ arms: 'a: [{ include: lb }]', tail: 'timeScale: 10' })
    expect(edge).toMatchObject({
      id: 'lb-edge-1#1',
      fault: 'edge',
      target: { kind: 'link', link: 'client->api', ordinal: 'all' },
      params: { idleMs: 6000, buffering: false },
    })
    const storm = scenario({ arms: 'a: [{ include: storm }]' }).arms[0]!.faults
    expect(storm.map(({ id }) => id)).toEqual(['storm-rolling-deploy-1', 'storm-late'])
  })
  test('draws the same whatever stands beside it, and leaves the others where they were', () => {
    const drop = '{ fault: drop, target: client->api, at: 1m, for: 1m, compose: true }'
    const kill = '{ fault: kill, target: store, every: 2m }'
    const alone = firings({ arms: 'a: [{ include: storm }]' })
    const patterns = '[durable-postgres]'
    const beside = firings({ arms: `a: [${kill}, { include: storm }, ${drop}]`, patterns })
    expect(beside.filter(({ id }) => id.startsWith('storm'))).toEqual(alone)
    const without = firings({ arms: `a: [${kill}, ${drop}]`, patterns })
    expect(beside.filter(({ id }) => !id.startsWith('storm'))).toEqual(without)
  })
  test('takes its place in the arm', () => {
    const arms =
      'a: [{ fault: kill, target: store, at: 1m }, { include: lb }, { fault: drop, target: api->store, at: 1m, for: 1m }]'
    expect(scenario({ arms }).arms[0]!.faults.map(({ id }) => id)).toEqual(['kill-1', 'lb-edge-1', 'drop-1'])
  })
})

describe('is refused, with its place in the scenario, when', () => {
  const refused = (text: Text) => problemsOf(() => parseScenario(scenarioText(text), 's.yaml', catalog))
  const cases: readonly [string, Text, ...string[]][] = [
    [
      'there is none of that name',
      { arms: 'a: [{ include: storn }]' },
      's.yaml:6:18: arms.a[0].include: unknown profile "storn" (did you mean "storm"?); profiles: lb, storm, or a path such as ./my-lb.yaml',
    ],
    ['it is no name', { arms: 'a: [{ include: 5 }]' }, 's.yaml:6:18: arms.a[0].include: 5 is not a text; write a text'],
    [
      'something else stands beside it',
      { arms: 'a: [{ include: lb, at: 5m }]' },
      's.yaml:6:22: arms.a[0]: unknown key "at"; keys: include',
    ],
    [
      'it is included twice in one arm',
      { arms: 'a: [{ include: lb }, { include: lb }]' },
      's.yaml:6:35: arms.a[1].include: lb is already in this arm; include it once',
    ],
    [
      'it is compressed further than it bears',
      { arms: 'a: [{ include: storm }]', tail: 'timeScale: 61' },
      's.yaml:6:18: arms.a[0].include: storm cannot be compressed 61 times: nodes start in real time; write timeScale: 60 or less',
    ],
    [
      'it overlaps another fault',
      { arms: 'a: [{ fault: stall, target: client->api, at: 1m, for: 5s }, { include: lb }]' },
      's.yaml:6:74: arms.a[1].include: lb-edge-1 may act on client->api while stall-1 does; separate them, use two arms, or say compose: true in both',
    ],
    [
      'another fault has one of its ids',
      {
        arms: 'a: [{ include: storm }, { fault: kill, id: storm-late, target: store, at: 1m }]',
        patterns: '[durable-postgres]',
      },
      's.yaml:6:46: arms.a[1].id: "storm-late" is already another fault of this arm; choose another id',
    ],
    [
      'it fires after the load',
      { arms: 'a: [{ include: storm }]', head: 'profile: smoke' },
      's.yaml:6:18: arms.a[0].include: storm-late: 14m is after the load, which ends at 10m30s; write less, or offer more tasks',
    ],
    [
      'it stands in the control',
      { arms: 'none: [{ include: lb }]' },
      's.yaml:6:9: arms.none: none is the control; leave it empty and give the faults another arm',
    ],
  ]
  test.each(cases)('%s', (_, text, ...lines) => {
    expect(refused(text)).toEqual(lines)
  })
})

const durations = 'write a duration such as 200ms, 30s, 5m or 1h30m'
const head = 'name: lb\nabout: x\n'
const entry = (text: string): string => `${head}faults:\n  - { ${text} }`
const broken: readonly [string, string, ...string[]][] = [
  ['is empty', '# nothing\n', '1:1: is empty; write a map with name, about and faults'],
  ['is no map', '- a', '1:1: a list is not a map; write a map'],
  ['is no YAML', 'name: "lb', '1:10: not valid YAML: Missing closing "quote'],
  [
    'has an unknown key and lacks others',
    'name: lb\nfault: []',
    '1:1: about is missing; write a text',
    '1:1: faults is missing; write a list',
    '2:1: unknown key "fault" (did you mean "faults"?); keys: name, about, timeScale, faults',
  ],
  [
    'has not the name of its file',
    entry('fault: edge, at: 0s, for: load').replace('lb', 'alb'),
    '1:7: name: "alb" is not the name of its file; write lb',
  ],
  ['has no fault', `${head}faults: []`, '3:9: faults: a list with 0 entries; write at least 1'],
  [
    'includes another',
    entry('include: storm'),
    '4:5: faults[0]: a profile cannot include another; write its faults here',
  ],
  ['includes itself', entry('include: lb'), '4:5: faults[0]: a profile cannot include another; write its faults here'],
  [
    'has a limit without a reason',
    `${entry('fault: edge, at: 0s, for: load')}\ntimeScale: { max: 10 }`,
    '5:12: timeScale.why is missing; write a text',
  ],
  [
    'has a parameter without a unit',
    entry('fault: edge, at: 0s, for: load, idle: 60'),
    `4:45: faults[0].idle: 60 has no unit; ${durations}`,
  ],
  [
    'has a wrong target',
    entry('fault: edge, target: api->store, at: 0s, for: load'),
    '4:28: faults[0].target: edge cannot act on api->store; write a link: client->api',
  ],
  [
    'has two faults with one id',
    `${entry('id: x, fault: kill, target: api, at: 1m')}\n  - { id: x, fault: kill, target: api, at: 9m }`,
    '5:11: faults[1].id: "x" is already another fault of this arm; choose another id',
  ],
]

describe('a profile that', () => {
  const withProfile = (source: ProfileText) => ({ ...catalog, faultProfiles: new Map([['lb', source]]) })
  test.each(broken)('%s is refused with the place in its own file', (_, text, ...lines) => {
    const own = withProfile({ file: 'profiles/lb.yaml', text })
    const twice = scenarioText({ arms: 'a: [{ include: lb }]\nb: [{ include: lb }]' })
    expect(problemsOf(() => parseScenario(twice, 's.yaml', own))).toEqual(
      lines.map((line) => `profiles/lb.yaml:${line}`),
    )
  })
  test('is broken is told together with what is wrong in the scenario', () => {
    const own = withProfile({ file: 'lb.yaml', text: 'name: lb' })
    const text = scenarioText({ arms: 'a: [{ include: lb }]', tail: 'grace: 5' })
    expect(problemsOf(() => parseScenario(text, 's.yaml', own))).toEqual([
      `s.yaml:7:8: grace: 5 has no unit; ${durations}`,
      'lb.yaml:1:1: about is missing; write a text',
      'lb.yaml:1:1: faults is missing; write a list',
    ])
  })
  test('nobody includes may be as broken as it likes', () => {
    const own = withProfile({ file: 'lb.yaml', text: '[' })
    expect(parseScenario(scenarioText(), 's.yaml', own).name).toBe('it')
  })
})

describe('a profile of the user', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'outlast-profiles-'))
    await mkdir(join(folder, 'mine'))
    await writeFile(
      join(folder, 'mine/my-lb.yaml'),
      'name: my-lb\nabout: x\nfaults: [{ fault: edge, at: 0s, for: load, idle: 5s }]',
    )
    await writeFile(join(folder, 'bad.yaml'), 'name: bad\nabout: x\nfaults: [{ fault: edg, at: 0s, for: load }]')
  })
  afterAll(() => rm(folder, { recursive: true }))
  async function load(arms: string) {
    const path = join(folder, 's.yaml')
    await writeFile(path, scenarioText({ arms }))
    return loadScenario(path, catalog)
  }
  const refusal = (arms: string): Promise<string> =>
    load(arms).then(String, (error: unknown) => (error as Error).message.replaceAll(`${folder}/`, ''))

  test('is found from where the scenario is', async () => {
    const { scenario: read } = await load('a: [{ include: ./mine/my-lb.yaml }]')
    expect(read.arms[0]!.faults).toMatchObject([{ id: 'my-lb-edge-1', params: { idleMs: 5000 } }])
  })
  test('goes with the scenario, from a run to the runs that repeat it', async () => {
    await mkdir(join(folder, 'other'), { recursive: true })
    await writeFile(
      join(folder, 'other/my-lb.yaml'),
      (await readFile(join(folder, 'mine/my-lb.yaml'), 'utf8')) + ' # other',
    )
    await mkdir(join(folder, 'here'), { recursive: true })
    const path = join(folder, 'here/s.yaml')
    const arms = `a: [{ include: ../mine/my-lb.yaml }] # stays\nb:\n  - include: '../other/my-lb.yaml'\n  - { fault: kill, target: store, at: 1m }`
    await writeFile(path, scenarioText({ arms, patterns: '[durable-postgres]' }))
    const first = await loadScenario(path, catalog)
    const run = await createRun(join(folder, 'runs'), { ...study(5), schedule: '', ...kept(first) })
    const again = await loadScenario(join(run.path, 'scenario.yaml'), catalog)
    expect(again.scenario).toEqual(first.scenario)
    expect([...again.profiles.values()]).toEqual([...first.profiles.values()])
    expect(again.text).toBe(
      scenarioText({
        patterns: '[durable-postgres]',
        arms: arms
          .replace('../mine/my-lb.yaml', '"./profiles/my-lb.yaml"')
          .replace("'../other/my-lb.yaml'", '"./profiles/2/my-lb.yaml"'),
      }),
    )
    const third = await createRun(join(folder, 'runs'), { ...study(5), schedule: '', ...kept(again) })
    expect((await loadScenario(join(third.path, 'scenario.yaml'), catalog)).text).toBe(again.text)
  })
  test('is found again however its path was written', () => {
    const renamed = new Map([['./a.yaml', './b: c.yaml']])
    const text =
      "x:\n  - include: |-\n      ./a.yaml\n  - { include: './a.yaml', id: './a.yaml' } # include: ./a.yaml\n"
    const source = readDocument(text, 's.yaml')
    expect('data' in source && source.withValues('include', renamed)).toBe(
      `x:\n  - include: "./b: c.yaml"\n  - { include: "./b: c.yaml", id: './a.yaml' } # include: ./a.yaml\n`,
    )
  })
  test('stays where it is in a scenario that includes none by its path', async () => {
    const { text, profiles } = await load('a: [{ include: lb }] # as written')
    expect(text).toBe(scenarioText({ arms: 'a: [{ include: lb }] # as written' }))
    expect(profiles.size).toBe(0)
  })
  test('that is not there is refused where it is included', async () => {
    expect(await refusal('a: [{ include: ./mine/lb.yaml }]')).toBe(
      's.yaml:6:18: arms.a[0].include: mine/lb.yaml: there is no such file',
    )
  })
  test('that is wrong is refused with its place', async () => {
    expect(await refusal('a: [{ include: ./bad.yaml }]')).toMatch(
      /^bad\.yaml:3:19: faults\[0\]\.fault: unknown fault "\.\.\."; faults: .*edge/,
    )
  })
  test('is not looked for in a scenario that cannot be read', async () => {
    expect(await refusal('a: [{ include: ./mine/lb.yaml')).toMatch(/not valid YAML/)
    expect(await refusal('a: ./mine/lb.yaml')).toMatch(/is not a list/)
  })
})
