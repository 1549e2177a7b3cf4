import { expect, test } from 'vitest'
import { timelineFrame, timelineOf } from '../../../harness/verdict/timeline.ts'
import type { Op, TaskIntent, Vocabulary } from '../../../harness/model/history.ts'
import { traceOf } from '../../../harness/analysis/trace.ts'

const intent: TaskIntent = {
  ordinal: 0,
  intendedAt: 1_000,
  idealMs: 600,
  steps: 2,
  deadlineAt: 2_600,
  giveUpAt: 3_600,
  expectedDigest: 'right',
}

type Told = {
  [F in keyof Vocabulary]: readonly [number, F, Vocabulary[F]['type'], Vocabulary[F]['value'], object?]
}[keyof Vocabulary]

function storyOf(...told: readonly Told[]): readonly string[] {
  const ops = told.map(([at, f, type, value, more], index) => {
    return {
      index,
      at,
      f,
      type,
      process: 'client',
      value,
      ...(f !== 'node' && f !== 'fault' && { task: 't-00000' }),
      ...more,
    }
  }) as unknown as readonly Op[]
  const trace = traceOf(ops)
  return timelineOf(trace, trace.tasks[0]!).map(({ at, text }) => `${at} ${text}`)
}

const invoke: Told = [1_000, 'task', 'invoke', intent]
const step = (number: number, attempt: number, startedAt: number, executor: string): Told => [
  startedAt + 300,
  'effect',
  'observe',
  { taskId: 'x', step: number, attempt, executor, startedAt, endedAt: startedAt + 300, idempotencyKey: `x/${number}` },
]

test('a task that went well is told in the order of time', () => {
  const story = storyOf(
    invoke,
    [1_001, 'submit', 'invoke', { attempt: 1, api: 'client->api-0' }],
    [1_004, 'submit', 'ok', { attempt: 1, api: 'client->api-0', taskId: 'x', status: 202 }],
    [1_620, 'task', 'ok', { taskId: 'x', status: 'completed', digest: 'right', via: 'poll' }, { invoke: 0 }],
    step(2, 1, 1_310, 'api-0'),
    step(1, 1, 1_010, 'api-0'),
  )
  expect(story).toEqual([
    '1000 the arrival list wants it sent',
    '1001 the client submits it through client->api-0',
    '1004 accepted as x (202)',
    '1010 api-0 executes step 1 for 300 ms',
    '1310 api-0 executes step 2 for 300 ms',
    '1620 the client has a result: completed, by poll',
  ])
})

test('a fault that touched it, the death of its node, and the work done again are in it', () => {
  const story = storyOf(
    invoke,
    [1_004, 'submit', 'ok', { attempt: 1, api: 'client->api-0', taskId: 'x', status: 202 }],
    step(1, 1, 1_010, 'worker-0'),
    [1_200, 'fault', 'observe', { id: 'kill-1#1', fault: 'kill', target: [{ node: 'worker-0' }], state: 'armed' }],
    [1_201, 'node', 'observe', { node: 'worker-0', state: 'exited', signal: 'SIGKILL' }],
    [
      1_205,
      'fault',
      'observe',
      { id: 'kill-1#1', fault: 'kill', target: [{ node: 'worker-0' }], state: 'proven', firings: 1 },
    ],
    [1_700, 'fault', 'observe', { id: 'kill-1#1', fault: 'kill', target: [{ node: 'worker-0' }], state: 'healed' }],
    step(1, 2, 2_000, 'worker-1'),
    [3_600, 'task', 'info', {}, { invoke: 0, error: 'gave up' }],
  )
  expect(story).toContain('1200 FAULT kill hits worker-0 (kill-1#1, in effect 1 time in all)')
  expect(story).toContain('1201 node worker-0 is exited by SIGKILL')
  expect(story).toContain('1700 fault kill on worker-0 is healed (kill-1#1)')
  expect(story).toContain('2000 worker-1 executes step 1 AGAIN for 300 ms, attempt 2')
  expect(story.at(-1)).toBe('3600 the client gives up without knowing: gave up')
})

test('polls that see nothing new are counted, not told', () => {
  const poll = (at: number, version: number): Told => [
    at,
    'poll',
    'ok',
    { taskId: 'x', status: 'running', version, httpStatus: 200, waitedMs: 1 },
  ]
  const story = storyOf(invoke, poll(1_100, 2), poll(1_200, 2), poll(1_300, 2), poll(1_400, 3))
  expect(story.filter((line) => line.includes('poll'))).toEqual([
    '1100 a poll sees running, version 2',
    '1400 a poll sees running, version 3 after 2 more like the last',
  ])
})

test('the last words are the outcome and how far it was beyond the ideal', () => {
  const ops = [
    { index: 0, at: 1_000, f: 'task', type: 'invoke', process: 'client', task: 't', value: intent },
    { index: 1, at: 1_650, f: 'task', type: 'ok', process: 'client', task: 't', invoke: 0, value: { digest: 'right' } },
  ] as const satisfies readonly Op[]
  const { head, end } = timelineFrame('polling.none.1', traceOf(ops).tasks[0]!, 0)
  expect(head).toContain('2 steps, 600 ms at best, to be seen within 1.60 s')
  expect(end).toMatch(/^OK: .*, 50 ms beyond the ideal\. No proven fault touched it\.$/)
})
