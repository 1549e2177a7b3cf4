import { expect, test } from 'vitest'
import { preferencesOf } from '../../../patterns/contract/server/http-manners.ts'

test('preferences are read as RFC 7240 has them', () => {
  expect(preferencesOf('respond-async, wait=10')).toEqual({ respondAsync: true, waitMs: 10_000 })
  expect(preferencesOf('x="a,\\"wait=1"; p="q,r", wait="2"')).toEqual({ respondAsync: false, waitMs: 2_000 })
})

test('quotes that are not closed hold the rest', () => {
  expect(preferencesOf('wait=3, x="a, respond-async')).toEqual({ respondAsync: false, waitMs: 3_000 })
  expect(preferencesOf('wait=3, x="a, respond-async\\')).toEqual({ respondAsync: false, waitMs: 3_000 })
})

test.each(['x,a\\"', ',a"\\'])('a header of a megabyte costs no more than its length: %s', (part) => {
  expect(preferencesOf(`a"${part.repeat(2 ** 20 / part.length)}`).respondAsync).toBe(false)
})
