import { expect, test } from 'vitest'
import recordSound from '../../../harness/checkers/record-sound.ts'
import type { TaskIntent } from '../../../harness/model/history.ts'
import { end, intend, story } from './story.ts'

/** A task that takes so long, with the deadlines that follow from a grace of 100 ms. */
function lasting(task: string, at: number, idealMs: number) {
  const line = intend(task, at)
  const [deadlineAt, giveUpAt] = [at + idealMs + 100, at + idealMs + 200]
  return { ...line, value: { ...(line.value as TaskIntent), idealMs, deadlineAt, giveUpAt } }
}

const judged = (idealRangeMs?: readonly [number, number]) => {
  const lines = [
    lasting('t-0', 0, 100),
    lasting('t-1', 1, 40),
    end('t-0', 310, 'info', {}),
    end('t-1', 250, 'info', {}),
  ]
  return recordSound.check(story(lines as never, { graceMs: 100, ...(idealRangeMs && { idealRangeMs }) }))
}

test('tasks of a cell take the same, unless the plan says between what they vary', () => {
  expect(judged()).toMatchObject({ status: 'fail', summary: expect.stringMatching(/another work than the first task/) })
  expect(judged([40, 100]).status).not.toBe('fail')
  expect(judged([50, 100])).toMatchObject({ status: 'fail' })
})
