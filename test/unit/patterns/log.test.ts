import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { planTask } from '../../../patterns/agent/plan.ts'
import { taskEvent, type TaskEvent } from '../../../patterns/contract/types/events.ts'
import * as log from '../../../patterns/contract/engine/log.ts'
import * as fold from '../../../patterns/contract/types/fold.ts'
import { isTerminal, task, type TaskRequest } from '../../../patterns/contract/types/task.ts'

const request: TaskRequest = { type: 'agent', input: { seed: 5, profile: 'smoke', job: 'j-1' } }
const plan = planTask(request.input, 10)
const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second))
const created = log.createdEvent('task_1', request, plan, at(0))

type Builder = (head: TaskEvent) => TaskEvent
const builders: Readonly<Record<string, Builder>> = {
  started: (head) => log.startedEvent(head, plan, 'api-0', at(1)),
  progress: (head) => log.progressEvent(head, plan, { step: 1, digest: 'd', credits: 1 }, at(2)),
  resumed: (head) => log.resumedEvent(head, plan, { executor: 'api-1', completed: 1 }, at(3)),
  cancelRequested: (head) => log.cancelRequestedEvent(head, at(4)),
  completed: (head) => log.completedEvent(head, { digest: 'd', steps: 3 }, at(5)),
  failed: (head) => log.failedEvent(head, 'tool refused', at(5)),
  cancelled: (head) => log.cancelledEvent(head, at(5)),
  expired: (head) => log.expiredEvent(head, 'too late', at(5)),
  rejected: (head) => log.rejectedEvent(head, 'policy', at(5)),
}

function logOf(...names: readonly (keyof typeof builders)[]): TaskEvent[] {
  return names.reduce((events, name) => [...events, builders[name]!(events.at(-1)!)], [created])
}

test('a new task is queued, with its estimate', () => {
  expect(task.parse(fold.foldEvents([created]))).toMatchObject({
    status: 'queued',
    version: 1,
    attempt: 0,
    progress_pct: 0,
    current_action: null,
    estimated_completion: at(3).toISOString(),
    input: request.input,
  })
})

test('progress shows what is done, what is next and what is left', () => {
  const { status, current_action, progress_pct, credits_used, estimated_completion } = fold.foldEvents(
    logOf('started', 'progress'),
  )
  const next = plan.steps[1]!
  const left = plan.steps.slice(1).reduce((sum, { durationMs }) => sum + durationMs, 0)
  expect({ status, current_action, progress_pct, credits_used }).toEqual({
    status: 'running',
    current_action: { name: next.name, step: 2, started_at: at(2).toISOString() },
    progress_pct: 33.3,
    credits_used: 1,
  })
  expect(Date.parse(estimated_completion!)).toBe(Math.trunc(at(2).getTime() + left))
})

test('a resumed task goes on where it was, one attempt later', () => {
  const events = logOf('started', 'progress', 'resumed')
  expect(fold.foldEvents(events)).toMatchObject({ attempt: 2, progress_pct: 33.3, current_action: { step: 2 } })
  expect(fold.completedSteps(events)).toEqual({ step: 1, digest: 'd' })
  expect(fold.completedSteps([created])).toEqual({ step: 0, digest: '' })
  expect(fold.requestOf(events)).toEqual(request)
})

test('a terminal event closes the task for good', () => {
  const done = fold.foldEvents(logOf('started', 'progress', 'completed'))
  expect(done).toMatchObject({ status: 'completed', progress_pct: 100, result: { digest: 'd', steps: 3 } })
  expect([done.current_action, done.estimated_completion, done.finished_at]).toEqual([null, null, at(5).toISOString()])
  const failed = fold.foldEvents(logOf('started', 'failed'))
  expect(failed).toMatchObject({ status: 'failed', status_reason: 'tool refused' })
  expect(failed).not.toHaveProperty('result')
  for (const build of Object.values(builders))
    for (const ended of [logOf('started', 'completed'), logOf('cancelRequested', 'cancelled'), logOf('rejected')])
      expect(() => build(ended.at(-1)!)).toThrow(fold.IllegalTransition)
})

test('work may win the race against a cancellation', () => {
  expect(fold.foldEvents(logOf('started', 'cancelRequested', 'progress', 'completed')).status).toBe('completed')
})

test.each([
  ['progress'],
  ['completed'],
  ['failed'],
  ['cancelled'],
  ['resumed'],
  ['started', 'started'],
  ['started', 'rejected'],
  ['cancelRequested', 'cancelRequested'],
])('%s is illegal', (...names) => {
  expect(() => logOf(...names)).toThrow(fold.IllegalTransition)
})

test('whatever the builders allow is a valid log: gapless, valid events, at most one terminal, the last', () => {
  const names = fc.array(fc.constantFrom(...Object.keys(builders)), { maxLength: 20 })
  const check = fc.property(names, (attempted) => {
    const events = [created]
    for (const name of attempted) {
      try {
        events.push(builders[name]!(events.at(-1)!))
      } catch (error) {
        expect(error).toBeInstanceOf(fold.IllegalTransition)
      }
    }
    for (const event of events) taskEvent.parse(event)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
    expect(events.slice(0, -1).some(({ status }) => isTerminal(status))).toBe(false)
    const folded = task.parse(fold.foldEvents(events))
    expect(folded).toEqual(events.slice(1).reduce(fold.applyEvent, fold.foldEvents([created])))
    expect([folded.version, folded.status]).toEqual([events.length, events.at(-1)!.status])
  })
  fc.assert(check)
})

test('a log with a gap, a repetition or a foreign event is not a log', () => {
  const events = logOf('started', 'progress', 'completed')
  const spoiled = (change: Partial<TaskEvent>, at = 2) => events.with(at, { ...events[at]!, ...change })
  for (const wrong of [
    [],
    events.slice(1),
    events.toSpliced(2, 1),
    events.toSpliced(2, 0, events[2]!),
    spoiled({ task_id: 'task_2' }),
    spoiled({ attempt: 2 }),
    spoiled({ status: 'completed' }),
    spoiled({ seq: 2 }, 0),
  ])
    expect(() => fold.foldEvents(wrong)).toThrow(fold.IllegalTransition)
})
