import { expect, test } from 'vitest'
import { selectCells } from '../../../harness/plan/compile.ts'
import { UsageError } from '../../../harness/core/errors.ts'
import { study } from '../reports/study.ts'

const { plan } = study(5)
const scenario = {
  patterns: [...new Set(plan.cells.map(({ pattern }) => pattern))],
  arms: [...new Set(plan.cells.map(({ arm }) => arm))].map((name) => ({ name, faults: [] })),
}

test('without a choice the plan stays whole', () => {
  expect(selectCells(plan, scenario, {})).toEqual(plan)
})

test('a part of a plan has the same cells as the whole', () => {
  const part = selectCells(plan, scenario, { patterns: ['webhook', 'sync'], arms: ['kill', 'receiver-down'] })
  expect(part.cells.map(({ id }) => id).toSorted()).toEqual([
    'sync.kill.1',
    'webhook.kill.1',
    'webhook.receiver-down.1',
  ])
  for (const cell of part.cells) expect(plan.cells).toContain(cell)
  expect(part.notApplicable.map(({ pattern }) => pattern)).toEqual(['sync'])
})

test('published numbers about what is left out are left out, and gates say so', () => {
  const gate = { pattern: 'webhook', arm: 'kill', metric: 'success', min: 0.9 } as const
  const published = [{ pattern: 'webhook', arm: 'kill', source: 'x', success: 0.9 }]
  const whole = { ...plan, gates: [gate], published }
  expect(selectCells(whole, scenario, { arms: ['none'] })).toMatchObject({
    gates: [{ ...gate, leftOut: '--arms' }],
    published: [],
  })
  expect(selectCells(whole, scenario, { patterns: ['sync'] }).gates).toEqual([{ ...gate, leftOut: '--patterns' }])
  expect(selectCells(whole, scenario, { arms: ['kill'] })).toEqual({
    ...whole,
    cells: expect.any(Array) as unknown,
    notApplicable: expect.any(Array) as unknown,
    selection: { arms: ['kill'], controlsLeftOut: ['none', 'receiver-down', 'idle-timeout', 'latency'] },
  })
})

test('a plan says which arms without a fault were left out', () => {
  const { name } = scenario.arms[0]!
  const harmed = scenario.arms.map((arm) => (arm.name === name ? arm : { ...arm, faults: [{} as never] }))
  const chosen = (arms: readonly string[]) => selectCells(plan, { ...scenario, arms: harmed }, { arms }).selection
  expect(chosen(['kill'])).toEqual({ arms: ['kill'], controlsLeftOut: [name] })
  expect(chosen(['kill', name])).toEqual({ arms: ['kill', name], controlsLeftOut: [] })
})

test('every unknown name is a problem of its own', () => {
  try {
    selectCells(plan, scenario, { patterns: ['wehook', 'sync'], arms: ['kil', 'x'] })
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    const { problems } = error as UsageError
    expect(problems).toHaveLength(3)
    expect(problems[0]).toMatch(/no pattern "wehook" \(did you mean "webhook"\?\); its patterns: sync, webhook/)
    expect(problems[1]).toMatch(/no arm "kil" \(did you mean "kill"\?\)/)
  }
})
