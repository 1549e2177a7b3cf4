import { expect, test } from 'vitest'
import { maskOf } from '../../../harness/core/masking.ts'

const mask = maskOf([
  { name: 'SHORT', value: 'a' },
  { name: 'KEY', value: 'key-12345' },
  { name: 'LONGER', value: 'key-12345-and-more' },
])

test('every text of plain data has the name of a secret in its place', () => {
  const said = { error: 'Bearer key-12345, key-12345', value: { list: ['a', 'key-12345-and-more', 7], none: null } }
  expect(mask(said)).toEqual({ error: 'Bearer $KEY, $KEY', value: { list: ['a', '$LONGER', 7], none: null } })
  expect(mask('key-12345$&')).toBe('$KEY$&')
})

test('what holds none stays the same object, and without secrets nothing is looked at', () => {
  const said = { a: [{ b: 'c' }], undefined }
  expect(mask(said)).toBe(said)
  expect(maskOf([{ name: 'SHORT', value: 'a' }])(said)).toBe(said)
})
