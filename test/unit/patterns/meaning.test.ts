import { expect, test } from 'vitest'
import type { Answer } from '../../../patterns/contract/client/http.ts'
import {
  describeAnswer,
  isUndone,
  meaningOf,
  problemNameOf,
  problemOf,
  proofOf,
  type Operation,
} from '../../../patterns/contract/client/meaning.ts'

const operations: readonly Operation[] = ['submit', 'read', 'stream', 'cancel', 'command']

function answer(status: number, body: object | string = '', headers: Record<string, string> = {}): Answer {
  const type = typeof body === 'string' ? 'text/html' : 'application/problem+json'
  const all: Record<string, string> = { 'content-type': type, ...headers }
  return { status, text: typeof body === 'string' ? body : JSON.stringify(body), header: (name) => all[name] }
}

const later = ['not-yet', 'not-yet', 'not-yet', 'not-yet', 'not-yet']
const never = ['refused', 'refused', 'not-streamable', 'refused', 'refused']
const absent = ['refused', 'gone', 'not-streamable', 'gone', 'gone']

/** The table of patterns/contract/client/README.md. */
const table: readonly (readonly [string, Answer, readonly string[]])[] = [
  ...[400, 404, 409, 410, 429, 501, 503].map(
    (status) => [`${status} that may be repeated`, answer(status, { retryable: true }), later] as const,
  ),
  ...[408, 409, 421, 423, 425, 429].map(
    (status) => [`${status} that may not`, answer(status, { retryable: false }), never] as const,
  ),
  ...[409].map(
    (status) => [`${status}`, answer(status, {}), ['not-yet', 'not-yet', 'not-yet', 'refused', 'refused']] as const,
  ),
  ...[408, 421, 423, 425, 429].flatMap((status) => [
    [`${status}`, answer(status, {}), later] as const,
    [`${status} by somebody else`, answer(status), later] as const,
  ]),
  ...[500, 502, 503, 504, 507, 520, 599].flatMap((status) => [
    [`${status}`, answer(status, { retryable: false }), later] as const,
    [`${status} by somebody else`, answer(status), later] as const,
  ]),
  ...[404, 410].map((status) => [`${status}`, answer(status, {}), absent] as const),
  ['404 by somebody else', answer(404), never],
  ['410 by somebody else', answer(410), absent],
  ...[400, 401, 402, 403, 405, 406, 413, 415, 422, 426, 431, 451, 501, 505].flatMap((status) => [
    [`${status}`, answer(status, {}), never] as const,
    [`${status} by somebody else`, answer(status), never] as const,
  ]),
  ...[403, 413].flatMap((status) => [
    [`${status} for a while`, answer(status, {}, { 'retry-after': '5' }), later] as const,
    [`${status} for a while, by somebody else`, answer(status, '', { 'retry-after': '5' }), later] as const,
    [
      `${status} with a wait, that may not`,
      answer(status, { retryable: false }, { 'retry-after': '5' }),
      never,
    ] as const,
  ]),
  ...[401, 404, 410].map(
    (status) =>
      [`${status} with a wait`, answer(status, {}, { 'retry-after': '5' }), status === 401 ? never : absent] as const,
  ),
  ...[301, 302, 307, 308].map((status) => [`${status}`, answer(status), later] as const),
  ...[200, 202, 204].map(
    (status) =>
      [
        `${status} of another kind`,
        answer(status),
        ['not-yet', 'not-yet', 'not-streamable', 'not-yet', 'not-yet'],
      ] as const,
  ),
]

test.each(table)('%s', (_, given, means) => {
  expect(operations.map((operation) => meaningOf(operation, given))).toEqual(means)
})

