import { describe, expect, test } from 'vitest'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import type { Ending } from '../../../patterns/engines/temporal/protocol.ts'
import { acceptedFor, logOf, parts as history, plan, typesOf } from '../../support/temporal-history.ts'

const { decided, cancelRequested: asked, scheduled, answered, closed, marked, terminated } = history
const accepted = acceptedFor()
const started = history.started(accepted)
const completed: Ending = { kind: 'completed', digest: 'the right one', steps: plan.steps.length }
const done = { kind: 'done', digest: 'd', credits: 2 } as const

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
    const marker = (life: string) => marked({ executor: life, life })
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
    expect(foldEvents(logOf(started, decided, terminated).events)).toMatchObject({ status: 'failed' })
    expect(foldEvents(logOf(started, terminated).events)).toMatchObject({ status: 'rejected' })
    const refused = closed({ kind: 'failed', reason: 'no' })
    expect(foldEvents(logOf(started, decided, refused).events)).toMatchObject({ status: 'failed', status_reason: 'no' })
  })
})
