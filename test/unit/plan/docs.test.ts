import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { expect, test } from 'vitest'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { chooseSizes } from '../../../harness/plan/preset.ts'
import { presetIn } from '../../../harness/plan/preset-draft.ts'
import { changed, withChanges } from '../../../harness/scenario/document.ts'
import { metricNames } from '../../../harness/model/metrics.ts'
import { parseScenario } from '../../../harness/scenario/parse.ts'
import { presetNames } from '../../../harness/scenario/presets.ts'
import { catalog, scenario } from './catalog.ts'

const docs = await readFile(new URL('../../../docs/scenarios.md', import.meta.url), 'utf8')
const section = (head: string): string => docs.split(/^## /m).find((one) => one.startsWith(`${head}\n`))!
const examples = (head: string): readonly string[] =>
  [...section(head).matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => text!)

test('the gates of the docs are gates', () => {
  const [text] = examples('Gates')
  const arms = 'none: []\nkill: [{ fault: kill, target: executor, at: 1m }]'
  expect(scenario({ patterns: '[durable-postgres]', arms, tail: text! }).gates).toHaveLength(7)
  const named = (parse(text!) as { gates: object[] }).gates.flatMap((entry) => Object.keys(entry))
  for (const term of ['severity', 'onInconclusive', 'minFaults']) expect(named).toContain(term)
})

test('every metric, term and preset is told', () => {
  for (const name of metricNames)
    expect(section('Gates')).toContain(name.startsWith('overhead') ? name.split(' ')[1] : `\`${name}: '`)
  for (const name of presetNames) expect(section('Presets')).toContain(`\`${name}\``)
})

test('the preset of the docs is a scenario once its sizes are chosen', () => {
  const [text] = examples('Presets')
  const data: unknown = parse(text!)
  const read = (changes: Parameters<typeof changed>[1]) =>
    parseScenario(JSON.stringify(changed(data, changes)), 'it.yaml', catalog)
  const compile = (one: ReturnType<typeof read>) => compilePlan(one, catalog, { runtime: 'process' })
  const { changes } = chooseSizes({ data, read }, presetIn(data)!, { catalog, compile })
  expect(compile(parseScenario(withChanges(text!, changes), 'it.yaml', catalog)).cells).not.toEqual([])
})
