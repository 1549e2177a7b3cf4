import { expect, test } from 'vitest'
import { percentOf, shareText } from '../../../harness/core/numbers.ts'

test('as few digits as asked for, and only 1 reads 100 %', () => {
  expect([0, 0.5, 0.985, 1 / 3, 1].map((share) => percentOf(share))).toEqual([
    '0 %',
    '50 %',
    '98.5 %',
    '33.3 %',
    '100 %',
  ])
  expect(percentOf(0.9998)).toBe('99.98 %')
  expect(percentOf(0.999999)).toBe('99.9999 %')
  expect(percentOf(0.99996, 4)).toBe('99.996 %')
})

test('a share of nearly all does not read 1', () => {
  expect([0, 0.5, 1].map(shareText)).toEqual(['0.0000', '0.5000', '1.0000'])
  expect(shareText(0.99996)).toBe('0.99996')
  expect(shareText(0.999999)).toBe('0.999999')
})
