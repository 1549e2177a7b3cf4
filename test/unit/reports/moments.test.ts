import { expect, test } from 'vitest'
import { momentOf } from '../../../harness/analysis/moments.ts'
import { traceOf } from '../../../harness/analysis/trace.ts'
import type { CellPlan, Trigger } from '../../../harness/model/plan.ts'
import type { CellResult, FaultResult, RunResults } from '../../../harness/model/results.ts'
import { momentRows } from '../../../reports/side-tables.ts'
import { effect, fault, intend, story, submit } from '../checkers/story.ts'

const firing = (id: string, trigger: Trigger): CellPlan['faults'][number] => {
  const target = { kind: 'node', role: 'api', ordinal: 'of-task' } as const
  return { id, fault: 'kill', target, trigger, durationMs: 5, params: {}, seed: 1 }
}
const accepted = (task: number) => ({ kind: 'accepted', task, delayMs: 3, withinMs: 900, windowMs: 20 }) as const

test('a firing after a moment is that long after it, by the history', () => {
  const step = { kind: 'step', task: 1, step: 1, delayMs: 1, withinMs: 900, windowMs: 5 } as const
  const timed = { kind: 'time', atMs: 1 } as const
  const faults = [firing('a#1', accepted(1)), firing('a#2', accepted(2)), firing('b#1', step), firing('c#1', timed)]
  const lines = [
    intend('t-1', 100),
    submit('t-1', 103, 'ok'),
    effect('t-1', 1, 100),
    ...fault('a#1', 'api-0', 109, 130),
    ...fault('b#1', 'api-0', 156, 170),
    ...fault('c#1', 'api-0', 1, 5),
  ]
  const trace = traceOf(story(lines, { faults }))
  expect(trace.faults.map((one) => momentOf(one, trace))).toEqual([
    { windowMs: 20, afterMs: 6 },
    { windowMs: 20 },
    { windowMs: 5, afterMs: 6 },
    undefined,
  ])
})

test('how often a window was hit is a row per cell and fault', () => {
  const seen = (id: string, afterMs?: number): Partial<FaultResult> => {
    return { id, moment: { windowMs: 20, ...(afterMs !== undefined && { afterMs }) } }
  }
  const faults = [seen('kill-1#1', 4), seen('kill-1#2', 21), seen('kill-1#3', 20), seen('kill-1#4'), { id: 'x#1' }]
  const cell = { cell: { arm: 'a', pattern: 'p', repetition: 1, faults: [] }, faults, success: { n: 1, successes: 1 } }
  const results = { cells: [cell as unknown as CellResult], plan: { notApplicable: [] } } as unknown as RunResults
  expect(momentRows(results)).toEqual([['a', 'p', 'kill-1', '20 ms', '4', '2', '20 ms', '21 ms']])
})
