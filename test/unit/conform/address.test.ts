import { expect, test } from 'vitest'
import { placeOf, placesIn } from '../../../harness/conform/address.ts'

const root = { url: 'http://127.0.0.1:8080' }
const mounted = { url: 'https://example.com/agent-api' }

test('a path is below the mount point, an address is not', () => {
  expect(placeOf(root, '/v1/tasks').href).toBe('http://127.0.0.1:8080/v1/tasks')
  expect(placeOf(mounted, '/v1/tasks/a?after=1').href).toBe('https://example.com/agent-api/v1/tasks/a?after=1')
  expect(placeOf(mounted, 'http://127.0.0.1:9/agent-api/v1/tasks').href).toBe('http://127.0.0.1:9/agent-api/v1/tasks')
})

const asked = new URL('https://example.com/agent-api/v1/tasks')

test.each([
  ['/v1/tasks/a', ['https://example.com/agent-api/v1/tasks/a', 'https://example.com/v1/tasks/a']],
  ['tasks/a', ['https://example.com/agent-api/v1/tasks/a']],
  ['https://example.com/agent-api/v1/tasks/a', ['https://example.com/agent-api/v1/tasks/a']],
  ['http://example.com/agent-api/v1/tasks/a', ['https://example.com/agent-api/v1/tasks/a']],
  ['https://elsewhere.example/v1/tasks/a', []],
  ['http://[', []],
])('%s may be at', (reference, places) => {
  expect(placesIn(mounted, asked, reference).map(({ href }) => href)).toEqual(places)
})

test.each(['http://127.0.0.1:8080//elsewhere.example/v1', '/.//elsewhere.example/v1', 'http://127.0.0.1:8080//'])(
  '%s leads to nobody else',
  (reference) => {
    const places = placesIn(root, new URL('http://127.0.0.1:8080/v1/tasks'), reference)
    expect(places.map(({ origin }) => origin)).toEqual([root.url])
  },
)

test('without a mount point a reference leads to one place', () => {
  const from = new URL('http://127.0.0.1:8080/v1/tasks')
  expect(placesIn(root, from, '/v1/tasks/a').map(({ href }) => href)).toEqual(['http://127.0.0.1:8080/v1/tasks/a'])
})
