import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UsageError } from '../../../harness/core/errors.ts'
import type { Plan } from '../../../harness/model/plan.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { type Chosen, chooseSizes } from '../../../harness/plan/preset.ts'
import { previewPlan } from '../../../harness/plan/preview.ts'
import { loadScenario } from '../../../harness/scenario/load.ts'
import { type PresetName, presets } from '../../../harness/scenario/presets.ts'
import type { Scenario } from '../../../harness/scenario/scenario.ts'
import { outlooksOf, whyHopeless } from '../../../harness/stats/plan-design.ts'
import { catalog } from './catalog.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'outlast-preset-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

const idealMs = 30_000

async function sized(text: string, name: PresetName = 'pr') {
  const path = join(folder, 'it.yaml')
  await writeFile(path, text)
  const compile = (scenario: Scenario): Plan => compilePlan(scenario, catalog, { runtime: 'process' })
  let chosen: Chosen | undefined
  const loaded = await loadScenario(path, catalog, (draft) => {
    chosen = chooseSizes(draft, name, { catalog, compile })
    return chosen.changes
  })
  const plan = compilePlan(loaded.scenario, catalog, { runtime: 'process', preset: { name, chose: chosen!.chose } })
  return { ...loaded, plan, chosen: chosen! }
}

const text = (over: { load?: string; arms?: string; gates?: string; tail?: string } = {}): string => `
name: it
question: why? # because
timeScale: 60
profile: smoke
patterns: [durable-postgres]
load: ${over.load ?? '{ rate: 60/min }'}
arms:
  none: [] # the control
${over.arms ?? ''}
gates: ${over.gates ?? '[]'}
${over.tail ?? ''}
`
const gate = (limit: string, arm = 'none') => `[{ pattern: durable-postgres, arm: ${arm}, success: '>= ${limit}' }]`
const kills = '  kill: [{ fault: kill, target: executor }]'

const hopeless = ({ plan }: { plan: Plan }) => outlooksOf(plan, () => idealMs / 60).map(whyHopeless)

describe('tasks', () => {
  test('are as many as the gate needs, and no more than need be', async () => {
    const found = await sized(text({ gates: gate('99 %') }))
    const { tasks } = found.scenario.load
    expect(tasks * found.scenario.repetitions).toBeGreaterThanOrEqual(368)
    expect(tasks * found.scenario.repetitions).toBeLessThan(480)
    expect(hopeless(found)).toEqual([undefined])
  })

  test('are more where the gate is to be shown of a system that loses something', async () => {
    const of = async (name: PresetName) => (await sized(text({ gates: gate('95 %') }), name)).scenario
    const [pr, nightly, publish] = [await of('pr'), await of('nightly'), await of('publish')]
    const all = ({ load, repetitions }: Scenario) => load.tasks * repetitions
    expect(all(pr)).toBeGreaterThanOrEqual(72)
    expect(all(nightly)).toBeGreaterThan(1.5 * all(pr))
    expect(all(publish)).toBeGreaterThan(1.5 * all(nightly))
  })

  test('without a gate show 90 % in pr', async () => {
    expect((await sized(text())).scenario.load.tasks).toBeGreaterThanOrEqual(36)
  })
})

describe('faults that say no time', () => {
  test('fire often enough for an interval, in turn and far enough apart', async () => {
    const found = await sized(text({ arms: kills, gates: gate('70 %', 'kill') }))
    const cell = found.plan.cells.find(({ arm }) => arm === 'kill')
    const times = cell!.faults.map(({ trigger }) => (trigger.kind === 'time' ? trigger.atMs : Number.NaN))
    expect(times.length * found.scenario.repetitions).toBeGreaterThanOrEqual(5)
    for (const [i, at] of times.entries()) if (i > 0) expect(at - times[i - 1]!).toBeGreaterThanOrEqual(500 + 2500)
    expect(hopeless(found)).toEqual([undefined])
  })

  test('smoke fires each once, with few tasks', async () => {
    const { plan, scenario } = await sized(text({ arms: kills, gates: gate('99.9 %', 'kill') }), 'smoke')
    expect([scenario.load.tasks <= 60, scenario.repetitions]).toEqual([true, 1])
    expect(plan.cells.find(({ arm }) => arm === 'kill')!.faults).toHaveLength(1)
  })
})

