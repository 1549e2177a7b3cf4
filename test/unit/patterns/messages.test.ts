import { expect, test } from 'vitest'
import { readMessage } from '../../../patterns/deliveries/websocket/messages.ts'

test('a client says hello, cancel or a command', () => {
  expect(readMessage('{"type":"hello","last_seq":7}')).toEqual({ type: 'hello', last_seq: 7 })
  expect(readMessage('{"type":"cancel"}')).toEqual({ type: 'cancel' })
  const command = { id: 'c', type: 'resume' }
  expect(readMessage(JSON.stringify({ type: 'command', command }))).toEqual({ type: 'command', command })
})

test.each([
  '',
  'hello',
  '[]',
  'null',
  '{"type":"hello"}',
  '{"type":"hello","last_seq":1.5}',
  '{"type":"cancel","id":1}',
  '{"type":"command","command":{},"id":"c"}',
  `{"type":"command","command":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
])('it may not say %j', (text) => expect(readMessage(text)).toBeUndefined())
