import { expect, test } from 'vitest'
import type { Op } from '../../../harness/model/history.ts'
import { judgeCell } from '../../../harness/verdict/cell.ts'
import { openRegistry } from '../../../harness/registry.ts'
import { simulate } from '../../mutants/simulate.ts'
import { revalue } from '../../mutants/mutations.ts'

const checkers = await openRegistry().checkers()
const whole = simulate({ delivery: 'polling', engine: 'durable', tasks: 120, kills: [], seed: 7 })
const cutAt = 2000

/** What there is of a history when the harness dies: nothing of later, and nothing from the ledger. */
function crashed(history: readonly Op[]): Op[] {
  return history.filter((op) => op.at <= cutAt && op.f !== 'effect' && op.f !== 'final').map(renumber(history))
}

/** What it leaves when it is interrupted. */
function interrupted(history: readonly Op[]): Op[] {
  const kept = history.filter((op) => op.at <= cutAt && op.f !== 'final')
  const over = new Set(kept.flatMap((op) => (op.f === 'task' && op.type !== 'invoke' ? op.task! : [])))
  const open = kept.filter((op) => op.f === 'task' && op.type === 'invoke' && !over.has(op.task!))
  const cuts = open.map(({ index, task }) => {
    const value = { reason: 'cut' } as const
    return { f: 'task', type: 'info', at: cutAt, process: 'client', task, invoke: index, value, index: 0 } as Op
  })
  const end = { f: 'phase', type: 'observe', at: cutAt, process: 'harness', value: { phase: 'cut' }, error: 'SIGINT' }
  return [...kept, ...cuts, { ...end, index: 0 } as Op].map(renumber(history))
}

function renumber(history: readonly Op[]): (op: Op, index: number, all: readonly Op[]) => Op {
  return (op, index, all) => {
    const begun = op.invoke === undefined ? undefined : history[op.invoke]
    return { ...op, index, ...(begun && { invoke: all.indexOf(begun) }) }
  }
}

const done = whole.filter((op) => op.f === 'task' && op.type === 'ok' && op.at <= cutAt).length

test.each([
  ['interrupted', interrupted(whole), 'SIGINT'],
  ['whose harness died', crashed(whole), 'the harness ended before the cell did'],
])('of a cell %s, what is open is neither success nor failure', (_, history, why) => {
  const result = judgeCell(history, checkers)
  expect(done).toBeGreaterThan(20)
  expect(result.verdict).toBe('INCONCLUSIVE')
  expect(result.reasons).toEqual([
    `polling-durable.none.1: interrupted at 0:02 of 0:07, ${120 - done} of 120 tasks cut or not sent (${why})`,
  ])
  expect(result.success).toMatchObject({ successes: done, n: done })
  expect(result.serverSuccess).toMatchObject({ successes: done, n: done })
  expect(result.overhead.n).toBe(done)
  expect(result.outcomes).toMatchObject({ ok: done, cut: 120 - done, lost_everywhere: 0, stuck: 0, not_offered: 0 })
  expect(result.tasks).toHaveLength(done)
})

test('a breach that was seen before is named and blamed on nobody: nothing measured the machine', () => {
  const wrong = revalue(
    interrupted(whole),
    'task',
    ({ type }) => type === 'ok',
    () => ({ digest: 'other' }),
    1,
  )
  const result = judgeCell(wrong, checkers)
  expect(result.verdict).toBe('INCONCLUSIVE')
  expect(result.reasons).toEqual([
    expect.stringContaining('interrupted at 0:02 of 0:07'),
    expect.stringMatching(
      /result-integrity failed: .*; nothing measured the machine to the end, which may have done this$/,
    ),
  ])
})
