import { expect, test } from 'vitest'
import type { CellResult, RunResults } from '../../../harness/model/results.ts'
import { callbackRows, overlapRows, requestRows } from '../../../reports/side-tables.ts'

const share = (successes: number, n: number) => ({ successes, n, interval: [0.4, 0.7] as const, method: '' })
const results = (...cells: readonly Partial<CellResult>[]): RunResults => {
  const named = cells.map((cell, i) => {
    return { cell: { arm: 'a', pattern: `p${i}`, repetition: 1, faults: [] }, success: share(1, 1), ...cell }
  })
  return { cells: named, plan: { notApplicable: [] } } as unknown as RunResults
}

const requests = { tasks: 40, submissions: 40, requests: 120, cuts: 0, mostCuts: 0, tasksCut: 0 }

test('what each task took is told wherever it was counted, also where nothing was cut', () => {
  const none = { requests: { ...requests, tasks: 0 } } as Partial<CellResult>
  expect(requestRows(results(none))).toEqual([])
  expect(requestRows(results({ requests } as Partial<CellResult>, none))).toEqual([
    ['a', 'p0', '1.00', '3.00', '0.00', '0', '0/40'],
    ['', 'p1', '–', '–', '–', '–', '–'],
  ])
})

test('posts per task are told wherever there were any', () => {
  const one = { callbacks: { single: share(40, 40), posts: 40, most: 1 } }
  expect(callbackRows(results({}))).toEqual([])
  expect(callbackRows(results(one))).toEqual([['a', 'p0', '40', '40', '1.00', '1', '100% [40.0, 70.0]']])
  const many = { callbacks: { single: share(23, 40), posts: 110, most: 6 } }
  expect(callbackRows(results(one, many, {}))).toEqual([
    ['a', 'p0', '40', '40', '1.00', '1', '100% [40.0, 70.0]'],
    ['', 'p1', '40', '110', '2.75', '6', '57.5% [40.0, 70.0]'],
    ['', 'p2', '–', '–', '–', '–', '–'],
  ])
})
test('attempts at once are told where there were any', () => {
  expect(overlapRows(results({}))).toEqual([])
  const overlap = { never: share(53, 60), totalMs: 50_100, mostMs: 7230 }
  expect(overlapRows(results({}, { overlap }))).toEqual([
    ['a', 'p0', '–', 'none seen', '–', '–'],
    ['', 'p1', '60', '88.3% [40.0, 70.0]', '50.1 s', '7.23 s'],
  ])
})
