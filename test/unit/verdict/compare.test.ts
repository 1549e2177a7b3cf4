import { describe, expect, test } from 'vitest'
import type { CellPlan, Plan } from '../../../harness/model/plan.ts'
import { createRng } from '../../../harness/core/rng.ts'
import type { CellResult, Outcome, RunResults, RunVerdict, TaskRow } from '../../../harness/model/results.ts'
import { judgeCell } from '../../../harness/verdict/cell.ts'
import { circumstanceDifferences, planDifferences, sideDifferences } from '../../../harness/verdict/comparable.ts'
import { compareAll, compareWithFirst } from '../../../harness/verdict/compare.ts'
import { findingOf, firstPatternTable } from '../../../reports/compare.ts'
import { end, intend, story, submit } from '../checkers/story.ts'
import { cellPlan, plannedFault } from '../stats/cells.ts'

const template = judgeCell(story([intend('t-1'), submit('t-1', 1, 'ok'), end('t-1', 100, 'ok')]), [])

interface Fate {
  readonly lost?: boolean
  readonly overheadMs?: number
  readonly episode?: string
  readonly outcome?: Outcome
}

/** A judged cell of so many tasks, each as `fateOf` says. */
function cellOf(
  over: Partial<CellPlan>,
  n: number,
  fateOf: (i: number) => Fate,
  verdict: RunVerdict = 'PASS',
): CellResult {
  const cell = cellPlan({
    tasks: n,
    ...over,
    id: `${over.pattern ?? 'a'}.${over.arm ?? 'none'}.${over.repetition ?? 1}`,
  })
  const tasks = Array.from({ length: n }, (_, i): TaskRow => {
    const { lost = false, overheadMs = 10, episode, outcome = lost ? 'lost_everywhere' : 'ok' } = fateOf(i)
    const seen = lost ? {} : { seenAt: i + 100 + overheadMs }
    const about = { ordinal: i, task: `t-${i}`, intendedAt: i, idealMs: 100, exposed: episode !== undefined }
    return { ...about, outcome, ...(episode && { episode }), ...seen }
  })
  const reasons = verdict === 'PASS' ? [] : [`${cell.id}: something is wrong`]
  return {
    ...template,
    cell,
    tasks,
    verdict,
    reasons,
    overhead: { ...template.overhead, quotable: cell.timeScale === 1 },
  }
}

function resultsOf(cells: readonly CellResult[], over: Partial<Plan> = {}, run = 'r'): RunResults {
  const plan = {
    version: 1,
    scenario: 's',
    question: 'q',
    seed: 1,
    timeScale: 1,
    runtime: 'process',
    patterns: ['a', 'b'],
    cells: cells.map(({ cell }) => cell),
    notApplicable: [],
    gates: [],
    published: [],
    health: { pacerLagP99Ms: 5, eventLoopDelayP99Ms: 20 },
    ...over,
  } as const
  const environment = { outlast: '1', node: 'v24', platform: 'linux', kernel: '6', cpu: 'x', cores: 2 }
  const more = { startedAt: '', memoryBytes: 1, versions: { hono: '1' }, runtime: {}, deviations: [] }
  return { run, plan, cells, environment: { ...environment, ...more } } as unknown as RunResults
}

const a = { pattern: 'a', arm: 'none' }
const b = { pattern: 'b', arm: 'none' }
const compare = (first: readonly CellResult[], second: readonly CellResult[]) =>
  compareAll([{ first: a, second: b, cells: { first, second } }])[0]!
const one = (pattern: string, n: number, fateOf: (i: number) => Fate, over: Partial<CellPlan> = {}) =>
  cellOf({ pattern, ...over }, n, fateOf)

