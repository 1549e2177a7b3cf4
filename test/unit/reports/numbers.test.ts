import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Proportion } from '../../../harness/model/judgements.ts'
import {
  count,
  duration,
  neededText,
  percent,
  percentInterval,
  plural,
  shareOf,
  shownInterval,
} from '../../../reports/numbers.ts'

test.each([
  [0, '0%'],
  [1, '100%'],
  [1.4, '140%'],
  [0.942, '94.2%'],
  [0.9998, '99.98%'],
  [0.99999, '99.999%'],
  [0.0001, '0.01%'],
  [0.9999999999, '>99.9999%'],
  [1e-9, '<0.0001%'],
  [1 - 1e-16, '100%'],
  [Number.NaN, 'n/a'],
])('%d is %s', (share, text) => {
  expect(percent(share)).toBe(text)
})

test('no share that is neither 0 nor 1 is shown as if it were', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-11, max: 1 - 1e-11, noNaN: true }), (share) => {
      expect(['0%', '100%', '0.0%', '100.0%']).not.toContain(percent(share))
    }),
  )
})

test('an interval shows both ends', () => {
  expect(percentInterval([0.987, 1])).toBe('[98.7%, 100%]')
})

test.each([
  [null, '∞'],
  [Infinity, '∞'],
  [0, '0 ms'],
  [9.94, '9.9 ms'],
  [9.96, '10 ms'],
  [120.4, '120 ms'],
  [999.4, '999 ms'],
  [999.6, '1.00 s'],
  [9_999, '10.0 s'],
  [90_000, '90.0 s'],
  [150_000, '2.5 min'],
  [7_200_000, '2.0 h'],
  [-3, '-3.0 ms'],
])('%d ms is %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

test('counts are grouped and nouns agree', () => {
  expect(count(31_477)).toBe('31,477')
  expect(count(123)).toBe('123')
  expect(plural(1, 'task')).toBe('1 task')
  expect(plural(2_000, 'task')).toBe('2,000 tasks')
})

const plain: Proportion = { successes: 90, n: 100, interval: [0.82, 0.94], method: 'Clopper-Pearson' }

test('an interval is shown where there is one, else why there is none', () => {
  expect(shownInterval(plain)).toBe('[82.0%, 94.0%]')
  const { interval: _, ...few } = { ...plain, method: '3 faults: too few for an interval over faults' }
  expect(shownInterval(few)).toBe('3 faults: too few for an interval over faults')
  expect(shownInterval({ ...few, n: 0 })).toBe('–')
})

test('what is needed is in faults or in tasks', () => {
  expect(neededText({ tasks: 2995 })).toBe('2,995 tasks')
  expect(neededText({ faults: 36 })).toBe('36 faults')
  expect(neededText(undefined)).toBe('')
})

test('no tasks have no share', () => {
  expect(shareOf({ ...plain, successes: 0, n: 0 })).toBeNaN()
})
