import { expect, test } from 'vitest'
import { patiently, type Answered } from '../../../harness/conform/patience.ts'
import { messageIn } from '../../../harness/conform/socket-message.ts'
import type { Target } from '../../../harness/conform/case.ts'

test.each(['{"type":"ping"}', 'hello', '', '7', 'null', '[]', '{"type":"stream.reset"}', '{"hello":1}'])(
  'a socket may say %s between events',
  (text) => {
    expect(messageIn(text)).toEqual({})
  },
)

test.each(['{"type":"task.progress"}', '{"type":"context.patch","seq":3}', '{"seq":1}', '{"type":"x","seq":"1"}'])(
  'what is meant as an event must be one: %s',
  (text) => {
    expect(() => messageIn(text)).toThrow('not an event')
  },
)

test('an answer to a command is one', () => {
  expect(messageIn('{"type":"command.ack","id":"c"}')).toEqual({ answer: { type: 'command.ack', id: 'c' } })
})

const target = {
  timeScale: 1_000,
  signal: new AbortController().signal,
  conversation: { waitedMs: 0, acceptedAt: new Map() },
} as unknown as Target

async function asked(first: Answered): Promise<{ times: number; status: number }> {
  let times = 0
  const request = { what: 'it', url: new URL('http://a.test/v1/tasks/t'), isSubmission: false }
  const ask = async (): Promise<Answered> => (++times === 1 ? first : { status: 200, headers: {} })
  const { status } = await patiently(target, { ...request, ask })
  return { times, status }
}

const advice = { 'retry-after': '0' }
test.each<[string, Answered]>([
  ['500 as a problem with retryable: true', { status: 500, headers: {}, json: { retryable: true } }],
  ['400 as one', { status: 400, headers: {}, json: { retryable: true } }],
  ['423', { status: 423, headers: {} }],
  ['403 with Retry-After', { status: 403, headers: advice }],
  ['413 with Retry-After', { status: 413, headers: advice }],
])('%s is not the last word', async (_, first) => {
  expect(await asked(first)).toEqual({ times: 2, status: 200 })
})

test.each<[string, Answered]>([
  ['500', { status: 500, headers: {} }],
  ['500 as a problem with retryable: false', { status: 500, headers: advice, json: { retryable: false } }],
  ['403', { status: 403, headers: {} }],
  [
    '403 with Retry-After as a problem with retryable: false',
    { status: 403, headers: advice, json: { retryable: false } },
  ],
  ['200 with such a member', { status: 200, headers: {}, json: { retryable: true } }],
])('%s is the last word', async (_, first) => {
  expect(await asked(first)).toEqual({ times: 1, status: first.status })
})
