import { expect, test } from 'vitest'
import { type Heard, strangerIn } from '../../../harness/core/http.ts'

const system = 'run-7/polling.none.1/1a2b3c'

function heard(status: number, headers: Readonly<Record<string, string>> = {}): Heard {
  return { status, header: (name) => headers[name] }
}

test.each([
  ['a node of the system', 200, { 'outlast-node': `${system}/api-0` }],
  ['its refusal', 401, { 'outlast-node': `${system}/api-1.2`, 'content-type': 'application/problem+json' }],
  ['a server that cut off a bad request', 400, {}],
  ['a server that is full', 503, { connection: 'close' }],
])('%s is no stranger', (_, status, headers) => {
  expect(strangerIn(heard(status, headers as Record<string, string>), system)).toBeUndefined()
})

test.each([
  ['another run of that name', 401, { 'outlast-node': 'run-7/polling.none.1/ffffff/api-0' }, /run-7.*ffffff\/api-0/],
  ['another cell', 200, { 'outlast-node': 'run-7/polling.kill.1/1a2b3c/api-0' }, /polling\.kill\.1/],
  ['a system whose name begins alike', 200, { 'outlast-node': `${system}4/api-0` }, /1a2b3c4/],
  ['a node without a name', 401, { 'content-type': 'application/problem+json' }, /gave no name, and HTTP 401/],
  ['any server', 404, { 'content-type': 'text/html', server: 'nginx/1.27' }, /HTTP 404 \(nginx\/1\.27\)/],
  ['whoever accepts the task', 202, {}, /gave no name/],
])('%s is one, and is named', (_, status, headers, who) => {
  expect(strangerIn(heard(status, headers as Record<string, string>), system)).toMatch(who)
})

test('a load balancer has pages of its own for errors, and for nothing else', () => {
  const page = { 'content-type': 'text/html', server: 'nginx' }
  expect(strangerIn(heard(504, page), system, true)).toBeUndefined()
  expect(strangerIn(heard(504, page), system)).toContain('nginx')
  expect(strangerIn(heard(200, page), system, true)).toContain('nginx')
  expect(strangerIn(heard(504, { ...page, 'outlast-node': 'another/api-0' }), system, true)).toContain('another/api-0')
})

test('what a stranger says of itself is cut and shown in plain characters', () => {
  const who = strangerIn(heard(200, { 'outlast-node': `\u001b[2J${'x'.repeat(500)}` }), system)!
  expect(who).toMatch(/^it says that it is \?\[2Jx+\.\.\.$/)
  expect(who.length).toBeLessThan(250)
})
