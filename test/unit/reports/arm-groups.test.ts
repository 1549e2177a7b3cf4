import { expect, test } from 'vitest'
import { caveatsOf } from '../../../reports/caveats.ts'
import { armGroups, patternOrder, rowName, tooSmall } from '../../../reports/arm-groups.ts'
import { study } from './study.ts'

const results = study(300)

test('arms and patterns come as the scenario lists them, and have one order everywhere', () => {
  const groups = armGroups(results)
  expect(groups.map(({ arm }) => arm)).toEqual(['none', 'kill', 'receiver-down', 'idle-timeout', 'latency'])
  expect(groups.map(({ control }) => control)).toEqual([true, false, false, false, false])
  const order = patternOrder(results)
  for (const { cells } of groups) {
    const places = cells.map(({ cell }) => order.indexOf(cell.pattern))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  }
})

test('patterns come as the scenario lists them, also those that were carried out in another order or not at all', () => {
  const listed = ['webhook', 'durable-restate', 'left-out', 'sync']
  const order = patternOrder({ ...results, plan: { ...results.plan, patterns: listed } })
  expect(order).toEqual(['webhook', 'durable-restate', 'sync', 'polling', 'sse-polling', 'durable-postgres'])
  expect(patternOrder(results)).toEqual(results.cells.slice(0, 6).map(({ cell }) => cell.pattern))
})

test('an arm in which nothing applies is still there', () => {
  const notApplicable = [{ pattern: 'sync', arm: 'oom', reason: 'no limit can be set' }]
  const groups = armGroups({ ...results, plan: { ...results.plan, notApplicable } })
  expect(groups.find(({ arm }) => arm === 'oom')).toMatchObject({ cells: [], control: false })
})

test('repetitions are told apart only where there are some', () => {
  const [first] = results.cells
  expect(rowName(results, first!)).toBe('sync')
  const second = { ...first!, cell: { ...first!.cell, repetition: 2 } }
  expect(rowName({ ...results, cells: [...results.cells, second] }, second)).toBe('sync #2')
})

test('few tasks are too few', () => {
  const wide = { successes: 50, n: 71, interval: [0.8, 1], method: 'x' } as const
  expect(tooSmall(wide)).toBe('only 71 tasks')
  expect(tooSmall({ ...wide, n: 72 })).toBeUndefined()
})

test('everything that speaks against a run is said, what weighs most first', () => {
  const caveats = caveatsOf(results)
  const order = [
    /1 of 25 cells are invalid .*: polling\.latency\.1/,
    /Not proven/,
    /Too small/,
    /compressed 100 times/,
    /uncommitted/,
  ]
  const places = order.map((pattern) => caveats.findIndex((caveat) => pattern.test(caveat)))
  expect(places).not.toContain(-1)
  expect(places).toEqual(places.toSorted((a, b) => a - b))
})

test('a run at full length with sound cells has nothing to confess', () => {
  const cells = results.cells.filter(({ cell, verdict }) => cell.arm === 'none' && verdict === 'PASS')
  const clean = { ...results, cells, plan: { ...results.plan, timeScale: 1 } }
  expect(caveatsOf({ ...clean, environment: { ...results.environment, deviations: [] } })).toEqual([])
})
