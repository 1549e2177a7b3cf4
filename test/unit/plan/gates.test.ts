import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../harness/core/errors.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { previewPlan } from '../../../harness/plan/preview.ts'
import { refuseGatesLeftOut } from '../../../harness/plan/strict-gates.ts'
import { catalog, scenario, type Text } from './catalog.ts'

const kill = 'none: []\nkill: [{ fault: kill, target: executor, at: 1m }]'
const made = (entry: string, over: Text = {}) =>
  scenario({ patterns: '[sync]', arms: kill, tail: `gates: [{ pattern: sync, ${entry} }]`, ...over })
const planned = (entry: string, over: Text = {}, options: object = {}) =>
  compilePlan(made(entry, over), catalog, { runtime: 'process', ...options })

const problems = (make: () => unknown): readonly string[] => {
  try {
    make()
  } catch (error) {
    if (error instanceof UsageError) return error.problems
    throw error
  }
  return []
}

describe('an entry', () => {
  test('with several metrics is a gate for each, on the same terms', () => {
    const entry =
      "arm: kill, success: '>= 99 %', late: '<= 1 %', lost: '<= 0.5 %', duplicates: '<=2%', takeover p90: '<= 2 s', restored: '<= 1m30s', confidence: 99 %, minSamples: 50, minFaults: 1, severity: warn, onInconclusive: warn"
    const about = {
      pattern: 'sync',
      arm: 'kill',
      confidence: 0.99,
      minSamples: 50,
      minFaults: 1,
      severity: 'warn',
      onInconclusive: 'warn',
    }
    expect(made(entry).gates).toEqual([
      { ...about, metric: 'success', min: 0.99 },
      { ...about, metric: 'late', max: 0.01 },
      { ...about, metric: 'lost', max: 0.005 },
      { ...about, metric: 'duplicates', max: 0.02 },
      { ...about, metric: 'takeover p90', max: 2000 },
      { ...about, metric: 'restored', max: 90_000 },
    ])
  })

  test('has times in the task’s own world, which the plan has in real ones', () => {
    const entry = "arm: kill, takeover p90: '<= 2m', rework: '<= 150 %'"
    const plan = planned(entry, { tail: `timeScale: 60\ngates: [{ pattern: sync, ${entry} }]` })
    expect(plan.gates.map(({ max }) => max)).toEqual([1.5, 2000])
    expect(previewPlan(plan)).toContain("  sync under kill: takeover p90 <= 2000 ms (2m of the task's world)")
  })

  test('on a regression is left out without a run to hold it against', () => {
    const entry = "arm: kill, regression: '<= 2 %', slowdown: '<= 50 ms'"
    expect(planned(entry).gates.map(({ leftOut }) => leftOut)).toEqual([
      'a run without --against',
      'a run without --against',
    ])
    const plan = planned(entry, {}, { against: 'before' })
    expect(plan.against).toBe('before')
    expect(plan.gates).toEqual([
      { pattern: 'sync', arm: 'kill', metric: 'regression', max: 0.02 },
      { pattern: 'sync', arm: 'kill', metric: 'slowdown', max: 50 },
    ])
  })
})

const low = "write a limit such as '<= 1 %'"
const time = "write a limit such as '<= 2 s' or '<= 200ms'"

test.each([
  ["late: '<= 100 %'", `late: 100 % and more holds whatever happens; ${low}`],
  ["late: '<= 0 %'", `late: 0 % cannot be shown by any number of tasks; ${low}`],
  ["lost: '>= 1 %'", `lost: ">= 1 %" is on the wrong side; ${low}`],
  ["rework: '<= 0 %'", `rework: 0 % cannot be shown by any number of tasks; ${low}`],
  ["regression: '<= 0 %'", `regression: 0 % cannot be shown by any number of tasks; ${low}`],
  ["restored: '>= 0 s'", `restored: ">= 0 s" is on the wrong side; ${time}`],
  ["restored: '<= 0 s'", `restored: nothing takes no time; ${time}`],
  ["takeover p90: '<= 2'", `takeover p90: "<= 2" cannot be read; ${time}`],
  ["success: '<= 99 %'", `success: "<= 99 %" is on the wrong side; write a limit such as '>= 99 %'`],
  [
    "success: '>= 99 %', confidence: 50 %",
    'confidence: a confidence is from 80 to 99.9 %; write a percentage such as 94.2 %',
  ],
  [
    "rework: '<= 5 %', confidence: 99 %",
    'rework: its interval is known at 95 % alone; leave confidence out, or write it as another entry',
  ],
  [
    "success: '>= 9 %', minSamples: 301",
    'minSamples: 301 can never be seen: there are 300 tasks, all repetitions together',
  ],
  [
    "success: '>= 9 %', severity: warn, onInconclusive: fail",
    'onInconclusive: "severity: warn" never fails a run; leave one of them out',
  ],
])('%s is refused with the reason', (entry, message) => {
  const found = problems(() => made(`arm: kill, ${entry}`))
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(/^it\.yaml:\d+:\d+: /)
  expect(found[0]!.replace(/^.*?gates\[0\]\./, '')).toBe(message)
})

