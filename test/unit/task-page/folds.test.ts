import { expect, test } from 'vitest'
import { planTask } from '../../../patterns/agent/plan.ts'
import { atSafePoint, controlOf, noteStep } from '../../../patterns/contract/engine/control.ts'
import { answerEvent } from '../../../patterns/contract/engine/log.ts'
import type { Command } from '../../../patterns/contract/types/command.ts'
import type { EventType, TaskEvent } from '../../../patterns/contract/types/events.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import { cancelRow, commandRows } from '../../../harness/task-page/shown/commands.ts'
import { isEvent, placeIn } from '../../../harness/task-page/shown/event.ts'
import { type Memory, memoryAfter } from '../../../harness/task-page/shown/memory.ts'
import { viewOf } from '../../../harness/task-page/shown/task-view.ts'
import { wordsOf } from '../../../harness/task-page/shown/words.ts'

const time = new Date('2026-11-30T10:00:00Z')
const plan = planTask({ seed: 1, profile: 'smoke' }, 1)
const request = {
  type: 'agent',
  input: { seed: 1, profile: 'smoke', job: 'j' },
  budget: { credits: 1 },
  memory: { instruction: 'be thorough' },
}

/** A log as the engines' own kit writes it: what the page folds is held against what the API says. */
function logOf(): readonly TaskEvent[] {
  const log: TaskEvent[] = []
  const head = { task_id: 't', seq: 0, attempt: 0 }
  log.push({ ...head, seq: 1, type: 'task.created', status: 'queued', time: time.toISOString(), data: { request } })
  const add = (type: EventType, data: object): void =>
    void log.push(answerEvent(log.at(-1)!, type as never, data, time))
  const command = (one: Command): void => add('task.commanded', { command: one })
  const pause = (): void => void log.push(...atSafePoint(controlOf(log), log.at(-1)!, plan, time))
  const next = { name: plan.steps[0]!.name, step: 1 }
  log.push({
    ...log[0]!,
    seq: 2,
    type: 'task.started',
    status: 'running',
    attempt: 1,
    data: { next, estimated_completion: null },
  })
  command({ id: 'a', type: 'interrupt' })
  command({ id: 'b', type: 'steer', patch: [{ op: 'replace', path: '/instruction', value: 'be brief' }] })
  command({ id: 'c', type: 'steer', patch: [{ op: 'remove', path: '/nothing' }] })
  pause()
  command({ id: 'd', type: 'resume' })
  pause()
  add('task.progress', {
    step: 1,
    steps: 3,
    digest: 'x',
    credits: 1,
    next: { name: 'two', step: 2 },
    estimated_completion: null,
  })
  log.push(...noteStep(controlOf(log), log.at(-1)!, { step: 1, name: 'one' }, time))
  pause()
  command({ id: 'e', type: 'top_up', credits: 5 })
  pause()
  return log
}

const log = logOf()
const types = log.map(({ type }) => type)

test('the log has what this test is about', () => {
  expect(types).toEqual(
    expect.arrayContaining(['task.command_void', 'task.topped_up', 'task.continued', 'context.patch']),
  )
})

test('at every place of the log the page says of the task what the API does', () => {
  for (let length = 1; length <= log.length; length++) {
    const part = log.slice(0, length)
    const task = foldEvents(part)
    const view = viewOf(part)
    expect({ ...view, steps: 0, step: 0 }).toEqual({
      status: task.status,
      reason: task.status_reason,
      attempt: task.attempt,
      action: task.current_action?.name,
      creditsUsed: task.credits_used,
      creditsGranted: task.credits_granted,
      hasMemory: true,
      steps: 0,
      step: 0,
    })
    expect(view.steps === 0 ? 0 : (100 * view.step) / view.steps).toBeCloseTo(task.progress_pct!, 0)
  }
})

test('at every place the memory is what the engine has', () => {
  let memory: Memory | undefined
  for (const [i, event] of log.entries()) {
    memory = memoryAfter(memory, event)
    const { version, document } = controlOf(log.slice(0, i + 1)).context!
    expect([memory!.version, memory!.document]).toEqual([version, document])
  }
  expect([memory!.by, memory!.before]).toEqual(['step 1', { instruction: 'be brief' }])
})

