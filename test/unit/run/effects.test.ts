import { expect, test } from 'vitest'
import { readEffectBody } from '../../../harness/run/ledger.ts'

const own = {
  task: 't-00001',
  taskId: 'task_1',
  step: 2,
  attempt: 1,
  executor: 'worker-0',
  startedAt: 100,
  endedAt: 150,
}
const read = (body: unknown, key: unknown = 'task_1/2') => readEffectBody(JSON.stringify(body), key, 151)

test('an effect is taken as it was sent, without what is not asked for', () => {
  expect(read({ ...own, more: 1 })).toEqual({ ...own, idempotencyKey: 'task_1/2' })
})

test.each([
  ['it is no JSON object', null],
  ['it is no JSON object', [own]],
  ['it is no JSON object', 'effect'],
  ['its task is no text', { ...own, task: 7 }],
  ['its task is no text', { ...own, task: undefined }],
  ['its taskId is no text', { ...own, taskId: '' }],
  ['its executor is no text', { ...own, executor: null }],
  ['its step is no whole number from 1', { ...own, step: 'two' }],
  ['its step is no whole number from 1', { ...own, step: 0 }],
  ['its attempt is no whole number from 1', { ...own, attempt: 1.5 }],
  ['its startedAt is no number', { ...own, startedAt: '100' }],
  ['its endedAt is no number', { ...own, endedAt: null }],
  ['it ended before it started', { ...own, startedAt: 152 }],
  ['it is not over yet', { ...own, endedAt: 1e6 }],
])('%s: refused (case %#)', (why, body) => {
  expect(read(body)).toBe(why)
})

test('torn JSON and a missing key are refused', () => {
  expect(readEffectBody('{"task":', 'k', 0)).toBe('it is no JSON object')
  expect(read(own, null)).toBe('its idempotencyKey is no text')
  expect(read(own, ['a', 'b'])).toBe('its idempotencyKey is no text')
})
