import { expect, test } from 'vitest'
import stateMachine from '../../../harness/checkers/state-machine.ts'
import checker from '../../../harness/checkers/callback-identity.ts'
import { callback, end, intend, story } from './story.ts'

const told = (...posts: readonly object[]) => {
  const lines = posts.map((post, i) => callback('t-1', 100 + i, { deliveryId: 'm', bytes: 'b', ...post }))
  return checker.check(story([intend('t-1'), ...lines]))
}

test('a callback that came twice as the same message passes, and is counted', () => {
  expect(told({}, {}, {})).toMatchObject({ status: 'pass', counts: { repeated: 1, repetitions: 2 } })
})
test.each([
  ['another id', { deliveryId: 'n' }],
  ['other bytes', { bytes: 'c' }],
])('%s is another message, and both are shown', (_, other) => {
  expect(told({}, {}, other)).toMatchObject({ status: 'fail', witnesses: [2, 4] })
})
test('news of a running task is no repetition', () => {
  expect(told({ status: 'running', deliveryId: 'n', bytes: 'c' }, {}).status).toBe('unexercised')
})
test('what a fault made of a callback is not the system’s', () => {
  expect(told({}, { by: 'callback-progress-1#1', bytes: 'c' }).status).toBe('unexercised')
})
test('progress that a fault posts late is no step backwards of the system', () => {
  const late = { status: 'running', by: 'callback-progress-1#1' }
  const judged = (...posts: readonly object[]) =>
    stateMachine.check(
      story([intend('t-1'), ...posts.map((post, i) => callback('t-1', 100 + i, post)), end('t-1', 110, 'ok')]),
    )
  expect(judged({}, late).status).toBe('pass')
  expect(judged({}, { status: 'failed' }).status).toBe('fail')
})
test('a record of old, without bytes, is judged by the ids', () => {
  expect(told({ bytes: undefined }, { bytes: undefined }).status).toBe('pass')
  expect(told({ bytes: undefined }, { bytes: undefined, deliveryId: 'n' }).status).toBe('fail')
})

test('news of a running task is as many messages as it has bytes', () => {
  const news = (id: string, bytes: string) => ({ status: 'running', deliveryId: id, bytes })
  expect(told(news('n', 'c'), news('o', 'd')).status).toBe('unexercised')
  expect(told(news('n', 'c'), news('n', 'c')).status).toBe('pass')
  expect(told(news('n', 'c'), news('o', 'c')).status).toBe('fail')
})
test('two messages under one id are one for a receiver that removes repetitions', () => {
  expect(told({ status: 'running', bytes: 'c' }, {})).toMatchObject({ status: 'fail', witnesses: [2, 3] })
  const ofTwo = ['t-1', 't-2'].map((task, i) => callback(task, 100 + i, { deliveryId: 'm' }))
  expect(checker.check(story([intend('t-1'), intend('t-2'), ...ofTwo])).status).toBe('fail')
  const nameless = ['t-1', 't-2'].map((task, i) => callback(task, 100 + i, { deliveryId: '' }))
  expect(checker.check(story([intend('t-1'), intend('t-2'), ...nameless])).status).toBe('unexercised')
})
