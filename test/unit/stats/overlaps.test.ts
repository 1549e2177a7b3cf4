import { expect, test } from 'vitest'
import { traceOf } from '../../../harness/analysis/trace.ts'
import { mostExecutions, overlapMsOf } from '../../../harness/stats/overlaps.ts'
import { effect, intend, story } from '../checkers/story.ts'

const of = (...effects: readonly ReturnType<typeof effect>[]) => traceOf(story([intend('t-1'), ...effects])).tasks[0]!

test('attempts one after the other do not overlap, whatever was done again', () => {
  const task = of(effect('t-1', 1, 0), effect('t-1', 1, 50, { attempt: 2, endedAt: 100 }), effect('t-1', 2, 100))
  expect([overlapMsOf(task), mostExecutions(task)]).toEqual([0, 2])
})
test('a second attempt beside a first one that lives overlaps as long as both are at work', () => {
  const zombie = effect('t-1', 1, 0, { endedAt: 700 })
  const second = effect('t-1', 1, 300, { attempt: 2, executor: 'worker-1', endedAt: 400 })
  const third = effect('t-1', 2, 400, { attempt: 2, executor: 'worker-1', endedAt: 900 })
  expect(overlapMsOf(of(zombie, second, third))).toBe(400)
})
test('the rounding of clocks is no overlap, and the same execution sent again neither', () => {
  expect(overlapMsOf(of(effect('t-1', 1, 0), effect('t-1', 2, 49.5)))).toBe(0)
  expect(overlapMsOf(of(effect('t-1', 1, 0), effect('t-1', 1, 0)))).toBe(0)
})
test('a task without an effect has nothing to count', () => {
  expect([overlapMsOf(of()), mostExecutions(of())]).toEqual([0, 0])
})
