import { describe, expect, test } from 'vitest'
import type { CellResult } from '../../harness/model/results.ts'
import { judgeCell } from '../../harness/verdict/cell.ts'
import { openRegistry } from '../../harness/registry.ts'
import { impatientClients, lateAndKept, lateResults, uncalled } from './late-results.ts'
import { simulate } from './simulate.ts'
import { rewrite } from './mutations.ts'
import { broken, calm, polling, streaming } from './worlds.ts'
import { wrongControl } from './wrong-control.ts'
import { keptFor, lose, under, wrongExcuses } from './wrong-excuses.ts'
import { copied, wrongExits, wrongFaultRecords, wrongImposed } from './wrong-fault-records.ts'
import { wrongHarnesses } from './wrong-harnesses.ts'
import { wrongLimits } from './wrong-limits.ts'
import { wrongRecords, wrongWork } from './wrong-records.ts'
import { wrongSystems } from './wrong-systems.ts'
import { wrongWords } from './wrong-words.ts'

const checkers = await openRegistry().checkers()

/** Who objected: checks that count for this cell and were put to the test, and faults that no proof or heal ended. */
function objections({ checks, faults }: CellResult): string[] {
  const counting = checks.filter(({ judges, promised }) => judges === undefined || promised)
  const bad = faults.filter(({ state }) => state !== 'healed').map(({ state }) => `fault ${state}`)
  const objecting = counting.filter(({ status }) => status !== 'pass' && status !== 'unexercised')
  return [...objecting.map(({ checker }) => checker), ...bad].sort()
}

const mutants = [
  ...wrongSystems,
  ...wrongExcuses,
  ...wrongHarnesses,
  ...wrongLimits,
  ...wrongControl,
  ...wrongWords,
  ...wrongRecords,
  ...wrongFaultRecords,
  ...wrongExits,
  ...wrongImposed,
  ...wrongWork,
  ...lateResults,
  ...impatientClients,
  uncalled,
]

describe.each(mutants)('$name', ({ history, verdict, caughtBy, outcomes }) => {
  const result = judgeCell(history, checkers)

  test('gets exactly this verdict, from exactly these', () => {
    expect({ verdict: result.verdict, caughtBy: objections(result) }).toEqual({
      verdict,
      caughtBy: caughtBy.toSorted(),
    })
  })

  test('gives a reason that names the cell', () => {
    expect(result.reasons.length).toBeGreaterThan(0)
    for (const reason of result.reasons) expect(reason).toContain(`${result.cell.id}: `)
  })

  test('counts one outcome per task', () => {
    const { cut, ...decided } = result.outcomes
    expect(Object.values(decided).reduce((a, b) => a + b, 0)).toBe(result.tasks.length)
    expect(cut).toBeLessThanOrEqual(result.cell.tasks)
    if (outcomes) expect(result.outcomes).toMatchObject(outcomes)
  })
})

describe.each(['webhook', 'polling', 'sse-polling'] as const)('a correct %s', (delivery) => {
  test.each(['memory', 'durable'] as const)('x %s passes, calm and under kills', (engine) => {
    for (const world of [calm, broken]) {
      const result = judgeCell(simulate({ delivery, engine, ...world }), checkers)
      expect(result).toMatchObject({ verdict: 'PASS', reasons: [] })
      expect(result.success.successes === result.success.n).toBe(engine === 'durable' || world === calm)
    }
  })
})

describe('what nothing put to the test is not said to hold', () => {
  const statuses = (delivery: 'polling' | 'sse-polling', world: typeof calm) => {
    const { checks } = judgeCell(simulate({ delivery, engine: 'durable', ...world }), checkers)
    return checks.filter(({ status }) => status === 'unexercised').map(({ checker }) => checker)
  }

  test('without a fault, a repeated key or a stream that broke off', () => {
    const calmly = ['callback-identity', 'effect-once', 'idempotency', 'liveness-after-heal', 'no-lost-task']
    expect(statuses('polling', calm)).toEqual(calmly)
    expect(statuses('sse-polling', calm)).toEqual([...calmly, 'stream-continuity'])
  })

  test('and a kill puts to the test what it can break', () => {
    expect(statuses('polling', broken)).toEqual(['callback-identity', 'idempotency'])
    expect(statuses('sse-polling', broken)).toEqual(['callback-identity', 'idempotency', 'stream-continuity'])
  })
})

test('a copy that a fault made of a callback is judged by nobody', () => {
  expect(judgeCell(copied, checkers)).toMatchObject({ verdict: 'PASS', reasons: [] })
})

test('results that clients could not fetch until they gave up are excused, and counted', () => {
  const everywhere = ['client->api-0', 'client->api-1', 'client->api-2', 'client->api-3'].join(', ')
  const kept = lose(polling(calm), 3, (ordinal) => ordinal > 30, keptFor)
  const result = judgeCell(under(kept, { fault: 'refuse', on: everywhere, from: 900, to: 8000 }), checkers)
  expect(result).toMatchObject({ verdict: 'PASS', outcomes: { lost_result: 3 } })
  expect(result.checks.find(({ checker }) => checker === 'no-lost-task')).toMatchObject({
    status: 'pass',
    counts: { excused: 3 },
  })
})

test.each(lateAndKept)('late is not lost: %s', (_, history, late) => {
  const result = judgeCell(history, checkers)
  expect(result).toMatchObject({ verdict: 'PASS', outcomes: { late } })
})

test('a resumption after which nothing came puts nothing to the test', () => {
  const stream = { f: 'stream', type: 'observe', process: 'client', task: 't-00040' } as const
  const taskId = 'id-t-00040'
  const resumedAt = (seq: number) =>
    rewrite(streaming(calm), (op) => {
      if (op.f !== 'event' || op.task !== 't-00040' || op.value.seq !== seq) return [op]
      const closed = { ...stream, at: op.at, value: { taskId, state: 'closed', reason: 'reset' } } as const
      return [op, closed, { ...stream, at: op.at, value: { taskId, state: 'open', after: seq } } as const]
    })
  const statusOf = (seq: number) => {
    return judgeCell(resumedAt(seq), checkers).checks.find(({ checker }) => checker === 'stream-continuity')!.status
  }
  expect([statusOf(3), statusOf(6)]).toEqual(['pass', 'unexercised'])
})

test('a loss that nobody promised against is a measurement', () => {
  const result = judgeCell(simulate({ delivery: 'webhook', engine: 'memory', ...broken }), checkers)
  const lost = result.outcomes.lost_everywhere
  expect(lost).toBeGreaterThan(0)
  expect(result.exposed!.n - result.exposed!.successes).toBe(lost)
  expect(result.checks.find(({ checker }) => checker === 'no-lost-task')).toMatchObject({
    status: 'fail',
    promised: false,
    counts: { broken: lost },
  })
})

test('5,000 tasks are judged in seconds', () => {
  const kills = Array.from({ length: 60 }, (_, i) => ({ ordinal: i % 4, atMs: 1000 + i * 2000 }))
  const history = simulate({ delivery: 'polling', engine: 'durable', tasks: 5000, kills, seed: 3 })
  const startedAt = performance.now()
  expect(judgeCell(history, checkers).verdict).toBe('PASS')
  expect(performance.now() - startedAt).toBeLessThan(10_000)
})
