import { expect, test } from 'vitest'
import type { RunResults } from '../../../harness/model/results.ts'
import { annotationsOf } from '../../../reports/annotations.ts'
import { study } from './study.ts'

const results = { ...study(12), folder: 'runs/fiction' }

/** As the runner of GitHub Actions reads a line: https://github.com/actions/runner, ActionCommand.cs. */
function read(line: string): { level: string; title: string; message: string } {
  const [, level, title, message] = /^::(\w+) title=([^,:]*)::(.*)$/.exec(line) ?? []
  const plain = (text = ''): string =>
    text
      .replaceAll('%3A', ':')
      .replaceAll('%2C', ',')
      .replaceAll('%0A', '\n')
      .replaceAll('%0D', '\r')
      .replaceAll('%25', '%')
  return { level: level ?? 'none', title: plain(title), message: plain(message) }
}

test('what is broken and what is INVALID is an error, what is INCONCLUSIVE a warning, each said once', () => {
  const notes = annotationsOf(results).map(read)
  expect(notes.map(({ level, title }) => `${level} ${title}`)).toEqual([
    'error outlast FAIL: webhook under kill: gate success ≥ 99.0%',
    'error outlast FAIL: durable-restate under kill: promise effect-once',
    'error outlast INVALID: polling under latency',
    'warning outlast INCONCLUSIVE: durable-postgres under kill: gate success ≥ 99.9%',
    'warning outlast INCONCLUSIVE: sync under latency',
    'warning outlast INCONCLUSIVE: durable-postgres under latency',
  ])
  expect(notes[0]!.message).toContain('replay: npx outlast run runs/fiction/scenario.yaml')
})

test('a run that passes has none', () => {
  const cells = results.cells.filter(({ cell, verdict }) => cell.pattern === 'durable-postgres' && verdict === 'PASS')
  const plan = { ...results.plan, cells: cells.map(({ cell }) => cell) }
  expect(annotationsOf({ ...results, plan, cells, gates: [], verdict: 'PASS', reasons: [] })).toEqual([])
})

test('nothing that a run says ends its line or its title, or begins a command of its own', () => {
  const hostile = '100%\r\n::set-output name=a::b, c: d %0A'
  const gates = results.gates.map((one) => ({
    ...one,
    gate: { ...one.gate, pattern: hostile, arm: hostile },
    note: hostile,
    verdict: 'FAIL' as const,
  }))
  const lines = annotationsOf({ ...results, gates })
  const first = lines.map(read).find(({ title }) => title.includes('set-output'))
  for (const line of lines) expect(line).toMatch(/^::(?:error|warning) title=[^:,\r\n]*::[^\r\n]*$/)
  expect(first!.title).toContain('::set-output name=a::b, c: d %0A')
  expect(first!.message).toContain('::set-output name=a::b, c: d %0A')
})

test('of more than GitHub shows of one level, the last says how many there are', () => {
  const one = results.gates.find(({ verdict }) => verdict === 'FAIL')!
  const gates = Array.from({ length: 40 }, (_, i) => ({ ...one, gate: { ...one.gate, min: 0.5 + i / 1000 } }))
  const errors = annotationsOf({ ...results, gates } satisfies RunResults).filter((line) => line.startsWith('::error'))
  expect(errors).toHaveLength(10)
  expect(read(errors[9]!)).toMatchObject({ title: 'outlast and more', message: expect.stringMatching(/^and 33 more/) })
})
