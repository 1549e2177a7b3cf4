import { expect, test } from 'vitest'
import type { GateResult } from '../../../harness/model/judgements.ts'
import type { CellResult, RunResults } from '../../../harness/model/results.ts'
import junit from '../../../reports/formats/junit.ts'
import { readCases, schemaProblems } from '../../support/junit.ts'
import { study } from './study.ts'

const base = study(12)
const whole = withTasks({ ...base, folder: 'runs/fiction' })
const nothing = { ...base, plan: { ...base.plan, cells: [], notApplicable: [] }, cells: [], gates: [] }
const kill = base.cells.find(({ cell }) => cell.id === 'durable-restate.kill.1')!

/** As the judge names them. */
function withTasks(results: RunResults): RunResults {
  return eachCell(results, (cell) => ({
    ...cell,
    checks: cell.checks.map((check) =>
      check.status === 'fail' && check.promised ? { ...check, tasks: ['t-00003', 't-00007'] } : check,
    ),
  }))
}

function eachCell(results: RunResults, change: (cell: CellResult) => CellResult): RunResults {
  return { ...results, cells: results.cells.map(change) }
}

/** One pattern under one arm, `times` times, and nothing else. */
function alone(verdict: RunResults['verdict'], cells: readonly CellResult[], gates: readonly GateResult[] = []) {
  const plan = { ...base.plan, cells: cells.map(({ cell }) => cell), notApplicable: [] }
  return { ...whole, plan, cells, gates, verdict }
}

async function stateOf(results: RunResults, name: string): Promise<string> {
  const found = (await readCases(junit.render(results))).get(`fiction.durable-restate.kill ${name}`)
  if (!found) return 'absent'
  return (['failure', 'error', 'skipped'] as const).find((kind) => found[kind]) ?? 'passed'
}

const hostile = `<b a="1">&amp;]]> 'x' \u0000\u0007\uFFFF\uD800 \u2028\r\n\ttwo`

test.each([
  ['a study', whole],
  ['a run in which nothing happened', { ...nothing, verdict: 'INVALID', reasons: [] } as const],
  ['a run full of markup and of what XML has not', rude(whole)],
])('%s is well-formed, and valid by the schema', async (_, results) => {
  expect(await schemaProblems(junit.render(results))).toEqual([])
})

function rude(results: RunResults): RunResults {
  const plan = {
    ...results.plan,
    scenario: hostile,
    notApplicable: [{ pattern: hostile, arm: hostile, reason: hostile }],
  }
  return eachCell({ ...results, plan, run: hostile, folder: hostile, reasons: [hostile] }, (cell) => ({
    ...cell,
    reasons: [hostile],
    checks: cell.checks.map((check) => ({ ...check, summary: hostile })),
  }))
}

test('the schema refuses what JUnit readers do', async () => {
  const text = junit.render(whole)
  expect(await schemaProblems(text.replace(' failures="', ' losses="'))).not.toEqual([])
  expect(await schemaProblems(text.replace('</testsuites>', ''))).not.toEqual([])
})

test('a broken promise is a failure that names the promise, tasks and the command that replays it', async () => {
  const cases = await readCases(junit.render(whole))
  const [failure] = cases.get('fiction.durable-restate.kill promise effect-once')!.failure!
  expect(failure!.type).toBe('FAIL')
  expect(failure!.message).toBe(
    'promise effect-once is broken: durable-restate.kill.1: 3 steps were executed again; tasks t-00003, t-00007; ' +
      'replay: npx outlast run runs/fiction/scenario.yaml --seed 42 --schedule runs/fiction/schedule.json',
  )
  expect(failure!.inner!.split('\n')).toEqual([
    expect.stringMatching(/^effect-once: a completed step is never executed again/),
    'durable-restate.kill.1: 3 steps were executed again',
    'tasks: t-00003, t-00007',
    'the story of one: npx outlast explain runs/fiction t-00003 --cell durable-restate.kill.1',
    'replay: npx outlast run runs/fiction/scenario.yaml --seed 42 --schedule runs/fiction/schedule.json',
  ])
})

test('a gate that does not hold is a failure with its figures, and tasks that count against it', async () => {
  const cases = await readCases(junit.render(whole))
  const lost = whole.cells.find(({ cell }) => cell.id === 'webhook.kill.1')!.tasks.find((task) => task.outcome !== 'ok')
  const { message } = cases.get('fiction.webhook.kill gate success ≥ 99.0%')!.failure![0]!
  expect(message).toMatch(/^gate success ≥ 99.0% does not hold: observed [\d.]+% \[.*\] over 12 tasks; tasks t-/)
  expect(message).toContain(`tasks ${lost!.task}`)
  expect(cases.get('fiction.durable-postgres.kill gate success ≥ 60.0%')).not.toHaveProperty('failure')
})

