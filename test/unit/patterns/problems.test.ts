import { expect, test } from 'vitest'
import { describeProblem, problem, problemKind, ProblemError } from '../../../patterns/contract/types/problems.ts'
import { toProblem } from '../../../patterns/contract/server/passing.ts'

test('a problem error becomes its document', () => {
  const document = toProblem(new ProblemError('idempotency-key-reused', 'used before', 'task_1'))
  expect(problem.parse(document)).toEqual({
    type: '/problems/idempotency-key-reused',
    title: 'The key was used for another request',
    status: 422,
    detail: 'used before',
    task_id: 'task_1',
    retryable: false,
  })
  expect(problemKind(document.type)).toBe('idempotency-key-reused')
})

test('any other error says nothing about itself', () => {
  const document = toProblem(new Error('password is 1234'))
  expect(document).toEqual(describeProblem('internal'))
  expect(JSON.stringify(document)).not.toContain('1234')
})

test('what is not ours has no kind', () => {
  for (const type of ['about:blank', '/problems/other', '/problems/toString', ''])
    expect(problemKind(type)).toBeUndefined()
})
