import { describe, expect, test } from 'vitest'
import { planTask } from '../../../patterns/agent/plan.ts'
import { endingBy, stops } from '../../../patterns/contract/engine/after-step.ts'
import { controlOf } from '../../../patterns/contract/engine/control.ts'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { commandedEvent, createdEvent, progressEvent, startedEvent } from '../../../patterns/contract/engine/log.ts'
import type { Command } from '../../../patterns/contract/types/command.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import { journalOf, journalReader, newsReader, type WorkflowRow } from '../../../patterns/engines/dbos/journal.ts'
import { serializer } from '../../../patterns/engines/dbos/protocol.ts'
import type { Store } from '../../../patterns/engines/_postgres/store.ts'

const request = { type: 'agent' as const, input: { seed: 7, profile: 'smoke', job: 'it' } }
const plan = planTask(request.input, 1)
const created = createdEvent('task_it', request, plan, new Date(0))
const started = startedEvent(created, plan, 'worker-0', new Date(1))
const progress = progressEvent(started, plan, { step: 1, digest: 'd', credits: 1 }, new Date(2))
const recorded = (...events: TaskEvent[]) => serializer.stringify({ run: 'r', events }) as string
const row = (more: Partial<WorkflowRow> = {}): WorkflowRow => ({
  task_id: 'task_it',
  status: 'PENDING',
  input: serializer.stringify([{ created, fingerprint: 'f' }]) as string,
  outputs: [recorded(started), recorded(progress)],
  letters: [],
  ended_at: '3',
  ...more,
})
const typesOf = (more?: Partial<WorkflowRow>) =>
  journalOf(row(more)).events.map(({ type }) => type.replace('task.', ''))

describe('a task’s journal', () => {
  test('is what was accepted and what steps have recorded', () => {
    expect(journalOf(row())).toEqual({
      accepted: { created, fingerprint: 'f' },
      events: [created, started, progress],
    })
    expect(typesOf({ status: 'ENQUEUED', outputs: [] })).toEqual(['created'])
  })

  test('of a cancelled workflow ends cancelled, at the time of the request', () => {
    const { events } = journalOf(row({ status: 'CANCELLED' }))
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
    expect(foldEvents(events)).toMatchObject({ status: 'cancelled', finished_at: new Date(3).toISOString() })
    expect(typesOf({ status: 'CANCELLED', outputs: [] })).toEqual(['created', 'cancel_requested', 'cancelled'])
  })

  test('has one end: what a step has ended, no cancellation ends again', () => {
    const expired: TaskEvent = { ...progress, seq: 4, type: 'task.expired', status: 'expired', data: { reason: '' } }
    const outputs = [recorded(started), recorded(progress, expired)]
    for (const status of ['CANCELLED', 'ERROR', 'SUCCESS'])
      expect(typesOf({ status, outputs })).toEqual(['created', 'started', 'progress', 'expired'])
  })

  test.each(['ERROR', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED'])('of a workflow that ended in %s says so', (status) => {
    expect(foldEvents(journalOf(row({ status })).events).status).toBe('failed')
    expect(foldEvents(journalOf(row({ status, outputs: [] })).events).status).toBe('rejected')
  })
})

