import { expect, test } from 'vitest'
import checker from '../../../harness/checkers/effect-at-least-once.ts'
import { callback, effect, end, final, health, intend, story, submit, torn } from './story.ts'

const t = 't-1'
const begun = [intend(t), submit(t, 1, 'ok')]
const judge = (...rest: Parameters<typeof story>[0]) => checker.check(story([...begun, ...rest, health()]))
const result = end(t, 150, 'ok')

test('a result with an effect of each step, however often', () => {
  const verdict = judge(effect(t, 1, 10), effect(t, 2, 60), effect(t, 2, 90, { attempt: 2 }), result)
  expect(verdict).toMatchObject({ status: 'pass', counts: { judged: 1, broken: 0, missing: 0 } })
})

test.each([
  ['the first', [effect(t, 2, 60)], 1],
  ['the last', [effect(t, 1, 10)], 1],
  ['every one', [], 2],
  ['one, and another was done twice', [effect(t, 1, 10), effect(t, 1, 60, { attempt: 2 })], 1],
  ['one, and a step that is not in the plan was done', [effect(t, 1, 10), effect(t, 3, 60)], 1],
])('a result that lacks the effect of a step: %s', (_, effects, missing) => {
  expect(judge(...effects, result)).toMatchObject({ status: 'fail', counts: { broken: 1, missing } })
})

test('a result that only the server or a callback knows of is one, too; a wrong one or a failure is none', () => {
  const gaveUp = end(t, 300, 'info')
  const told = (over: object) => final(t, 'ok', { status: 'completed', version: 5, ...over })
  expect(judge(gaveUp, told({ digest: 'right' })).status).toBe('fail')
  expect(judge(callback(t, 140), gaveUp).status).toBe('fail')
  for (const over of [{ digest: 'wrong' }, { status: 'failed', digest: null }])
    expect(judge(gaveUp, told(over)).status).toBe('unexercised')
  expect(judge(end(t, 150, 'fail', { reason: 'task-failed' })).status).toBe('unexercised')
})

test('a wrong result that the client accepted is a result', () => {
  expect(judge(end(t, 150, 'ok', { digest: 'wrong' })).status).toBe('fail')
})

test('what is missing can only be missed in a whole history and a whole ledger', () => {
  expect(checker.check(torn([...begun, result])).status).toBe('unknown')
  const lost = story([...begun, result, health({ ledgerGaps: 1 })])
  expect(checker.check(lost)).toMatchObject({ status: 'unknown', witnesses: [] })
})

test('shows the task, its result and the effects that there are', () => {
  expect(judge(effect(t, 1, 10), result).witnesses.toSorted((a, b) => a - b)).toEqual([1, 3, 4])
})
