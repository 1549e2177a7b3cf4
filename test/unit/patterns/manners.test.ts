import { expect, test } from 'vitest'
import { holdsTag, preferenceFor } from '../../../patterns/contract/server/http-manners.ts'

test.each([
  [undefined, 'page', true],
  ['', 'page', true],
  ['*/*', 'page', true],
  ['application/json', 'page', true],
  ['text/html', 'page', false],
  ['text/event-stream;q=0', 'page', false],
  ['text/event-stream-like, a/b; q=0.0', 'page', false],
  ['text/event-stream', 'stream', false],
  ['Text/Event-Stream', 'stream', false],
  ['text/event-stream;charset=utf-8', 'stream', false],
  ['text/*', 'stream', false],
  ['a/b, text/event-stream ; q=0.5, */*;q=0.1', 'stream', true],
  ['application/json, text/event-stream', 'stream', true],
  ['text/event-stream, */*', 'stream', true],
  ['application/json, text/event-stream;q=0.9', 'page', true],
  ['application/json, text/event-stream;Q=0.9', 'page', true],
  ['application/*, text/event-stream;q=0.9', 'page', true],
  ['*/*, text/event-stream;q=0.9', 'page', true],
  ['*/*, application/json;q=0', 'stream', false],
] as const)('Accept: %s asks for a %s, and takes a page: %s', (accept, wanted, takesPage) => {
  const { wantsStream, takesPage: takes } = preferenceFor(accept)
  expect([wantsStream ? 'stream' : 'page', takes]).toEqual([wanted, takesPage])
})

test('a list of validators holds one weakly or strongly, and a star holds every one', () => {
  const cases = [
    ['"5"', true, true],
    ['W/"5"', true, false],
    ['"4" , W/"5"', true, false],
    ['"4","5"', true, true],
    ['*', true, true],
    [' * ', true, true],
    ['"55", "W/5"', false, false],
    ['5', false, false],
    ['"4, 5"', false, false],
    ['', false, false],
  ] as const
  for (const [list, weakly, strongly] of cases)
    expect([list, holdsTag(list, '"5"', 'weakly'), holdsTag(list, '"5"', 'strongly')]).toEqual([list, weakly, strongly])
})