describe('commands', () => {
  const stop: Command = { id: 'stop', type: 'interrupt' }
  const go: Command = { id: 'go', type: 'resume' }
  const letters = [stop, go].map((command) => ({ command, accepted_at: new Date(2).toISOString() }))
  const completed: TaskEvent = {
    ...progress,
    seq: 4,
    type: 'task.completed',
    status: 'completed',
    data: { result: { digest: 'd', steps: 1 } },
  }
  const ended = [recorded(started), recorded(progress, completed)]

  test('that came beside the end of a sub-task, whose family is cancelled, are answered before it', () => {
    const head = { head: progress, control: controlOf([created, started, progress]) }
    const outputs = [recorded(started), recorded(progress), recorded(...endingBy(stops.cancel, new Date(9))(head))]
    const { events } = journalOf(row({ status: 'SUCCESS', outputs, letters }))
    expect(events.slice(3).map(({ type }) => type)).toEqual([
      'task.commanded',
      'task.commanded',
      'task.cancel_requested',
      'task.command_void',
      'task.command_void',
      'task.cancelled',
    ])
    expect(foldEvents(events)).toMatchObject({ status: 'cancelled', finished_at: new Date(9).toISOString() })
  })

  const logOf = (more: Partial<WorkflowRow>) => {
    const { events } = journalOf(row({ letters, ...more }))
    foldEvents(events)
    return events
  }
  const answersIn = (more: Partial<WorkflowRow>) =>
    logOf(more).map(({ type, data }) => [type.replace('task.', ''), data['command']].filter(Boolean))

  test('are not in the log of a task that goes on before a step has read them', () => {
    expect(logOf({})).toEqual([created, started, progress])
  })

  test('that no step has read are answered before the end that a step has recorded', () => {
    expect(answersIn({ outputs: ended }).slice(3)).toEqual([
      ['commanded', stop],
      ['commanded', go],
      ['command_void', 'stop'],
      ['command_void', 'go'],
      ['completed'],
    ])
  })

  test('that a step has read are not answered again', () => {
    const commanded = commandedEvent(started, stop, new Date(2))
    const voided: TaskEvent = { ...commanded, seq: 4, type: 'task.command_void', data: { command: 'stop' } }
    const later = [progress, completed].map((event, i) => ({ ...event, seq: 5 + i }))
    const outputs = [recorded(started), recorded(commanded, voided), recorded(...later)]
    expect(answersIn({ outputs }).slice(2)).toEqual([
      ['commanded', stop],
      ['command_void', 'stop'],
      ['progress'],
      ['commanded', go],
      ['command_void', 'go'],
      ['completed'],
    ])
    expect(logOf({ outputs, letters: letters.slice(0, 1) })).toEqual([created, started, commanded, voided, ...later])
  })

  test.each([
    ['CANCELLED', ['cancel_requested'], 'cancelled', 'cancelled'],
    ['ERROR', [], 'failed', 'rejected'],
    ['MAX_RECOVERY_ATTEMPTS_EXCEEDED', [], 'failed', 'rejected'],
  ])('of a workflow that the library has ended as %s are answered, begun or not', (status, requested, end, unbegun) => {
    const answers = (last: string) => [
      ['commanded', stop],
      ['commanded', go],
      ...(requested.length > 0 ? [requested] : []),
      ['command_void', 'stop'],
      ['command_void', 'go'],
      [last],
    ]
    expect(answersIn({ status }).slice(3)).toEqual(answers(end))
    expect(answersIn({ status, outputs: [] }).slice(1)).toEqual(answers(unbegun))
  })

  test('have the time of their acceptance, and answers that of the end', () => {
    const times = logOf({ status: 'CANCELLED' }).map(({ time }) => Date.parse(time))
    expect(times).toEqual([0, 1, 2, 2, 2, 3, 3, 3, 3])
  })
})

describe('reading', () => {
  const asked: unknown[] = []
  const query = async (_statement: unknown, values: readonly unknown[]) => {
    asked.push(values)
    return [row()]
  }
  const store = { query } as unknown as Store

  test('reads that coincide are one query, and what does not exist is undefined', async () => {
    const read = journalReader(store)
    const [one, none, again] = await Promise.all(['task_it', 'task_none', 'task_it'].map(read))
    expect(asked).toEqual([[['task_it', 'task_none']]])
    expect([one?.events.length, none, again]).toEqual([3, undefined, one])
  })

  test('news are what comes after the one that is known', async () => {
    const news = await newsReader(store)([{ taskId: 'task_it', seq: 2 }])
    expect(news.get('task_it')).toEqual({ version: 3, done: false, events: [progress] })
  })
})
