import { describe, expect, test } from 'vitest'
import { traceOf, type TaskTrace } from '../../../harness/analysis/trace.ts'
import type { Op, TaskIntent, Vocabulary } from '../../../harness/model/history.ts'
import type { Parts } from '../../../harness/model/overhead-parts.ts'
import { breakDown, partsOf, sumOf } from '../../../harness/verdict/overhead-parts.ts'
import { decideFate } from '../../../harness/verdict/outcomes.ts'
import { simulate } from '../../mutants/simulate.ts'

const intent: TaskIntent = {
  ordinal: 0,
  intendedAt: 1_000,
  idealMs: 600,
  steps: 2,
  deadlineAt: 9_000,
  giveUpAt: 9_000,
  expectedDigest: 'right',
}

type Told = {
  [F in keyof Vocabulary]: readonly [number, F, Vocabulary[F]['type'], Vocabulary[F]['value']]
}[keyof Vocabulary]

function taskOf(...told: readonly Told[]): TaskTrace {
  const ops = [[1_000, 'task', 'invoke', intent] as const, ...told].map(([at, f, type, value], index) => {
    return { index, at, f, type, process: 'client', task: 't-00000', value }
  }) as unknown as readonly Op[]
  return traceOf(ops).tasks[0]!
}

interface Did {
  readonly attempt?: number
  readonly from: number
  readonly to: number
  /** When the tool server had it. */
  readonly heardAt?: number
  readonly taskId?: string
}

function did(step: number, { attempt = 1, from, to, heardAt = to + 2, taskId = 'x' }: Did): Told {
  const value = {
    taskId,
    step,
    attempt,
    executor: 'worker-0',
    startedAt: from,
    endedAt: to,
    idempotencyKey: `x/${step}`,
  }
  return [heardAt, 'effect', 'observe', value]
}

const sent: Told = [1_003, 'submit', 'invoke', { attempt: 1, api: 'a' }]
const accepted: Told = [1_010, 'submit', 'ok', { attempt: 1, api: 'a', taskId: 'x', status: 202 }]

/** Only what is anything. */
function told(parts: Parts): object {
  return Object.fromEntries(Object.entries(parts).filter(([, ms]) => ms !== 0))
}

describe('a task', () => {
  test('that went well: every part is what its history says', () => {
    const task = taskOf(sent, accepted, did(1, { from: 1_025, to: 1_330 }), did(2, { from: 1_340, to: 1_642 }))
    expect(told(partsOf(task, 1_650))).toEqual({
      sending: 3,
      accept: 7,
      queueing: 15,
      execution: 7,
      tools: 4,
      persistence: 8,
      delivery: 6,
    })
  })

  test('whose first step began before its client knew: what is accepted is not told apart from queueing', () => {
    const task = taskOf(sent, did(1, { from: 1_005, to: 1_305 }), did(2, { from: 1_310, to: 1_610 }), [
      1_700,
      'submit',
      'ok',
      { attempt: 1, api: 'a', taskId: 'x', status: 200 },
    ])
    expect(told(partsOf(task, 1_700))).toEqual({ sending: 3, accept: 2, tools: 4, persistence: 3, delivery: 88 })
  })

  test('whose step was cut off: the wait until another attempt is no persistence', () => {
    const task = taskOf(
      sent,
      accepted,
      did(1, { from: 1_010, to: 1_310 }),
      did(2, { attempt: 2, from: 2_000, to: 2_300 }),
    )
    expect(told(partsOf(task, 2_310))).toEqual({ sending: 3, accept: 7, tools: 4, interrupted: 688, delivery: 8 })
  })

  test('that began anew: what was done again has a part of its own', () => {
    const task = taskOf(
      sent,
      accepted,
      did(1, { from: 1_010, to: 1_310 }),
      did(1, { attempt: 2, from: 1_800, to: 2_100 }),
      did(2, { attempt: 2, from: 2_110, to: 2_410 }),
    )
    expect(told(partsOf(task, 2_415))).toEqual({
      sending: 3,
      accept: 7,
      tools: 4,
      interrupted: 498,
      again: 300,
      delivery: 3,
    })
  })

  test('that was submitted anew under another id is interrupted, too', () => {
    const again: Told = [1_500, 'submit', 'ok', { attempt: 2, api: 'a', taskId: 'y', status: 202 }]
    const task = taskOf(
      sent,
      accepted,
      again,
      did(1, { from: 1_600, to: 1_900, taskId: 'y' }),
      did(2, { from: 1_900, to: 2_200, taskId: 'y' }),
    )
    expect(told(partsOf(task, 2_204))).toEqual({ sending: 3, accept: 7, interrupted: 590, tools: 2, delivery: 2 })
  })

  test('whose end was not kept: work after the last step is work done again', () => {
    const task = taskOf(
      sent,
      accepted,
      did(1, { from: 1_010, to: 1_310 }),
      did(2, { from: 1_310, to: 1_610 }),
      did(2, { attempt: 2, from: 2_000, to: 2_300 }),
    )
    expect(told(partsOf(task, 2_310))).toMatchObject({ again: 300, interrupted: 388, delivery: 8 })
  })

  test.each([
    ['misses a step', [did(1, { from: 1_010, to: 1_310 })]],
    ['has two steps at once', [did(1, { from: 1_010, to: 1_510 }), did(2, { from: 1_200, to: 1_500 })]],
    ['has a step that was too short', [did(1, { from: 1_010, to: 1_020 }), did(2, { from: 1_310, to: 1_610 })]],
  ])('whose history %s: all of it is one part that says so', (_, steps) => {
    expect(told(partsOf(taskOf(sent, accepted, ...steps), 1_650))).toEqual({ untold: 50 })
  })
})

test.each(['memory', 'durable'] as const)('parts add up to the overhead, whatever was killed: %s', (engine) => {
  const kills = Array.from({ length: 12 }, (_, i) => ({ ordinal: i % 4, atMs: 500 + 700 * i }))
  const { tasks } = traceOf(simulate({ delivery: 'sse-polling', engine, tasks: 300, kills, seed: 7 }))
  const seen = tasks.map((task) => ({ task, ...decideFate(task) })).filter(({ seenAt }) => seenAt < Infinity)
  expect(seen.length).toBeGreaterThan(100)
  const parts = seen.map(({ task, seenAt }) => partsOf(task, seenAt))
  for (const [i, { task, seenAt }] of seen.entries())
    expect(sumOf(parts[i]!)).toBeCloseTo(seenAt - task.intent.intendedAt - task.intent.idealMs, 6)
  // Steps that this simulation cuts short and yet records: a real executor records whole ones.
  expect(parts.filter(({ untold }) => untold !== 0).length).toBeLessThan(0.1 * parts.length)
  expect(parts.some(({ interrupted }) => interrupted > 100)).toBe(engine === 'durable')
})

test('means add up to their total; of the slowest twentieth there is at least one', () => {
  const parts = Array.from({ length: 8 }, (_, i) => ({
    ...partsOf(taskOf(), 1_600),
    untold: 0,
    accept: 10 * i,
    delivery: 1,
  }))
  const { tasks, untold, typical, slowest } = breakDown(parts)!
  expect({ tasks, untold }).toEqual({ tasks: 8, untold: 0 })
  expect(typical).toMatchObject({ tasks: 2, totalMs: 36, parts: { accept: 35, delivery: 1 } })
  expect(slowest).toMatchObject({ tasks: 1, totalMs: 71, parts: { accept: 70, delivery: 1 } })
  expect(breakDown([])).toBeUndefined()
})
