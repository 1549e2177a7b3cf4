import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { outlast, temporaryFolders } from '../support/outlast.ts'
import { readResults, runUndisturbed } from '../support/undisturbed.ts'

const scenario = (load: string, gates: string): string => `
name: gated
question: Are gates judged, and against whom?
seed: 5
timeScale: 60
profile: smoke
patterns: [polling]
load: ${load}
grace: 6m
arms: { none: [], kill: [{ fault: kill, target: executor }] }
gates:
  - { pattern: polling, arm: none, success: '>= 50 %', late: '<= 50 %', requests: '<= 99 in >= 50 %' }
  - { pattern: polling, arm: none, lost: '<= 1 %', onInconclusive: warn }
${gates}
health: { pacerLagP99: 1500ms, eventLoopDelayP99: 1500ms }
`
const regression = "  - { pattern: polling, arm: none, regression: '<= 60 %' }"

test('plan shows what a preset chose, and strict gates refuse what is left out', { timeout: 120_000 }, async () => {
  await using folders = await temporaryFolders()
  const file = join(folders.out, 'it.yaml')
  await writeFile(file, scenario('{ rate: 60/min }', regression))
  const plan = await outlast(['plan', file, '--preset', 'pr'], folders.tmp)
  expect([plan.code, plan.stderr]).toEqual([0, ''])
  expect(plan.stdout).toMatch(
    /Preset pr chose:\n {2}pr: a system without a loss[^]*tasks per pattern, arm and repetition/,
  )
  expect(plan.stdout).toContain(
    'polling under none: regression <= 60 % (left out by a run without --against: cannot be judged)',
  )
  const strict = await outlast(['run', file, '--preset', 'smoke', '--strict-gates'], folders.tmp)
  expect([strict.code, strict.stdout]).toEqual([3, ''])
  expect(strict.stderr).toMatch(/regression <= 60 % would be left out by a run without --against\n$/)
  const missing = await outlast(['plan', file, '--preset', 'pr', '--against', 'nowhere'], folders.tmp)
  expect([missing.code, missing.stderr]).toEqual([3, expect.stringContaining('there is no run "nowhere"')])
})

test('a run is held against another, and judged again without it', { timeout: 240_000 }, async (context) => {
  await using folders = await temporaryFolders()
  const file = join(folders.tmp, '..', 'it.yaml')
  await writeFile(
    file,
    scenario('{ tasks: 40, rate: 60/min }', regression).replace(
      'kill: [{ fault: kill, target: executor }]',
      'more: []',
    ),
  )
  const before = await runUndisturbed([file, '--no-verify', '--arms', 'none'], folders, context)
  const why = before.results.reasons.join('\n')
  expect(why).toContain('regression <= 0.6: INCONCLUSIVE: left out by a run without --against')
  expect(why).toContain('(allowed by onInconclusive: warn)')
  expect([before.code, before.results.verdict]).toEqual([2, 'INCONCLUSIVE'])

  await using second = await temporaryFolders()
  const after = await runUndisturbed(
    [file, '--no-verify', '--arms', 'none', '--against', before.folder],
    second,
    context,
  )
  const gate = after.results.gates.find((one) => one.gate.metric === 'regression')!
  expect(gate).toMatchObject({ verdict: 'PASS', n: 40 })
  expect([after.code, after.results.verdict]).toEqual([0, 'PASS'])
  expect(await readFile(join(after.folder, 'against.json'), 'utf8')).toContain(`"run": "${before.results.run}"`)

  await folders[Symbol.asyncDispose]()
  const again = await outlast(['check', after.folder], second.tmp)
  expect(again.code).toBe(0)
  expect((await readResults(after.folder)).gates).toEqual(after.results.gates)
})
