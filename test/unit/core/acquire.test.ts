import { expect, test } from 'vitest'
import { sinceOf } from '../../../harness/faults/_kit/acquire.ts'

test('several effects began with the first, and nobody knows when if one cannot tell', () => {
  expect(sinceOf([{ sinceMs: 5 }, { sinceMs: 3 }])).toEqual({ sinceMs: 3 })
  expect(sinceOf([{ sinceMs: 5 }, {}])).toEqual({})
  expect(sinceOf([])).toEqual({})
})
