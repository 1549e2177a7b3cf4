import { expect, test } from 'vitest'
import { traceOf } from '../../../harness/analysis/trace.ts'
import type { CellResult } from '../../../harness/model/results.ts'
import { judgeCell } from '../../../harness/verdict/cell.ts'
import { overheadOf } from '../../../harness/verdict/overhead.ts'
import { mostStories, pickStories, storiesOf } from '../../../harness/verdict/stories.ts'
import { timelineOf } from '../../../harness/verdict/timeline.ts'
import { simulate } from '../../mutants/simulate.ts'

const kills = [1_000, 2_000, 3_000].map((atMs, ordinal) => ({ ordinal, atMs }))
const history = simulate({ delivery: 'webhook', engine: 'memory', tasks: 160, kills, seed: 7 })
const trace = traceOf(history)
const result = judgeCell(history, [])

test('what was lost and what was slowest have their turns', () => {
  const stories = storiesOf(trace, result, 4)
  expect(stories.map(({ why }) => why)).toEqual(['lost', 'slowest', 'lost', 'slowest'])
  const slowest = result.tasks
    .filter(({ outcome }) => outcome === 'ok')
    .toSorted((a, b) => overheadOf(b) - overheadOf(a))
  expect(stories[1]!.task).toBe(slowest[0]!.task)
})

test('a story says what explain says', () => {
  for (const { task, lines, end } of storiesOf(trace, result, 6)) {
    expect(lines).toEqual(timelineOf(trace, trace.byTask.get(task)!))
    expect(end).toMatch(/^(OK|LOST|STUCK)/)
  }
})

test('a task that shows a breach is told first, and once', () => {
  const named = result.tasks.find(({ outcome }) => outcome !== 'ok')!.task
  const check = { checker: 'c', judges: 'no-lost-task', promised: true, status: 'fail', tasks: [named] } as const
  const broken: CellResult = { ...result, checks: [{ ...check, summary: '', counts: {}, witnesses: [] }] }
  const stories = storiesOf(trace, broken)
  expect(stories[0]).toMatchObject({ task: named, why: 'broken' })
  expect(stories.filter(({ task }) => task === named)).toHaveLength(1)
})

test('there are at most fifty, and every cell has its share', () => {
  const stories = storiesOf(trace, result)
  expect(stories).toHaveLength(mostStories)
  const others = stories.map((story) => ({ ...story, cell: 'another.kill.1' }))
  const picked = pickStories([stories, others])
  expect(picked).toHaveLength(mostStories)
  expect(picked.filter(({ cell }) => cell === 'another.kill.1')).toHaveLength(25)
})

test('slow tasks do not crowd out lost ones', () => {
  const stories = storiesOf(trace, result)
  const slow = stories.filter(({ why }) => why === 'slowest')
  const control = slow.map((story) => ({ ...story, cell: 'control.none.1' }))
  const picked = pickStories([control, stories])
  expect(picked.filter(({ why }) => why === 'lost')).toEqual(stories.filter(({ why }) => why === 'lost'))
  expect(picked.filter(({ cell }) => cell === 'control.none.1').length).toBeGreaterThan(0)
})

test('of a story of thousands of lines the middle is left out, and it says so', () => {
  const longer = history.flatMap((op) => {
    if (op.f !== 'task' || op.type !== 'invoke' || op.task !== result.tasks[0]!.task) return [op]
    const poll = (i: number): object => ({
      at: op.at + i,
      f: 'poll',
      type: 'fail',
      process: 'client',
      task: op.task,
      error: `refused ${i}`,
      value: { taskId: 'x', waitedMs: 1 },
    })
    return [op, ...Array.from({ length: 1_000 }, (_, i) => poll(i))]
  })
  const ops = longer.map((op, index) => ({ ...op, index })) as typeof history
  const story = storiesOf(traceOf(ops), { ...result, tasks: [{ ...result.tasks[0]!, outcome: 'stuck' }] })[0]!
  expect(story.lines).toHaveLength(120)
  expect(story.leftOut).toEqual({ after: 90, lines: timelineOf(traceOf(ops), traceOf(ops).tasks[0]!).length - 120 })
})
