import { describe, expect, test } from 'vitest'
import type { CellPlan, PlannedFault } from '../../../harness/model/plan.ts'
import { clopperPearson } from '../../../harness/stats/intervals.ts'
import type { TaskRow } from '../../../harness/model/results.ts'
import { proportionOf, type Rows } from '../../../harness/verdict/proportion.ts'
import { cellPlan, plannedFault } from '../stats/cells.ts'

/** Kills at these instants; `workers` of them at each, where a kill is of all nodes at once. */
function kills(instants: readonly number[], workers = 1): readonly PlannedFault[] {
  return instants.flatMap((atMs, i) =>
    Array.from({ length: workers }, (_, k) =>
      plannedFault({ id: `kill-1#${i * workers + k + 1}`, trigger: { kind: 'time', atMs } }),
    ),
  )
}

/** 200 tasks; of each fault's, all share its episode and the first ones are lost. */
function rows(cell: CellPlan, sizes: readonly number[], lost: readonly number[]): Rows {
  const touched = sizes.flatMap((size, i) =>
    Array.from({ length: size }, (_, k) => ({ episode: cell.faults[i]!.id, gone: k < lost[i]! })),
  )
  const tasks = Array.from({ length: 200 }, (_, ordinal): TaskRow => {
    const hit = touched[ordinal]
    const about = hit ? { episode: hit.episode, exposed: true } : { exposed: false }
    return { ordinal, task: `t-${ordinal}`, intendedAt: 0, idealMs: 1, outcome: hit?.gone ? 'stuck' : 'ok', ...about }
  })
  return { cell, tasks }
}

const of = (cell: CellPlan, sizes: readonly number[], lost: readonly number[]) =>
  proportionOf([rows(cell, sizes, lost)], ({ outcome }) => outcome === 'ok')

describe('the interval of a share', () => {
  test('is over faults from five on, and none below', () => {
    const five = of(cellPlan({ faults: kills([1000, 2000, 3000, 4000, 5000]) }), [9, 9, 9, 9, 9], [0, 0, 1, 0, 0])
    expect(five).toMatchObject({ successes: 199, n: 200, faults: 5 })
    expect(five.interval![0]).toBeGreaterThan(0.85)
    expect(five.interval![0]).toBeLessThan(clopperPearson(199, 200)[0])
    const four = of(cellPlan({ faults: kills([1000, 2000, 3000, 4000]) }), [9, 9, 9, 9], [0, 0, 1, 0])
    expect(four).not.toHaveProperty('interval')
    expect(four).toMatchObject({ faults: 4, method: '4 faults: too few for an interval over faults' })
  })

  test('is the same for kills of all nodes at once, whatever the number of workers', () => {
    const instants = [1000, 2000, 3000, 4000, 5000]
    const one = of(cellPlan({ faults: kills(instants) }), [12, 12, 12, 12, 12], [4, 0, 0, 8, 0])
    const four = of(
      cellPlan({ faults: kills(instants, 4) }),
      instants.flatMap(() => [3, 3, 3, 3]),
      [
        [3, 1, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [2, 2, 2, 2],
        [0, 0, 0, 0],
      ].flat(),
    )
    expect(four).toEqual(one)
    const once = of(cellPlan({ faults: kills([7], 8) }), [3, 3, 3, 3, 3, 3, 3, 3], [0, 0, 0, 0, 0, 0, 0, 0])
    expect(once.method).toBe('1 fault: too few for an interval over faults')
  })

  test('mutant: faults a millisecond apart count as so many', () => {
    const sizes = [9, 9, 9, 9, 9, 9]
    const apart = (everyMs: number) => of(cellPlan({ faults: kills(sizes.map((_, i) => i * everyMs)) }), sizes, sizes)
    expect(apart(1)).toMatchObject({ faults: 1, method: '1 fault: too few for an interval over faults' })
    expect(apart(300)).toMatchObject({ faults: 3 })
    expect(apart(500)).toMatchObject({ faults: 6 })
  })

  test('draws from a rate are faults of their own, however close they fall', () => {
    const drawn = kills([1000, 1001, 1002, 1003, 1004]).map((one) => ({ ...one, params: { meanGapMs: 1000 } }))
    expect(of(cellPlan({ faults: drawn }), [9, 9, 9, 9, 9], [0, 0, 0, 0, 0])).toMatchObject({ faults: 5 })
  })

  test('takes faults that touched one task each as independent', () => {
    const cell = cellPlan({ faults: kills([1000, 2000, 3000]) })
    expect(of(cell, [1, 1, 1], [1, 0, 1])).toEqual({
      successes: 198,
      n: 200,
      interval: clopperPearson(198, 200),
      method: 'Clopper-Pearson',
    })
  })

  test('two kills that lose 0 and 12 of 12 say nothing below 88 %, minus chance among the others', () => {
    const made = of(cellPlan({ faults: kills([1, 2]) }), [12, 12], [0, 12])
    expect(made.bounds![0]).toBeGreaterThan(0.86)
    expect(made.bounds![1]).toBe(1)
  })

  test('three restarts drawn from a rate that touch 60 each are too few', () => {
    const drawn = kills([1000, 2000, 3000]).map((fault) => ({ ...fault, params: { meanGapMs: 1000 } }))
    expect(of(cellPlan({ faults: drawn }), [60, 60, 60], [0, 0, 0])).not.toHaveProperty('interval')
  })

  test('of no task is none', () => {
    expect(proportionOf([], () => true)).toEqual({ successes: 0, n: 0, method: 'no task' })
  })

  test('repetitions are faults of their own', () => {
    const cell = cellPlan({ faults: kills([1000, 2000, 3000]) })
    const twice = [rows(cell, [9, 9, 9], [0, 0, 0]), rows(cell, [9, 9, 9], [0, 0, 0])]
    expect(proportionOf(twice, () => true)).toMatchObject({ n: 400, faults: 6 })
  })
})
