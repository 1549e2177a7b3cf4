import { expect, test } from 'vitest'
import { traceOf } from '../../../harness/core/trace.ts'
import { measureEpisodes } from '../../../harness/stats/recovery.ts'
import { effect, end, fault, intend, story, submit } from '../checkers/story.ts'

type Lines = Parameters<typeof story>[0]
const t = 't-1'

function takeovers(...lines: Lines) {
  const trace = traceOf(story(lines))
  return measureEpisodes(trace, ({ end: ended }) => ended?.at ?? Infinity).map(
    ({ fault: id, takenOverTasks, takeoverMsMedian }) => [id, takenOverTasks, takeoverMsMedian],
  )
}

const begun = [intend(t), submit(t, 1, 'ok'), effect(t, 1, 10)]

test('counts from the onset until a new attempt begins, whoever makes it', () => {
  const again = effect(t, 2, 180, { attempt: 2, executor: 'worker-1' })
  expect(takeovers(...begun, again, end(t, 250, 'ok'), ...fault('f', 'worker-0', 100, 150))).toEqual([['f', 1, 80]])
})

test('a task interrupted in its first step, of which nobody saw anything, counts', () => {
  const again = effect(t, 1, 190, { attempt: 2, executor: 'worker-1' })
  const lines = [intend(t), submit(t, 1, 'ok'), again, end(t, 250, 'ok'), ...fault('f', 'worker-0', 100, 150)]
  expect(takeovers(...lines)).toEqual([['f', 1, 90]])
})

test('work that goes on in the same attempt was not taken over', () => {
  const next = effect(t, 2, 180)
  expect(takeovers(...begun, next, end(t, 250, 'ok'), ...fault('f', 'worker-0', 100, 150))).toEqual([
    ['f', 0, undefined],
  ])
})

test('the latest firing before it is what a new attempt recovers from', () => {
  const again = effect(t, 2, 380, { attempt: 2 })
  const both = [...fault('f', 'worker-0', 100, 150), ...fault('g', 'worker-0', 300, 350)]
  expect(takeovers(...begun, again, end(t, 450, 'ok'), ...both)).toEqual([
    ['f', 0, undefined],
    ['g', 1, 80],
  ])
})