test('what the file says wins', async () => {
  const fixed = text({
    load: '{ tasks: 77, rate: 60/min }',
    tail: 'repetitions: 2',
    arms: '  kill: [{ fault: kill, target: executor, at: 20s }]',
    gates: gate('99 %'),
  })
  const { scenario, plan } = await sized(fixed)
  expect([scenario.load.tasks, scenario.repetitions]).toEqual([77, 2])
  expect(plan.cells.filter(({ arm }) => arm === 'kill').map(({ faults }) => faults.length)).toEqual([1, 1])
  expect(plan.preset!.chose).toContain('nothing: the file says all of it')
})

test.each(Object.keys(presets) as PresetName[])(
  '%s keeps within its time, and plan says what was chosen and why',
  async (name) => {
    const { plan } = await sized(text({ arms: kills, gates: gate('99.9 %') }), name)
    const blocks = [...Map.groupBy(plan.cells, ({ block }) => block).values()]
    const ms = blocks.reduce(
      (sum, [cell]) => sum + (cell!.tasks / cell!.load.ratePerSec) * 1000 + idealMs / 60 + 2 * cell!.graceMs,
      0,
    )
    expect(ms).toBeLessThan(presets[name].budgetMs)
    const preview = previewPlan(plan)
    expect(preview).toContain(`Preset ${name} chose:\n  ${name}: ${presets[name].about}`)
    expect(preview).toMatch(/\d+ tasks per pattern, arm and repetition/)
    expect(preview).toMatch(/firings? in each repetition of kill\.kill-1, evenly over the load/)
  },
)

test('a file that says it all may take longer than its preset, which is said', async () => {
  const long = text({ load: '{ tasks: 20000, rate: 60/min }', tail: 'repetitions: 3' })
  const { plan, chosen } = await sized(long)
  expect(chosen.changes).toEqual([])
  expect(plan.preset!.chose.at(-1)).toMatch(/^at most about \d+m\d+s, more than the 5m that it is for/)
})

test('where there is no time for the gate it says so, and takes all there is', async () => {
  const { plan } = await sized(text({ gates: gate('99.999 %') }))
  expect(plan.preset!.chose.join('\n')).toContain('as much as there is time for: less than that')
})

test('the run keeps a scenario that says it all, with its comments, and means the same', async () => {
  const first = await sized(text({ arms: kills, gates: gate('70 %', 'kill') }))
  expect(first.text).toContain('# because')
  const again = await sized(first.text)
  expect(again.scenario).toEqual(first.scenario)
  expect(again.plan.preset!.chose).toContain('nothing: the file says all of it')
  expect(await readFile(join(folder, 'it.yaml'), 'utf8')).toBe(again.text)
})

test('what is wrong with the file is said in its own lines', async () => {
  const wrong = sized(text({ arms: '  kill: [{ fault: kil, target: executor }]' }))
  await expect(wrong).rejects.toThrow(/it\.yaml:10:19: arms\.kill\[0\]\.fault: unknown fault "kil"/)
  await expect(sized(text({ load: '{ tasks: many }' }))).rejects.toThrow(UsageError)
})

test('a scenario that is too long for a preset is refused, with what would help', async () => {
  const slow = text().replace('timeScale: 60', 'timeScale: 1').replace('profile: smoke', 'profile: research-write')
  await expect(sized(slow)).rejects.toThrow(
    /preset pr is for runs of 5m, and this scenario takes at least \d+m.*: raise timeScale/,
  )
})

test('without a preset the number of tasks is missing', async () => {
  const path = join(folder, 'none.yaml')
  await writeFile(path, text())
  await expect(loadScenario(path, catalog)).rejects.toThrow(
    'load.tasks is missing; write a whole number, or a preset that chooses it (preset: pr)',
  )
})
