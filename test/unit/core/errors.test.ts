import { expect, test } from 'vitest'
import { describeError } from '../../../harness/core/errors.ts'

test('a code of the system is named, and the number of a DOMException is not', () => {
  expect(describeError(Object.assign(new Error('no'), { code: 'EACCES' }))).toBe('EACCES: no')
  expect(describeError(Object.assign(new Error('EACCES: no'), { code: 'EACCES' }))).toBe('EACCES: no')
  expect(describeError(new DOMException('gave up', 'TimeoutError'))).toBe('gave up')
})