test('what the record cannot tell, or nobody put to the test, is skipped with the reason', async () => {
  const cases = await readCases(junit.render(whole))
  const why = (name: string): unknown => cases.get(name)!.skipped?.[0]?.message
  expect(why('fiction.durable-postgres.kill gate success ≥ 99.9%')).toMatch(/^INCONCLUSIVE: .*3,688 tasks would settle/)
  expect(why('fiction.durable-postgres.latency promise effect-once')).toBe(
    'INCONCLUSIVE: durable-postgres.latency.1: latency-1#1 is not proven: unexercised, no connection was open',
  )
  expect(why('fiction.polling.receiver-down promises')).toMatch(/^n\/a: polling posts no callback/)
  const untested = kill.checks.map((check) => ({ ...check, status: 'unexercised' as const, summary: 'no fault' }))
  expect(await stateOf(alone('PASS', [{ ...kill, verdict: 'PASS', checks: untested }]), 'promise effect-once')).toBe(
    'skipped',
  )
})

test('an INVALID cell is an error of each of its promises, and blames none of them', async () => {
  const cases = await readCases(junit.render(whole))
  const one = cases.get('fiction.polling.latency promise no-phantom')!
  expect(one.failure).toBeUndefined()
  expect(one.error![0]).toMatchObject({ type: 'INVALID', message: expect.stringContaining('the harness was sick') })
})

test('repetitions are one case, which shows the worst of them', async () => {
  const kept = kill.checks.map((check) => ({ ...check, status: 'pass' as const }))
  const again = (repetition: number, more: Partial<CellResult>): CellResult => {
    return { ...kill, ...more, cell: { ...kill.cell, repetition, id: `durable-restate.kill.${repetition}` } }
  }
  const good = again(2, { verdict: 'PASS', checks: kept })
  const states = [
    await stateOf(alone('FAIL', [kill, good]), 'promise effect-once'),
    await stateOf(alone('INVALID', [again(1, { verdict: 'INVALID' }), good]), 'promise effect-once'),
    await stateOf(alone('INCONCLUSIVE', [again(1, { verdict: 'INCONCLUSIVE' }), good]), 'promise effect-once'),
    await stateOf(alone('PASS', [good]), 'promise effect-once'),
  ]
  expect(states).toEqual(['failure', 'error', 'skipped', 'passed'])
})

test('a planned cell without a result is not passed over', async () => {
  const { cells: _, ...rest } = alone('INCONCLUSIVE', [kill])
  expect(await stateOf({ ...rest, cells: [] }, 'promise effect-once')).toBe('skipped')
})

test('a pattern that breaks the contract fails, and its promises were not tested', async () => {
  const cases = [{ case: 'idempotency/concurrent', outcome: 'fail', reason: 'two tasks' }] as const
  const verification = { version: 1, patterns: [{ pattern: 'durable-restate', cases }] } as const
  const { cells: __, ...rest } = alone('FAIL', [kill])
  const results = { ...rest, cells: [], verification }
  const { message } = (await readCases(junit.render(results))).get('fiction.durable-restate contract')!.failure![0]!
  expect(message).toBe('not measured: fails idempotency/concurrent: two tasks')
  expect(await stateOf(results, 'promise effect-once')).toBe('skipped')
})

test.each([
  ['FAIL', 'failures="1"'],
  ['INVALID', 'errors="1"'],
  ['INCONCLUSIVE', 'skipped="1"'],
  ['PASS', 'tests="1"'],
] as const)('no document is better than its run, even one without a cell: %s', async (verdict, shown) => {
  const text = junit.render({ ...nothing, verdict, reasons: ['why'] })
  expect(text).toContain(shown)
  expect([...(await readCases(text)).keys()]).toEqual(['fiction run'])
})

test('each suite says what was run, and when', () => {
  const text = junit.render(whole)
  expect(text).toMatch(/<testsuite name="webhook under kill" [^>]*timestamp="2026-04-13T14:05:00">/)
  for (const one of [
    'scenario" value="fiction"',
    'seed" value="42"',
    'runtime" value="process"',
    'version" value="0.1.0"',
  ])
    expect(text).toContain(`<property name="${one}/>`)
})
