import pg from 'pg'
import { expect, test } from 'vitest'
import { CallTimeout } from '../../../patterns/contract/client/http.ts'
import { isPassing, toProblem } from '../../../patterns/contract/server/passing.ts'

const withCode = (code: string) => Object.assign(new Error('failed'), { code })
const ofDatabase = (code: string) => Object.assign(new pg.DatabaseError('failed', 6, 'error'), { code })

test.each([
  ['a refused connection', withCode('ECONNREFUSED')],
  ['no descriptors', withCode('EMFILE')],
  ['a broken exchange', withCode('UND_ERR_SOCKET')],
  ['no answer in time', new CallTimeout('10 s')],
  ['an abort', AbortSignal.abort().reason],
  ['a timeout', new DOMException('late', 'TimeoutError')],
  ['one of many', new AggregateError([new Error('first'), withCode('ETIMEDOUT')])],
  ['a cause', new Error('no news', { cause: withCode('EPIPE') })],
  ['a database that shuts down', ofDatabase('57P01')],
  ['too many connections', ofDatabase('53300')],
  ['a deadlock', ofDatabase('40P01')],
])('%s passes: the same may be tried again', (_, error) => {
  expect([isPassing(error), toProblem(error)]).toMatchObject([true, { status: 503, retryable: true }])
})

test.each([
  ['a defect', new TypeError('undefined is not a function')],
  ['an argument that is none', Object.assign(new RangeError('out of range'), { code: 'ERR_OUT_OF_RANGE' })],
  ['text that a database cannot hold', ofDatabase('22021')],
  ['JSON that it cannot', ofDatabase('22P05')],
  ['a broken constraint', ofDatabase('23505')],
  ['a statement that is none', ofDatabase('42601')],
  ['an unknown error', new Error('who knows')],
  ['no error', 'text'],
])('%s stays: nobody is asked to try again', (_, error) => {
  expect([isPassing(error), toProblem(error)]).toMatchObject([false, { status: 500, retryable: false }])
})

test('a circle of causes ends', () => {
  const error = new Error('round')
  error.cause = error
  expect(isPassing(error)).toBe(false)
})