describe('two patterns under the same work', () => {
  test('are matched task by task: what only one of them got right decides', () => {
    const first = [one('a', 100, (i) => ({ lost: i < 12 }))]
    const second = [one('b', 100, (i) => ({ lost: i >= 10 && i < 12 }))]
    const { success } = compare(first, second)
    expect(success).toMatchObject({ pairs: 100, both: 88, onlyFirst: 0, onlySecond: 10, neither: 2, difference: 0.1 })
    expect(success!.p).toBeCloseTo(2 / 1024, 12)
    expect(success!.interval![0]).toBeGreaterThan(0.039)
    expect(success!.interval![1]).toBeLessThan(0.18)
    expect(success!.basis).toBe('100 pairs alone')
  })

  test('a cell with itself shows no difference: p = 1', () => {
    const cells = [one('a', 50, (i) => ({ lost: i % 7 === 0, overheadMs: i }))]
    const [found] = compareAll([{ first: a, second: a, cells: { first: cells, second: cells } }])
    expect(found).toMatchObject({ success: { difference: 0, p: 1, adjusted: 1 }, overhead: { shiftMs: 0, p: 1 } })
    expect(findingOf(found!)).toBe('no difference shown')
  })

  test('overhead is of pairs that no fault touched, and both sides got right', () => {
    const first = [one('a', 40, (i) => ({ overheadMs: 20 + (i % 5), ...(i < 5 && { episode: 'k#1' }) }))]
    const second = [
      one('b', 40, (i) => ({ overheadMs: 30 + (i % 5), lost: i === 9, ...(i === 6 && { episode: 'k#1' }) })),
    ]
    const { overhead } = compare(first, second)
    expect(overhead).toMatchObject({ pairs: 33, shiftMs: 10, interval: [10, 10], negligible: false, quotable: true })
    expect(overhead!.without).toEqual({ first: 0, secondAlone: 1 })
    expect(overhead!.p).toBeLessThan(0.001)
  })

  test('a shift below what a timer can tell is negligible, however sure it is', () => {
    const second = [one('b', 40, (i) => ({ overheadMs: 10.4 + i / 1000 }))]
    const found = compare([one('a', 40, () => ({}))], second)
    expect(found.overhead).toMatchObject({ negligible: true })
    expect(found.overhead!.p).toBeLessThan(0.001)
    expect(findingOf(found)).toBe('no difference shown')
  })

  test('tasks that were cut or not sent are no pair', () => {
    const cut = [one('b', 20, (i) => ({ ...(i < 4 && { outcome: 'not_offered' as const }) }))]
    expect(compare([one('a', 20, () => ({}))], cut).success!.pairs).toBe(16)
  })
})

