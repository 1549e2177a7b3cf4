import { expect, test } from 'vitest'
import { readToldEffect } from '../../../harness/run/ledger.ts'

const told = { task: 't-00001-run', task_id: 'j1' }

test('an effect in the words of somebody else has the usual parts', () => {
  expect(readToldEffect(JSON.stringify(told), 100, '-run')).toEqual({
    task: 't-00001',
    taskId: 'j1',
    step: 1,
    attempt: 0,
    executor: 'unknown',
    startedAt: 100,
    endedAt: 100,
    idempotencyKey: 't-00001/1',
  })
  const numbered = { ...told, step: 2, node: 'api-1', took_ms: 40, attempt: 3 }
  expect(readToldEffect(JSON.stringify(numbered), 100, '-run')).toMatchObject({
    step: 2,
    executor: 'api-1',
    attempt: 3,
    startedAt: 60,
  })
})

test.each([
  [JSON.stringify({ ...told, task: 't-00001-other' }), 'its task is no {key} of this run'],
  ['no JSON', 'it is no JSON object'],
  [JSON.stringify({ task: 't-run' }), 'its task_id is no text'],
  [JSON.stringify({ ...told, step: 0 }), 'its step is no whole number from 1'],
  [JSON.stringify({ ...told, node: 7 }), 'its node is no text'],
  [JSON.stringify({ ...told, took_ms: -1 }), 'its took_ms is no number'],
  [JSON.stringify({ ...told, attempt: 'x' }), 'its attempt is no whole number from 1'],
])('%s is refused: %s', (body, why) => {
  expect(readToldEffect(body, 100, '-run')).toBe(why)
})
