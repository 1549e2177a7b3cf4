import { expect, test } from 'vitest'
import { neverSent } from '../../../patterns/contract/client/http.ts'

const failure = (code: string, syscall?: string) =>
  Object.assign(new Error(code), { code, ...(syscall && { syscall }) })

test.each([
  ['ECONNREFUSED', 'connect', true],
  ['ETIMEDOUT', 'connect', true],
  ['EHOSTUNREACH', 'connect', true],
  ['ENOTFOUND', 'getaddrinfo', true],
  // Of several addresses none took the connection.
  ['ECONNREFUSED', undefined, true],
  ['UND_ERR_CONNECT_TIMEOUT', undefined, true],
  // What Linux says of a connection that stood, when its packets are refused on the way.
  ['EHOSTUNREACH', 'read', false],
  ['ENETUNREACH', 'write', false],
  ['ECONNRESET', 'read', false],
  ['UND_ERR_SOCKET', undefined, false],
])('%s in %s: never sent is %s', (code, syscall, expected) => {
  expect(neverSent(failure(code, syscall))).toBe(expected)
})