describe('tasks that share a fault', () => {
  const under = (faults: number, lostBy: (fault: number) => boolean) => (i: number) => {
    const fault = Math.floor(i / 10)
    return fault < faults ? { episode: `kill-1#${fault}`, lost: lostBy(fault) } : {}
  }

  test('one kill that took thirty tasks of one side proves nothing', () => {
    const first = [one('a', 200, (i) => (i < 30 ? { episode: 'kill-1#1', lost: true } : {}))]
    const { success } = compare(first, [one('b', 200, (i) => (i < 30 ? { episode: 'kill-1#1' } : {}))])
    expect(success).toMatchObject({ onlySecond: 30, difference: 0.15, p: 1 })
    expect(success!.interval).toBeUndefined()
    expect(success!.basis).toBe('1 fault: too few for an interval over faults; 170 pairs alone')
  })

  test('one instant that took a node of each of eight is one fault', () => {
    const faults = Array.from({ length: 8 }, (_, n) => plannedFault({ id: `kill-1#${n}` }))
    const under8 = (lost: boolean) => (i: number) => (i < 80 ? { episode: `kill-1#${i % 8}`, lost } : {})
    const [a, b] = [true, false].map((lost) => {
      return [cellOf({ pattern: lost ? 'a' : 'b', faults }, 200, under8(lost))]
    }) as [CellResult[], CellResult[]]
    const { success } = compare(a, b)
    expect(success).toMatchObject({ onlySecond: 80, p: 1 })
    expect(success!.interval).toBeUndefined()
    expect(success!.basis).toBe('1 fault: too few for an interval over faults; 120 pairs alone')
  })

  test('eight that all did, do; the interval is wider than that of as many pairs alone', () => {
    const first = [
      one(
        'a',
        200,
        under(8, () => true),
      ),
    ]
    const second = [
      one(
        'b',
        200,
        under(8, () => false),
      ),
    ]
    const shared = compare(first, second).success!
    expect(shared.p).toBeCloseTo(2 / 256, 9)
    const alone = compare([one('a', 200, (i) => ({ lost: i < 80 }))], [one('b', 200, () => ({}))]).success!
    expect(shared.interval![1] - shared.interval![0]).toBeGreaterThan(2 * (alone.interval![1] - alone.interval![0]))
  })

  test('of two patterns that are alike, at most one comparison in twenty finds a difference', () => {
    const rng = createRng(11, 'a/a')
    let [found, covered] = [0, 0]
    const runs = 300
    for (let run = 0; run < runs; run++) {
      // Each side loses all of a fault's tasks, or none.
      const fates = Array.from({ length: 20 }, () => [rng.next() < 0.4, rng.next() < 0.4] as const)
      const { success } = compare(
        [
          one(
            'a',
            200,
            under(20, (fault) => fates[fault]![0]),
          ),
        ],
        [
          one(
            'b',
            200,
            under(20, (fault) => fates[fault]![1]),
          ),
        ],
      )
      if (success!.p < 0.05) found++
      if (success!.interval![0] <= 0 && 0 <= success!.interval![1]) covered++
    }
    expect(found / runs).toBeLessThan(0.08)
    expect(covered / runs).toBeGreaterThan(0.95)
  })

  // Each fault of the second side hits one task of each fault of the first.
  const crossed = (faults: number) => {
    const sideOf = (pattern: string, faultOf: (i: number) => number) => (isLost: (fault: number) => boolean) => [
      one(pattern, 10 * faults + 50, (i) => {
        return i < 10 * faults ? { episode: `kill-1#${faultOf(i)}`, lost: isLost(faultOf(i)) } : {}
      }),
    ]
    return { rows: sideOf('a', (i) => Math.floor(i / 10)), columns: sideOf('b', (i) => i % faults) }
  }

  test('one fault of either side proves nothing, whatever hit the same tasks on the other', () => {
    const { rows, columns } = crossed(10)
    const [ofFirst, ofSecond] = [
      compare(
        rows((fault) => fault === 3),
        columns(() => false),
      ).success!,
      compare(
        rows(() => false),
        columns((fault) => fault === 3),
      ).success!,
    ]
    expect(ofFirst).toMatchObject({ onlySecond: 10, p: 1, basis: '10 faults; 50 pairs alone' })
    expect(ofSecond).toMatchObject({ onlyFirst: 10, p: 1, basis: '10 faults; 50 pairs alone' })
    expect(ofSecond.interval!.toReversed().map((end) => -end)).toEqual(
      ofFirst.interval!.map((end) => expect.closeTo(end, 9)),
    )
  })

  test('a fault of one task on either side is a pair alone', () => {
    const first = one('a', 20, (i) => (i < 4 ? { episode: `kill-1#${i}`, lost: true } : {}))
    const second = one('b', 20, (i) => (i < 4 ? { episode: `kill-1#${3 - i}` } : {}))
    expect(compare([first], [second]).success).toMatchObject({ p: expect.closeTo(0.125, 9), basis: '20 pairs alone' })
  })

  test.each([
    [10, 0.2],
    [10, 0.5],
    [20, 0.2],
    [20, 0.5],
  ])('two patterns that are alike differ seldom where %d faults hit other tasks on each side: %d', (faults, share) => {
    const rng = createRng(13, `${faults}/${share}`)
    const { rows, columns } = crossed(faults)
    let [found, covered] = [0, 0]
    const runs = 200
    for (let run = 0; run < runs; run++) {
      const [a, b] = [rows, columns].map((side) => {
        const fates = Array.from({ length: faults }, () => rng.next() < share)
        return side((fault) => fates[fault]!)
      }) as [CellResult[], CellResult[]]
      const { success } = compare(a, b)
      if (success!.p < 0.05) found++
      if (success!.interval![0] <= 0 && 0 <= success!.interval![1]) covered++
    }
    expect(found / runs).toBeLessThan(0.07)
    expect(covered / runs).toBeGreaterThan(0.93)
  })
})

