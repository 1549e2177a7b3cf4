import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { planScenario } from '../../../harness/cli/scenario-arguments.ts'
import type { Plan } from '../../../harness/model/plan.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { previewPlan } from '../../../harness/plan/preview.ts'
import { openRegistry } from '../../../harness/registry.ts'
import type { ProfileText } from '../../../harness/scenario/catalog.ts'
import { parseScenario } from '../../../harness/scenario/parse.ts'
import { scenarioEntries, scenarioShape } from '../../../harness/scenario/schema.ts'
import { targetShape } from '../../../harness/scenario/target-schema.ts'
import { type Block, blocksOf, listPages } from '../../support/docs.ts'

const registry = openRegistry()
const catalog = await registry.catalog()
const keys = new Set(Object.keys(scenarioShape(catalog, scenarioEntries(catalog))))
const blocks = listPages()
  .flatMap(blocksOf)
  .filter(({ language }) => language === 'yaml')

/** What stands around a part of a scenario, so that it can be planned. Tasks are far apart, as kills in a race need them. */
const around = {
  name: 'around',
  question: 'why?',
  timeScale: 60,
  patterns: ['webhook', 'durable-postgres', 'sse-polling'],
  load: { tasks: 60, arrivals: 'uniform', rate: '2/h' },
  arms: { none: [] },
}

type Kind = 'scenario' | 'part of a scenario' | 'part of a target' | 'arms' | 'profile' | 'of another tool'

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): Kind | undefined {
  if (!isMap(value)) return undefined
  const names = Object.keys(value)
  if ('about' in value && 'faults' in value) return 'profile'
  if ('arms' in value && 'load' in value) return 'scenario'
  if (names.every((name) => keys.has(name))) return 'part of a scenario'
  if (Object.values(value).every(isArm)) return 'arms'
  // After arms: one may be called kill, as a key of a target is.
  if (names.every((name) => name in targetShape.shape)) return 'part of a target'
  if ('steps' in value || 'jobs' in value || 'scrape_configs' in value) return 'of another tool'
  if (Object.values(value).some((one) => isMap(one) && 'extends' in one)) return 'of another tool'
  return undefined
}

function isArm(value: unknown): boolean {
  return Array.isArray(value) && value.every((entry) => isMap(entry) && ('fault' in entry || 'include' in entry))
}

/** Profiles that pages describe, as files beside the scenario. */
const described = new Map(
  blocks.flatMap(({ text }): readonly [string, ProfileText][] => {
    const value: unknown = parse(text)
    if (kindOf(value) !== 'profile') return []
    const file = `./${(value as { readonly name: string }).name}.yaml`
    return [[file, { file, text, isOwn: true }]]
  }),
)

function plan(text: string, file: string): Plan {
  const faultProfiles = new Map([...catalog.faultProfiles, ...described])
  const known = { ...catalog, faultProfiles }
  // One that can do everything: whether a fault can be carried out here is not what a page is about.
  const offers = [...catalog.faults.values()].flatMap(({ needs }) => needs)
  const runtimes = new Map([['able', { name: 'able', offers }]])
  return compilePlan(parseScenario(text, file, known, files), { ...known, runtimes }, { runtime: 'able' })
}

/** What examples name beside themselves. */
const compose = `services:
  web: { image: 'me/web:1', ports: ['80'], environment: { DB: 'postgres://db:5432/x' } }
  jobs: { image: 'me/jobs:1', environment: { DB: 'postgres://db:5432/x' } }
  db: { image: 'postgres:17' }`
const files = { adapters: new Map(), composes: new Map([['docker-compose.yml', { text: compose }]]) }

/** Such an example leaves to its preset what a file may leave out. */
async function planPreset(text: string): Promise<Plan> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-'))
  try {
    await writeFile(join(folder, 'preset.yaml'), text)
    return (await planScenario(join(folder, 'preset.yaml'), { runtime: 'process' }, registry)).plan
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** As JSON, which YAML is too. */
function withAround(part: object): string {
  return JSON.stringify({ ...around, ...part })
}

function scenarioOf({ text }: Block, kind: Kind): string {
  const value = parse(text) as Readonly<Record<string, unknown>>
  if (kind === 'scenario') return text
  if (kind === 'arms') return withAround({ arms: value })
  if (kind === 'profile') return withAround({ arms: { its: [{ include: `./${String(value['name'])}.yaml` }] } })
  if (kind === 'part of a target') {
    const target = { work: { takes: '2s' }, ...value }
    return withAround({ timeScale: 1, targets: { mine: target }, patterns: ['mine'] })
  }
  if (isMap(value['targets'])) return withAround({ timeScale: 1, patterns: Object.keys(value['targets']), ...value })
  const kill = { fault: 'kill', target: 'executor-0', at: '2m', for: '30s' }
  return withAround(value['gates'] ? { timeScale: 1, arms: { none: [], kill: [kill] }, ...value } : value)
}

test('the blocks are found, of every kind', () => {
  const kinds = blocks.map(({ text }) => kindOf(parse(text)))
  expect(new Set(kinds)).toEqual(
    new Set(['scenario', 'part of a scenario', 'part of a target', 'arms', 'profile', 'of another tool']),
  )
})

const named = blocks.map((block) => [`${block.page}:${block.line}`, block, kindOf(parse(block.text))] as const)

test.each(named)('%s is of a kind that a test reads', (_, __, kind) => {
  expect(kind).toBeDefined()
})

const ours = named.filter(([, , kind]) => kind !== undefined && kind !== 'of another tool')

test.each(ours)('%s can be planned, and every arm of it harms something', async (_, block, kind) => {
  const text = scenarioOf(block, kind!)
  const planned = /^preset:/m.test(text) ? await planPreset(text) : plan(text, block.page)
  const { cells, notApplicable } = planned
  expect(cells.length).toBeGreaterThan(0)
  const arms = Map.groupBy(cells, ({ arm }) => arm)
  for (const [arm, ofArm] of arms) expect(ofArm.some(({ faults }) => faults.length > 0)).toBe(arm !== 'none')
  expect(previewPlan(planned)).toContain(cells[0]!.id)
  expect(notApplicable.filter(({ arm }) => !arms.has(arm))).toEqual([])
})

describe('what the test of all this sees', () => {
  test.each([
    ['an unknown fault', { arms: { a: [{ fault: 'kil', target: 'executor', at: '1m' }] } }, /unknown fault "kil"/],
    ['an unknown key', { arms: { a: [{ fault: 'kill', tarket: 'executor', at: '1m' }] } }, /tarket/],
    ['a number without its unit', { grace: '90' }, /no unit/],
  ])('%s', (_, part, problem) => {
    expect(() => plan(withAround(part), 'page.md')).toThrow(problem)
  })

  test('a block of another kind', () => {
    expect(kindOf({ colour: 'red' })).toBeUndefined()
  })
})