test('a problem document is what RFC 9457 lets it be', () => {
  expect(problemOf(answer(402, {}))).toEqual({ type: 'about:blank', title: '' })
  expect(problemOf(answer(402, { title: 'pay', detail: 'now', retryable: false, more: 1 }))).toEqual({
    type: 'about:blank',
    title: 'pay',
    detail: 'now',
    retryable: false,
  })
  const json = { 'content-type': 'application/json' }
  expect(problemOf(answer(400, { type: '/problems/x', title: 'x' }, json))).toMatchObject({ type: '/problems/x' })
  expect(problemOf(answer(400, { error: 'x' }, json))).toBeUndefined()
  expect(
    problemOf(answer(400, { error: 'x' }, { 'content-type': 'Application/Problem+JSON;charset=utf-8' })),
  ).toBeDefined()
  expect(problemOf(answer(400, {}, { 'content-type': 'application/problem+json-of-ours' }))).toBeUndefined()
  expect(problemOf(answer(400, 'no'))).toBeUndefined()
  expect(problemOf(answer(200, { type: '/problems/x', title: 'x' }))).toBeUndefined()
})

test('a member of another type than RFC 9457 has is as if it were not there', () => {
  const nulls = { type: null, title: null, detail: null, retryable: null, task_id: 7 }
  expect(problemOf(answer(402, nulls))).toEqual({ type: 'about:blank', title: '' })
  expect(problemOf(answer(400, nulls, { 'content-type': 'application/json' }))).toBeUndefined()
})

test('what was certainly not done: said by the API, about now, and of no task', () => {
  const said = (status: number, kind: string, more = {}) =>
    answer(status, { type: `/problems/${kind}`, title: 'x', ...more })
  expect(isUndone(said(503, 'temporary-reduced-capacity'))).toBe(true)
  expect(isUndone(said(429, 'of-their-own'))).toBe(true)
  expect(isUndone(said(503, 'temporary-reduced-capacity', { task_id: 'task_1' }))).toBe(false)
  expect(isUndone(said(503, 'interrupted'))).toBe(false)
  expect(isUndone(said(500, 'internal'))).toBe(false)
  expect(isUndone(said(409, 'of-their-own'))).toBe(false)
  expect(isUndone(answer(404))).toBe(false)
  // Whose failure it was, and how far it came, a document of another kind does not say.
  for (const status of [500, 502, 503, 504]) expect(isUndone(answer(status, { title: 'Gateway Timeout' }))).toBe(false)
  for (const status of [408, 499]) expect(isUndone(answer(status, { title: 'Cut off' }))).toBe(false)
  expect(isUndone(answer(501, { title: 'Not Implemented' }))).toBe(true)
})

test('a final answer is proved by the API at once about a submission, else by its repetition', () => {
  expect(proofOf('submit', answer(400, {}))).toEqual({ times: 1, overMs: 0 })
  expect(proofOf('cancel', answer(409, {}))).toEqual({ times: 1, overMs: 0 })
  expect(proofOf('cancel', answer(404, {}))).toEqual({ times: 2, overMs: 1_000 })
  for (const status of [400, 409, 422]) expect(proofOf('command', answer(status, {})).times).toBe(1)
  expect(proofOf('command', answer(404, {}))).toEqual({ times: 2, overMs: 1_000 })
  expect(proofOf('read', answer(410, {}))).toEqual({ times: 2, overMs: 1_000 })
  for (const operation of operations) expect(proofOf(operation, answer(404))).toEqual({ times: 3, overMs: 3_000 })
})

test('the problem that refuses it is told by its name, where it is one of ours', () => {
  const named = [{ type: '/problems/task-ended' }, { type: 'urn:example:too-late' }, {}]
  expect(named.map((body) => problemNameOf(answer(409, body)))).toEqual([
    'task-ended',
    'urn:example:too-late',
    'about:blank',
  ])
  expect(problemNameOf(answer(409))).toBeUndefined()
})

test('an answer in one line', () => {
  expect(describeAnswer(answer(308, '', { location: 'https://elsewhere/' }))).toBe('HTTP 308 to https://elsewhere/')
  expect(describeAnswer(answer(404, '<h1>'))).toBe('HTTP 404')
  expect(describeAnswer(answer(200, 'x', { 'content-encoding': 'gzip' }))).toBe(
    'HTTP 200 without what was asked for, in the coding gzip',
  )
  expect(describeAnswer(answer(410, { type: '/problems/expired', detail: 'over' }))).toBe(
    'HTTP 410 /problems/expired: over',
  )
})
