import { expect, test } from 'vitest'
import { Conversation, curlOf, describeAsked } from '../../../harness/conform/conversation.ts'
import { execFileSync } from '../../support/programs.ts'

const token = 'very-secret'

function exchangeOf(headers: Record<string, string>, body?: string, method = 'POST') {
  return new Conversation().begin({ method, url: new URL('http://127.0.0.1:1/v1/tasks'), headers, body })
}

test('a request is repeated in one line, without the token', () => {
  const exchange = exchangeOf({ authorization: `Bearer ${token}`, 'idempotency-key': 'k' }, '{"a":1}')
  expect(curlOf(exchange, { token })).toBe(
    `curl -is -X POST -H "authorization: Bearer $OUTLAST_TOKEN" -H 'idempotency-key: k' --data-binary '{"a":1}' 'http://127.0.0.1:1/v1/tasks'`,
  )
})

test.each([["it's"], ['$(rm -rf /)'], ['line\nand \\n and \u0000 and \u001b[31m'], ['`a` "b" \\'], ['🔎']])(
  'a shell reads back the body %j',
  (body) => {
    const line = curlOf(exchangeOf({}, body), { token })
    expect(line).not.toMatch(/\p{Cc}/u)
    const read = execFileSync('bash', ['-c', `curl() { for one in "$@"; do printf '%s|' "$one"; done; }; ${line}`])
    // A shell's words hold no NUL.
    const [, , , , got] = String(read).split('|')
    expect(got).toBe(body.includes('\0') ? body.slice(0, body.indexOf('\0')) : body)
  },
)

test('what is told of a request leaves out what every request has', () => {
  const exchange = exchangeOf({ authorization: `Bearer ${token}`, 'if-none-match': '"3"' }, undefined, 'GET')
  expect(describeAsked(exchange)).toBe('GET http://127.0.0.1:1/v1/tasks (if-none-match: "3")')
})

test('a failure is shown with the last answer, or with what waits for one', () => {
  const conversation = new Conversation()
  expect(conversation.last).toBe(undefined)
  const asked = { method: 'GET', url: new URL('http://127.0.0.1:1/'), headers: {} }
  const [first, second] = [conversation.begin(asked), conversation.begin(asked)]
  expect(conversation.last).toBe(first)
  conversation.end(second, '200')
  expect(conversation.last).toBe(second)
  expect(conversation.unanswered).toBe(first)
})
