import { expect, test } from 'vitest'
import { watchWork } from '../../../harness/links/embedded/connection.ts'

const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'
const up = 'upstream'
const down = 'downstream'
type Passed = readonly (readonly [typeof up | typeof down, string])[]

test.each<[string, boolean, Passed]>([
  ['a request without an answer', true, [[up, 'GET /']]],
  [
    'an answer that is over',
    false,
    [
      [up, 'GET /'],
      [down, `${sized}done`],
    ],
  ],
  [
    'an answer of which a part is there',
    true,
    [
      [up, 'GET /'],
      [down, `${sized}do`],
    ],
  ],
  [
    'an answer in two parts',
    false,
    [
      [up, 'GET /'],
      [down, sized],
      [down, 'done'],
    ],
  ],
  [
    'a stream of events',
    true,
    [
      [up, 'GET /'],
      [down, head],
      [down, '5\r\nevent\r\n'],
    ],
  ],
  [
    'a stream of events that ended',
    false,
    [
      [up, 'GET /'],
      [down, head],
      [down, '5\r\nevent\r\n0\r\n\r\n'],
    ],
  ],
  [
    'a socket of the web',
    true,
    [
      [up, 'GET /'],
      [down, 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ],
  ],
  [
    'an answer without a body',
    false,
    [
      [up, 'GET /'],
      [down, 'HTTP/1.1 204 No Content\r\n\r\n'],
    ],
  ],
  [
    'a database that spoke last',
    false,
    [
      [up, 'Q'],
      [down, 'Z'],
    ],
  ],
  [
    'a database that was asked',
    true,
    [
      [up, 'Q'],
      [down, 'Z'],
      [up, 'Q'],
    ],
  ],
])('%s: at work is %s', (_, expected, passed) => {
  const work = watchWork(() => false)
  for (const [stream, text] of passed) work.saw(stream, Buffer.from(text))
  expect(work.isUnderWay()).toBe(expected)
})

test('where nothing has passed, who has only just knocked is at work and a pooled connection is not', () => {
  expect(watchWork(() => true).isUnderWay()).toBe(true)
  expect(watchWork(() => false).isUnderWay()).toBe(false)
})