describe('repetitions', () => {
  const blocks = (n: number, lost: (repetition: number) => number, pattern: string) =>
    Array.from({ length: n }, (_, r) => one(pattern, 50, (i) => ({ lost: i < lost(r) }), { repetition: r + 1 }))

  test('five and more are one observation each: a difference of one block is none', () => {
    const { success, blocks: compared } = compare(
      blocks(6, (r) => (r === 0 ? 40 : 0), 'a'),
      blocks(6, () => 0, 'b'),
    )
    expect(compared).toBe(6)
    expect(success!.difference).toBeCloseTo(40 / 300, 12)
    expect(success!.p).toBeGreaterThan(0.3)
    expect(success!.interval![0]).toBeLessThan(0)
    expect(success!.basis).toContain('6 blocks')
  })

  test('that agree are as sure as their pairs allow', () => {
    const { success } = compare(
      blocks(6, (r) => 8 + (r % 2), 'a'),
      blocks(6, () => 0, 'b'),
    )
    expect(success!.p).toBeLessThan(0.001)
    expect(success!.interval![0]).toBeGreaterThan(0.1)
  })

  test('fewer are said to be too few', () => {
    expect(
      compare(
        blocks(3, () => 5, 'a'),
        blocks(3, () => 0, 'b'),
      ).success!.basis,
    ).toBe('150 pairs alone; 3 blocks are too few to be the unit')
  })

  test('a cell that shows nothing is left out with its reason, and the others are compared', () => {
    const second = [
      cellOf({ pattern: 'b', repetition: 1 }, 50, () => ({}), 'INVALID'),
      one('b', 50, () => ({}), { repetition: 2 }),
    ]
    const found = compare(
      blocks(3, () => 0, 'a'),
      second,
    )
    expect(found).toMatchObject({ blocks: 1, success: { pairs: 50 } })
    expect(found.leftOut).toEqual(['b.none.1 is INVALID: something is wrong', 'b.none.3 was not carried out'])
  })
})

describe('against the first pattern', () => {
  test('every other one in every arm, adjusted over all of them', () => {
    const fates = { a: 0, b: 8, c: 0 }
    const cells = Object.entries(fates).flatMap(([pattern, lost]) =>
      ['none', 'kill'].map((arm) => one(pattern, 100, (i) => ({ lost: i < lost, overheadMs: 10 }), { arm })),
    )
    const { plan } = resultsOf(cells.toReversed(), { patterns: ['a', 'b', 'c'] })
    const found = compareWithFirst(plan, cells)
    expect(found.map(({ first, second }) => `${second.pattern} ${first.pattern} ${second.arm}`).toSorted()).toEqual([
      'b a kill',
      'b a none',
      'c a kill',
      'c a none',
    ])
    const lossy = found.find(({ second }) => second.pattern === 'b')!.success!
    // Eight values of p: two of 1/128, the rest 1.
    expect([lossy.p, lossy.adjusted]).toEqual([2 / 256, (8 * 2) / 256].map((p) => expect.closeTo(p, 12)))
    const table = firstPatternTable({ ...resultsOf(cells), comparisons: found })!
    expect([table.first, table.rows.length, table.notes]).toEqual(['a', 4, []])
  })

  test('who lost its slow tasks is not called faster', () => {
    const finding = (lost: number) => {
      const cells = [
        one('a', 100, (i) => ({ overheadMs: 20 + (i % 5) })),
        one('b', 100, (i) => ({ lost: i < lost, overheadMs: 5 + (i % 5) })),
      ]
      const found = compareWithFirst(resultsOf(cells, { patterns: ['a', 'b'] }).plan, cells)
      const { rows, notes } = firstPatternTable({ ...resultsOf(cells), comparisons: found })!
      return [rows[0]!.at(-1), notes]
    }
    expect(finding(5)).toEqual(['faster', []])
    const why =
      'overhead of b.none against a.none: no finding, as 6 of 100 pairs that no fault touched have no result on one side'
    expect(finding(6)).toEqual(['fewer succeed', [why]])
  })

  test('is nothing where there is no other, and says why where nothing could be compared', () => {
    const alone = [one('a', 10, () => ({}))]
    expect(compareWithFirst(resultsOf(alone, { patterns: ['a'] }).plan, alone)).toEqual([])
    const sick = [cellOf({ pattern: 'a' }, 10, () => ({}), 'INVALID'), one('b', 10, () => ({}))]
    const results = resultsOf(sick)
    const table = firstPatternTable({ ...results, comparisons: compareWithFirst(results.plan, sick) })!
    expect([table.rows, table.notes]).toEqual([[], ['not compared: a.none.1 is INVALID: something is wrong']])
  })
})

