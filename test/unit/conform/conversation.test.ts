import { expect, test } from 'vitest'
import { Conversation, curlOf, describeAsked } from '../../../harness/conform/conversation.ts'
import { execFileSync } from '../../support/programs.ts'

const token = 'very-secret'

function exchangeOf(headers: Record<string, string>, body?: string, method = 'POST') {
  return new Conversation().begin({ method, url: new URL('http://127.0.0.1:1/v1/tasks'), headers, body })
}

test('the token is not shown after another spelling of the scheme', () => {
  const line = curlOf(exchangeOf({ authorization: `bearer ${token}` }), { token })
  expect(line).toContain('-H "authorization: bearer $OUTLAST_TOKEN"')
})

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
    for (const shell of ['sh', 'bash']) {
      const curl = `curl() { for one in "$@"; do printf '%s|' "$one"; done; }`
      const read = execFileSync(shell, ['-c', `${curl}; ${line}`], { stdio: 'pipe' })
      const [, , , , got] = String(read).split('|')
      // A shell's words hold no NUL.
      expect(got).toBe(body.replaceAll('\0', ''))
    }
  },
)

test.each([['x'.repeat(70_000)], [JSON.stringify({ input: 'a lot of it, '.repeat(5_000) })]])(
  'a shell reads back a long body, and asks for the address',
  (body) => {
    const line = curlOf(exchangeOf({}, body), { token })
    const curl = `curl() { for one in "$@"; do printf '%s|' "$one"; done; }`
    const words = String(execFileSync('sh', ['-c', `${curl}; ${line}`])).split('|')
    expect(words.slice(0, 4)).toEqual(['-is', '-X', 'POST', '--data-binary'])
    expect(words[4] === body).toBe(true)
    expect(words[5]).toBe('http://127.0.0.1:1/v1/tasks')
  },
)

test('a body that no shell takes is shortened, and the address is still asked for', () => {
  const line = curlOf(exchangeOf({}, '{"a":"b",'.repeat(20_000)), { token })
  expect(line.length).toBeLessThan(200)
  expect(line).toMatch(/ 'http:\/\/127\.0\.0\.1:1\/v1\/tasks' # the first 40 of 180000 characters$/)
})

test('what went through a link is asked for at the service: the link is gone when somebody reads it', () => {
  const exchange = exchangeOf({ host: 'tasks.example:8080', 'idempotency-key': 'k' }, undefined, 'GET')
  expect(curlOf(exchange, { token })).toBe(`curl -is -H 'idempotency-key: k' 'http://tasks.example:8080/v1/tasks'`)
  const asked = 'GET http://tasks.example:8080/v1/tasks (idempotency-key: k, through a link of ours)'
  expect(describeAsked(exchange)).toBe(asked)
})

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
