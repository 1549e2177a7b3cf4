import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { openRegistry } from '../../../harness/registry.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { formatScenarioSchema, formatProfileSchema } from '../../../tools/write-schema.ts'
import { parseScenario } from '../../../harness/scenario/parse.ts'
import { previewPlan } from '../../../harness/plan/preview.ts'
import { formatSchedule } from '../../../harness/plan/schedule.ts'

/** The real one: shipped scenarios are about what is shipped. */
const catalog = await openRegistry().catalog()
const folder = new URL('../../../scenarios/', import.meta.url)
const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'))
const read = (name: string) => readFile(new URL(name, folder), 'utf8')
const plan = async (name: string) =>
  compilePlan(parseScenario(await read(name), name, catalog), catalog, { runtime: 'process' })

test('the schema for editors is that of the code; `npm run schema` writes it', async () => {
  expect(await read('scenario.schema.json')).toBe(formatScenarioSchema(catalog.faults))
  expect(await read('profile.schema.json')).toBe(formatProfileSchema(catalog.faults))
})

describe.each([...catalog.faultProfiles.keys()])('profile %s', (name) => {
  const included = (timeScale: number): string =>
    `name: it\nquestion: why?\ntimeScale: ${timeScale}\npatterns: [durable-postgres, sync]\nload: { tasks: 9000, rate: 5/min }\narms: { a: [{ include: ${name} }] }`
  const planned = (timeScale: number) => {
    const scenario = parseScenario(included(timeScale), 'it.yaml', catalog)
    const everything = [...catalog.faults.values()].flatMap(({ needs }) => needs)
    const runtimes = new Map([['able', { name: 'able', offers: everything }]])
    return compilePlan(scenario, { ...catalog, runtimes }, { runtime: 'able' })
  }
  test('names its schema, and itself', async () => {
    const [first, second] = (await read(`profiles/${name}.yaml`)).split('\n')
    expect(first).toBe('# yaml-language-server: $schema=../profile.schema.json')
    expect(second).toBe(`name: ${name}`)
  })
  test('is carried out under its name at full length and compressed 60 times, and no more than it bears', () => {
    for (const scale of [1, 60])
      expect(planned(scale).cells[0]!.faults[0]!.id).toMatch(new RegExp(`^${name}-[a-z-]+-1#1$`))
    expect(() => planned(1000)).toThrow(`${name} cannot be compressed 1000 times: `)
  })
})

describe.each(files)('%s', (name) => {
  test('names the schema in its first line, and itself', async () => {
    const [first, second] = (await read(name)).split('\n')
    expect(first).toBe('# yaml-language-server: $schema=./scenario.schema.json')
    expect(second).toBe(`name: ${name.replace('.yaml', '')}`)
  })
  test('compiles twice to the same bytes', async () => {
    expect(formatSchedule(await plan(name))).toBe(formatSchedule(await plan(name)))
  })
  test('can be previewed', async () => {
    const { cells } = await plan(name)
    const preview = previewPlan(await plan(name))
    for (const { id } of cells) expect(preview).toContain(id)
  })
})

test('the article’s study has many small kills: at least 30 episodes, at most three tasks per node', async () => {
  const { cells } = await plan('techbytes-2026.yaml')
  const article = cells.filter(({ arm }) => arm === 'article')
  expect(article).toHaveLength(4)
  // Restate has one worker by design, so a rate per node gives it an eighth of the kills.
  for (const { faults, load, replicas } of article.filter(({ engine }) => engine !== 'restate')) {
    expect(faults.filter(({ fault }) => fault === 'kill').length).toBeGreaterThanOrEqual(30)
    expect((load.ratePerSec * 5) / replicas.executor).toBeLessThanOrEqual(3)
  }
})
