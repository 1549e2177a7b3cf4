import { describe, expect, test } from 'vitest'
import type { CellPlan, Gate } from '../../../harness/model/plan.ts'
import { hopelessGates, outlookLines, outlookOf } from '../../../harness/plan/power.ts'
import { cellPlan, plannedFault } from '../stats/cells.ts'

const axes = { delivery: ['no-lost-task'], engine: [] } as const
const cell = (over: Partial<CellPlan>): CellPlan =>
  cellPlan({ tasks: 100, load: { arrivals: 'poisson', ratePerSec: 10 }, axes, faults: [], ...over })
const outlook = (cells: readonly CellPlan[], gates: readonly Gate[] = []) => outlookOf({ cells, gates }, () => 5000)
const kills = [1, 2, 3].map((n) =>
  plannedFault({ id: `kill-1#${n}`, trigger: { kind: 'time', atMs: n * 2000 }, durationMs: 500 }),
)

describe('what a plan can tell', () => {
  test('without faults: the exact interval without a loss, and differences by the number of tasks', () => {
    const { arms, pairs } = outlook([cell({ pattern: 'a' }), cell({ pattern: 'b' })])
    // Clopper-Pearson of 100 of 100: 0.025 ** (1 / 100).
    expect(arms[0]!.highest).toBeCloseTo(0.025 ** 0.01, 6)
    expect(pairs).toEqual([expect.objectContaining({ first: 'a', other: 'b' })])
    expect(pairs[0]!.independent).toBeGreaterThan(0.07)
    expect(pairs[0]!.independent).toBe(pairs[0]!.shared)
  })

  test('the same pattern is the first one in every arm', () => {
    const cells = [
      cell({ pattern: 'a', arm: 'x' }),
      cell({ pattern: 'b', arm: 'x' }),
      cell({ pattern: 'b', arm: 'y' }),
      cell({ pattern: 'a', arm: 'y' }),
    ]
    expect(outlook(cells).pairs.map(({ arm, first }) => [arm, first])).toEqual([
      ['x', 'a'],
      ['y', 'a'],
    ])
  })

  test('with few faults there is no interval, and tasks that share a fate tell less', () => {
    const { arms, pairs } = outlook(['a', 'b'].map((pattern) => cell({ pattern, tasks: 400, faults: kills })))
    expect(arms.every(({ highest, interval }) => highest === undefined && interval === undefined)).toBe(true)
    expect(pairs[0]!.shared).toBeGreaterThan(pairs[0]!.independent!)
  })
})

test('work that varies is predicted by all of its durations, not by their mean', () => {
  const drawn = { params: { meanGapMs: 60_000 }, target: { kind: 'node', role: 'executor', ordinal: 0 } } as const
  const faults = [plannedFault({ id: 'kill-1#1', trigger: { kind: 'time', atMs: 2000 }, durationMs: 500, ...drawn })]
  const dies = { delivery: 'polling', engine: 'memory', faults, idealRangeMs: [5000, 120_000] } as const
  const { arms } = outlookOf({ cells: [cell(dies)], gates: [] }, () => 36_186)
  // The mean of exp(-D / 60 s): (E1(1/12) - E1(2)) / ln 24. That of the mean duration would be 0.547.
  expect(arms[0]!.predicted).toBeCloseTo(0.6106, 3)
})

test('plan warns of gates that it can never settle, for want of tasks and for want of faults', () => {
  const gate = (arm: string, min: number): Gate => ({ pattern: 'a', arm, metric: 'success', min })
  const cells = [cell({ pattern: 'a', arm: 'none' }), cell({ pattern: 'a', arm: 'kill', faults: kills })]
  const found = outlook(cells, [gate('none', 0.99), gate('none', 0.95), gate('kill', 0.9)])
  expect(hopelessGates(found)).toEqual([
    expect.stringMatching(/^a under none: success >= 99 % can never pass: .* at most 96.4 %; \d+ tasks would do$/),
    expect.stringMatching(/^a under kill: success >= 90 % can never pass: too few faults .* 3 of at least 5 faults/),
  ])
  expect(outlookLines(found)).toContain('Warning: gates that this plan can never settle:\n  a under none')
  expect(outlookLines(outlook(cells, [gate('none', 0.95)]))).not.toContain('Warning')
})