test('a patch that was folded already changes nothing, and one that continues nothing is no patch of this memory', () => {
  const patches = log.filter(({ type }) => type === 'context.patch')
  const memory = log.reduce<Memory | undefined>(memoryAfter, undefined)!
  expect(memoryAfter(memory, patches[0]!)).toBe(memory)
  const first = memoryAfter(undefined, log[0]!)
  expect(() => memoryAfter(first, patches[1]!)).toThrow('a patch of version 2 does not continue version 1')
})

test('a command is as far as the log says, and one that is not in it as far as its connection says', () => {
  const rows = commandRows(log, [
    { command: { id: 'a', type: 'interrupt' }, stage: 'acknowledged' },
    { command: { id: 'x', type: 'resume' }, stage: 'sent' },
    { command: { id: 'y', type: 'resume' }, stage: 'refused', reason: 'the task has ended' },
  ])
  expect(rows.map(({ id, stage, reason, isOwn }) => [id, stage, reason, isOwn])).toEqual([
    ['a', 'applied', undefined, true],
    ['b', 'applied', undefined, false],
    ['c', 'void', 'operation 1 (remove /nothing) does not apply', false],
    ['d', 'applied', undefined, false],
    ['e', 'applied', undefined, false],
    ['x', 'sent', undefined, true],
    ['y', 'refused', 'the task has ended', true],
  ])
  const unanswered = log.slice(0, types.indexOf('task.interrupted'))
  expect(commandRows(unanswered, []).map(({ stage }) => stage)).toEqual([
    'acknowledged',
    'acknowledged',
    'acknowledged',
  ])
})

test('a cancellation is applied by its end, and void where another end was first', () => {
  const last = log.at(-1)!
  const asked = { ...last, type: 'task.cancel_requested', status: 'cancelling', data: {} }
  const ends = (status: string) => [...log, asked, { ...last, type: `task.${status}`, status }]
  expect(cancelRow(log, 'no')).toBeUndefined()
  expect(cancelRow(log, 'sent')).toMatchObject({ stage: 'sent', isOwn: true })
  expect(cancelRow([...log, asked], 'no')).toMatchObject({ stage: 'acknowledged', isOwn: false })
  expect(cancelRow(ends('cancelled'), 'sent')).toMatchObject({ stage: 'applied' })
  expect(cancelRow(ends('completed'), 'sent')).toMatchObject({
    stage: 'void',
    reason: 'the task was completed before it stopped',
  })
})

test('what comes twice is known, and what leaves something out is a gap', () => {
  const at = (seq: number) => placeIn(log.slice(0, 5), { ...log[0]!, seq })
  expect([at(5), at(6), at(7)]).toEqual(['known', 'next', 'gap'])
  expect(placeIn([], log[0]!)).toBe('next')
})

test('only what can be an event is one', () => {
  expect(log.every(isEvent)).toBe(true)
  for (const no of [null, 1, {}, { type: 'command.ack', id: 'a' }, { ...log[0], data: 'x' }, { ...log[0], seq: '1' }])
    expect(isEvent(no)).toBe(false)
})

test('a line of the log says what happened', () => {
  const said = Object.fromEntries(log.map((event) => [`${event.seq} ${event.type}`, wordsOf(event)]))
  expect(said).toMatchInlineSnapshot(`
    {
      "1 task.created": "submitted, and on record",
      "10 task.continued": "goes on",
      "11 task.progress": "step 1 of 3 done, 1 credit; next: two",
      "12 context.patch": "memory 2 → 3 by step 1: add /notes, add /notes/1",
      "13 task.interrupted": "stands still: the budget is exhausted",
      "14 task.commanded": "command on record: top up by 5 credits",
      "15 task.topped_up": "5 credits more to spend",
      "16 task.continued": "goes on: the budget covers the next step",
      "2 task.started": "attempt 1 begins; next: search for one source",
      "3 task.commanded": "command on record: interrupt",
      "4 task.commanded": "command on record: steer: replace /instruction",
      "5 task.commanded": "command on record: steer: remove /nothing",
      "6 task.interrupted": "stands still, as asked",
      "7 context.patch": "memory 1 → 2 by a command: replace /instruction",
      "8 task.command_void": "command void: operation 1 (remove /nothing) does not apply",
      "9 task.commanded": "command on record: resume",
    }
  `)
  expect(wordsOf({ ...log[0]!, type: 'their.own' })).toBe('their.own')
})
