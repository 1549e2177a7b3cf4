import { defaultPayloadConverter } from '@temporalio/common'
import { describe, expect, test } from 'vitest'
import { planTask } from '../../../patterns/agent/plan.ts'
import { createdEvent } from '../../../patterns/contract/engine/log.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import { type HistoryEvent, openTaskLog } from '../../../patterns/engines/temporal/history.ts'
import type { Accepted, Ending, StepResult } from '../../../patterns/engines/temporal/protocol.ts'

const request = { type: 'agent' as const, input: { seed: 7, profile: 'smoke', job: 'it' } }
const plan = planTask(request.input, 1)
const accepted: Accepted = {
  created: createdEvent('task_it', request, plan, new Date(0)),
  fingerprint: 'f',
  pace: { tuning: 'tuned', timeScale: 1 },
  stepDurationsMs: plan.steps.map(({ durationMs }) => durationMs),
  owesCallback: false,
}
const completed: Ending = { kind: 'completed', digest: 'the right one', steps: plan.steps.length }

/** A history as a server tells it; ids count from 1. */
function history(...parts: readonly Partial<HistoryEvent>[]): HistoryEvent[] {
  return parts.map((part, i) => ({ ...part, eventId: (i + 1) as never, eventTime: { seconds: i as never, nanos: 0 } }))
}
const payloads = (value: unknown) => ({ payloads: [defaultPayloadConverter.toPayload(value)!] })
const started = { workflowExecutionStartedEventAttributes: { input: payloads(accepted) } }
const decided = { workflowTaskCompletedEventAttributes: { identity: 'worker-1' } }
const asked = { workflowExecutionCancelRequestedEventAttributes: {} }
const scheduled = (name: string, input: unknown = {}) => ({
  activityTaskScheduledEventAttributes: { activityType: { name }, input: payloads(input) },
})
const answered = (result: StepResult | undefined, scheduledEventId: number) => ({
  activityTaskCompletedEventAttributes: { result: payloads(result), scheduledEventId: scheduledEventId as never },
})
const closed = (ending: Ending) => ({ workflowExecutionCompletedEventAttributes: { result: payloads(ending) } })
const done = { kind: 'done', digest: 'd', credits: 2 } as const

function logOf(...parts: readonly Partial<HistoryEvent>[]) {
  const log = openTaskLog()
  // Page by page, as a follower gets it.
  for (const event of history(...parts)) log.add([event])
  return log
}
const typesOf = (...parts: readonly Partial<HistoryEvent>[]) => logOf(...parts).events.map(({ type }) => type)

describe('the log in a history', () => {
  test('begins with the event that the API made, and tells who began', () => {
    expect(logOf(started).events).toEqual([accepted.created])
    expect(logOf(started).accepted.fingerprint).toBe('f')
    const { events } = logOf(started, decided, decided)
    expect(events).toHaveLength(2)
    expect(events[1]).toMatchObject({ type: 'task.started', attempt: 1, data: { executor: 'worker-1' } })
  })

  test('is that of a task: steps, a resumption, the end', () => {
    const resumed = { kind: 'resumed', executor: 'worker-2' } as const
    const parts = [started, decided, scheduled('step'), answered(done, 3), scheduled('step'), answered(resumed, 5)]
    const { events } = logOf(...parts, scheduled('step'), answered(done, 7), closed(completed))
    expect(events.map(({ type }) => type.replace('task.', ''))).toEqual([
      'created',
      'started',
      'progress',
      'resumed',
      'progress',
      'completed',
    ])
    expect(foldEvents(events)).toMatchObject({ status: 'completed', attempt: 2, credits_used: 4, version: 6 })
  })

  test('counts a crash once, also when the worker that was lost both decided and performed', () => {
    const marker = (life: string) => ({
      markerRecordedEventAttributes: { details: { result: payloads({ executor: life, life }) } },
    })
    const resumed = { kind: 'resumed', executor: 'b' } as const
    const begun = [started, decided, marker('a'), scheduled('step')]
    const both = logOf(...begun, answered(resumed, 4), decided, marker('b')).events
    expect(both.at(-1)).toMatchObject({ type: 'task.resumed', attempt: 2, data: { executor: 'b', step: 0 } })
    expect(both).toHaveLength(3)
    const between = logOf(...begun, answered(done, 4), decided, marker('b')).events
    expect(between.at(-1)).toMatchObject({ type: 'task.resumed', attempt: 2, data: { executor: 'b', step: 1 } })
    expect(logOf(...begun, answered(done, 4), decided, marker('a')).events.at(-1)).toMatchObject({ attempt: 1 })
  })

  test('ends once: with the callback that is owed, whatever comes after', () => {
    const types = typesOf(
      started,
      decided,
      scheduled('notify', completed),
      asked,
      answered(undefined, 3),
      closed(completed),
    )
    expect(types).toEqual(['task.created', 'task.started', 'task.completed'])
  })

  test('has one request to cancel, and the step that ended before it was heard', () => {
    const parts = [started, decided, scheduled('step'), asked, asked, answered(done, 3)]
    expect(typesOf(...parts, closed({ kind: 'cancelled' }))).toEqual([
      'task.created',
      'task.started',
      'task.cancel_requested',
      'task.progress',
      'task.cancelled',
    ])
  })

  test('can be cancelled before anybody began', () => {
    expect(typesOf(started, asked, decided, closed({ kind: 'cancelled' }))).toEqual([
      'task.created',
      'task.cancel_requested',
      'task.cancelled',
    ])
  })

  test('shows the reason of a failure, also when it came from outside', () => {
    const end = { workflowExecutionTerminatedEventAttributes: {} }
    expect(foldEvents(logOf(started, decided, end).events)).toMatchObject({ status: 'failed' })
    expect(foldEvents(logOf(started, end).events)).toMatchObject({ status: 'rejected' })
    const refused = closed({ kind: 'failed', reason: 'no' })
    expect(foldEvents(logOf(started, decided, refused).events)).toMatchObject({ status: 'failed', status_reason: 'no' })
  })
})
