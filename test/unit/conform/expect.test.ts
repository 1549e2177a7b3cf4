import { expect, test } from 'vitest'
import { mustBe } from '../../../harness/conform/expect.ts'
import type { Reply } from '../../../harness/conform/http.ts'
import { mustShowSame, placesTo, taskOf } from '../../../harness/conform/tasks.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'

const long = 'x'.repeat(200)

test('what can be shown is shown, and of what is longer the first difference', () => {
  expect(() => mustBe('it', [1, 2], [1, 3])).toThrow('it: [1,2], must be [1,3]')
  expect(() => mustBe('it', { a: long, b: [1, 2] }, { a: long, b: [1, 3] })).toThrow('it: b: 1: 2, must be 3')
  expect(() => mustBe('it', { a: long }, { a: long, b: 1 })).toThrow('it: b: nothing, must be 1')
  expect(() => mustBe('it', [200, { a: long }], [202, { a: long }])).toThrow('it: 0: 200, must be 202')
})

test('a task is the same in other words, and is not with another state', () => {
  const task = { task_id: 'a', status: 'completed', version: 3, updated_at: '2026-01-01T00:00:00Z' } as Task
  mustShowSame('it', { ...task, updated_at: '2026-01-01T01:00:00.000+01:00', current_action: null, own: 1 }, task)
  expect(() => mustShowSame('it', { ...task, version: 4 }, task)).toThrow(/version/)
  expect(() => mustShowSame('it', { ...task, updated_at: '2026-01-01T00:00:01Z' }, task)).toThrow(/updated_at/)
})

test('no list is made of a version that no log has', () => {
  expect(placesTo(3)).toEqual([1, 2, 3])
  expect(() => placesTo(1_764_416_000)).toThrow('version 1764416000 is not the seq of a last event')
})

test.each(['', '..', '\ud800'])('an id %j that no path can hold is the service’s fault', (id) => {
  const reply = { json: { task_id: id }, status: 200, text: '' } as unknown as Reply
  expect(() => taskOf(reply)).toThrow('200 holds no task: task_id: no path can hold it')
})