describe('plans that ask for other work are no comparison', () => {
  const kill = plannedFault({ id: 'kill-1#1' })
  const base = { pattern: 'a', arm: 'kill', faults: [kill] }
  const side = { pattern: 'a', arm: 'kill' }
  const of = (...cells: readonly Partial<CellPlan>[]) => ({
    side,
    results: resultsOf(cells.map((over) => cellOf({ ...base, ...over }, 1, () => ({})))),
  })

  test.each<[Partial<CellPlan>, string]>([
    [{ seed: 2 }, 'seed: 1 against 2'],
    [{ tasks: 9 }, 'tasks: 1 against 9'],
    [{ profile: 'smoke' }, 'profile: research-write against smoke'],
    [{ timeScale: 60 }, 'timeScale: 1 against 60'],
    [{ load: { arrivals: 'uniform', ratePerSec: 1 } }, 'arrivals: poisson against uniform'],
    [{ load: { arrivals: 'poisson', ratePerSec: 2 } }, 'load: 1/s against 2/s'],
    [{ graceMs: 200 }, 'grace: 100 ms against 200 ms'],
    [{ restartDelayMs: 5 }, 'restart delay: 100 ms against 5 ms'],
    [{ replicas: { api: 2, executor: 1 } }, 'replicas: 1 api and 1 executor against 2 api and 1 executor'],
    [{ ownWork: { idealMs: 100, steps: 1, tellsEffects: true } }, 'own work: none against 100 ms in 1 steps'],
    [{ idealRangeMs: [1, 2] }, 'durations: all alike against 1 to 2 ms'],
    [{ executors: 3 }, 'executors: as replicas against 3'],
    [{ limits: { balances: { b: 5, a: 7 } } }, 'balances: none against a 7, b 5'],
    [{ faults: [{ ...kill, seed: 2 }] }, 'fault kill-1#1: kill of executor-0 at 0 ms for 100 ms with seed 1 against 2'],
    [
      { limits: { toolRates: { task: { perSecond: 1, burst: 1 } } } },
      'tool rates: none against {"task":{"perSecond":1,"burst":1}}',
    ],
    [
      { control: [{ key: 'c-cancel-1', kind: 'cancel', seed: 1, atMs: 0, afterMs: 1 }] },
      'tasks beside the load: none against 1 cancel',
    ],
    [{ faults: [] }, 'fault kill-1#1 is in the first alone'],
    [
      { faults: [{ ...kill, durationMs: 7 }] },
      'fault kill-1#1: kill of executor-0 at 0 ms for 100 ms against kill of executor-0 at 0 ms for 7 ms',
    ],
  ])('%o', (over, said) => {
    expect(planDifferences(of({}), of(over))).toEqual([said])
  })

  test('a window from which the moment was drawn', () => {
    const after = (windowMs: number) => ({ kind: 'accepted', task: 1, delayMs: 1, withinMs: 9, windowMs }) as const
    const about = (windowMs: number) => of({ faults: [{ ...kill, trigger: after(windowMs) }] })
    const when = (ms: number) =>
      `kill of executor-0 1 ms (of ${ms} ms) after the acceptance of task 1, within 9 ms for 100 ms`
    expect(planDifferences(about(5), about(5))).toEqual([])
    expect(planDifferences(about(5), about(20))).toEqual([`fault kill-1#1: ${when(5)} against ${when(20)}`])
  })

  test('work of its own, of two services or of one that was changed', () => {
    const long = { idealMs: 100_000, steps: 50, tellsEffects: true }
    const [first, untold] = [of({ ownWork: long }), of({ ownWork: { ...long, tellsEffects: false } })]
    expect(planDifferences(first, first)).toEqual([])
    const short = { pattern: 'b', ownWork: { idealMs: 100, steps: 1, tellsEffects: true } }
    const other = { side: { pattern: 'b', arm: 'kill' }, results: of(short).results }
    expect(planDifferences(first, other)).toEqual(['own work: 100000 ms in 50 steps against 100 ms in 1 steps'])
    expect(planDifferences(first, untold)).toEqual([
      'own work: 100000 ms in 50 steps against 100000 ms in 50 steps, effects untold',
    ])
  })

  test('how many of its nodes execute is what a pattern is', () => {
    const other = { side: { pattern: 'b', arm: 'kill' }, results: of({ pattern: 'b', executors: 3 }).results }
    expect(planDifferences(of({}), other)).toEqual([])
  })

  test.each([
    ['a duration', { idealMs: 100_000 }],
    ['an arrival', { intendedAt: 9 }],
  ])('and where the plans say the same, one task that differs in %s is no pair, nor any beside it', (_, odd) => {
    const [first, second] = [one('a', 40, () => ({})), one('b', 40, () => ({}))]
    const changed = { ...second, tasks: second.tasks.map((task, i) => (i === 3 ? { ...task, ...odd } : task)) }
    expect(compare([first], [second])).toMatchObject({ success: { pairs: 40 } })
    const found = compare([first], [changed])
    expect(found).not.toHaveProperty('success')
    expect(found.leftOut).toEqual([
      'b.none.1: 1 of its 40 tasks are other work than those that they would be held against',
    ])
  })

  test('all at once, and the repetition where it is not all of them', () => {
    const [two, other] = [of({ repetition: 1 }, { repetition: 2 }), of({ repetition: 1 }, { repetition: 2, seed: 3 })]
    expect(planDifferences(two, other)).toEqual(['seed: 1 against 3 (repetition 2)'])
    expect(planDifferences(two, of({ repetition: 1, seed: 3, graceMs: 1 }, { repetition: 2, seed: 3 }))).toEqual([
      'seed: 1 against 3',
      'grace: 100 ms against 1 ms (repetition 1)',
    ])
    expect(planDifferences(two, of({}))).toEqual(['repetitions: 2 against 1'])
  })

  test('the same work is one: another pattern, another arm by name, the same plan', () => {
    expect(planDifferences(of({}), of({}))).toEqual([])
    const control = { side: { pattern: 'a', arm: 'none' }, results: resultsOf([one('a', 1, () => ({}))]) }
    expect(planDifferences(control, of({}))).toEqual([])
    expect(sideDifferences(control, of({}))).toEqual(['arm: none against kill'])
  })

  test('what else differs is told, and nothing that does not', () => {
    const [first, second] = [of({}).results, of({}).results]
    expect(circumstanceDifferences(first, second)).toEqual([])
    const environment = { ...second.environment, commit: 'abc', versions: { hono: '2' }, cores: 8 }
    expect(
      circumstanceDifferences(first, { ...second, environment, plan: { ...second.plan, runtime: 'docker' } }),
    ).toEqual([
      'runtime: process against docker',
      'commit: unknown against abc',
      'cores: 2 against 8',
      'version of hono: 1 against 2',
    ])
  })
})
