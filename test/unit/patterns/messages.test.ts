import { expect, test } from 'vitest'
import { readMessage } from '../../../patterns/deliveries/websocket/messages.ts'

test('a client says hello or cancel', () => {
  expect(readMessage('{"type":"hello","last_seq":7}')).toEqual({ type: 'hello', last_seq: 7 })
  expect(readMessage('{"type":"cancel"}')).toEqual({ type: 'cancel' })
})

test.each([
  '',
  'hello',
  '[]',
  'null',
  '{"type":"hello"}',
  '{"type":"hello","last_seq":1.5}',
  '{"type":"cancel","id":1}',
])('it may not say %j', (text) => expect(readMessage(text)).toBeUndefined())