test.each([
  "takeover p90: '<= 2 s'",
  "restored: '<= 2 s'",
  "exposed-success: '>= 9 %'",
  "late: '<= 9 %', minFaults: 2",
])('where the arm has no fault %s is refused', (entry) => {
  expect(problems(() => made(`arm: none, ${entry}`))).toEqual([
    expect.stringContaining('arm none has no fault, so that there is nothing to measure'),
  ])
})

test('milliseconds that do not scale are refused in compressed time, each of them', () => {
  const entry = "arm: none, overhead p50: '<= 1 s', overhead p99: '<= 1 s', slowdown: '<= 1 s'"
  expect(problems(() => made(entry))).toEqual([])
  const found = problems(() => made(entry, { tail: `timeScale: 20\ngates: [{ pattern: sync, ${entry} }]` }))
  expect(found).toHaveLength(3)
  for (const one of found)
    expect(one).toContain('milliseconds do not scale, and timeScale is 20; gate on it in a scenario at timeScale 1')
})

describe('on control', () => {
  const controlled = (entry: string, control: string) =>
    problems(() => made(entry, { tail: `control: ${control}\ngates: [{ pattern: sync, ${entry} }]` }))

  test('is over tasks that are controlled so', () => {
    const entry =
      "arm: none, after-cancel: '<= 20 %', commands-lost: '<= 10 %', cancelled p50: '<= 1 s', stopped p50: '<= 1m'"
    expect(controlled(entry, '{ cancel: 20, steer: 20 }')).toEqual([])
    expect(controlled(entry, '{ steer: 20 }')).toEqual([
      expect.stringContaining('after-cancel: nothing is controlled so; add control: { cancel: 20 } to the scenario'),
      expect.stringContaining('cancelled p50: nothing is controlled so'),
    ])
    expect(problems(() => made("arm: none, over-budget: '<= 20 %'"))).toEqual([
      expect.stringContaining('over-budget: nothing is controlled so; add control: { budget: 20 } to the scenario'),
    ])
  })

  test('has a limit that may fail', () => {
    expect(controlled("arm: none, after-cancel: '<= 100 %'", '{ rogue: 20 }')).toEqual([
      expect.stringContaining('100 % and more holds whatever happens'),
    ])
  })

  test('may ask for more commands than there are tasks', () => {
    expect(controlled("arm: none, commands-lost: '<= 5 %', minSamples: 100000", '{ steer: 20 }')).toEqual([])
  })
})

describe('--strict-gates', () => {
  const entry = "arm: kill, success: '>= 50 %', late: '<= 50 %'"

  test('refuses each gate that would be left out, and a plan without any', () => {
    const left = planned(entry, {}, { selection: { arms: ['none'] } })
    expect(problems(() => refuseGatesLeftOut(left))).toEqual([
      '--strict-gates: not every gate can be judged',
      'sync under kill: success >= 50 % would be left out by --arms',
      'sync under kill: late <= 50 % would be left out by --arms',
    ])
    expect(problems(() => refuseGatesLeftOut(planned("arm: kill, regression: '<= 5 %'")))[1]).toContain(
      'left out by a run without --against',
    )
    expect(problems(() => refuseGatesLeftOut({ ...left, gates: [] }))).toEqual([
      '--strict-gates: the scenario has no gate',
    ])
  })

  test('refuses what does not apply here, with the reason', () => {
    const plan = planned(entry)
    const gone = { ...plan, cells: [], notApplicable: [{ pattern: 'sync', arm: 'kill', reason: 'no such server' }] }
    expect(problems(() => refuseGatesLeftOut(gone))[1]).toContain(
      'would be left out by what does not apply: no such server',
    )
    expect(() => refuseGatesLeftOut(plan)).not.toThrow()
  })
})
