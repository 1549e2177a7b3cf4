import { describe, expect, test } from 'vitest'
import type { CellPlan, Gate, Plan, Published } from '../../../harness/model/plan.ts'
import type { Checker } from '../../../harness/model/checker.ts'
import type { CellResult, Outcome, RunVerdict, TaskRow } from '../../../harness/model/results.ts'
import { judgeCell } from '../../../harness/verdict/cell.ts'
import { exitCodeOf } from '../../../harness/verdict/run.ts'
import { broken, polling, webhook } from '../../mutants/worlds.ts'
import { end, intend, story, submit } from '../checkers/story.ts'
import { judgedRun } from '../../support/judged-cells.ts'
import { cellPlan, plannedFault } from '../stats/cells.ts'

const template = judgeCell(story([intend('t-1'), submit('t-1', 1, 'ok'), end('t-1', 100, 'ok')]), [])

/** A judged cell of `n` tasks of which the first `failures` were lost, those of an episode `share` at a time. */
function judged(
  over: Partial<CellPlan>,
  n: number,
  failures: number,
  share = 0,
  verdict: RunVerdict = 'PASS',
): CellResult {
  const cell = cellPlan({ tasks: n, ...over })
  const tasks = Array.from({ length: n }, (_, i): TaskRow => {
    const outcome: Outcome = i < failures ? 'lost_everywhere' : 'ok'
    const episode = share > 0 && i < failures ? { episode: `kill-1#${Math.floor(i / share)}` } : {}
    const seen = outcome === 'ok' ? { seenAt: i + 100 + (i % 10) } : {}
    return {
      ordinal: i,
      task: `t-${i}`,
      intendedAt: i,
      idealMs: 100,
      outcome,
      exposed: i < failures,
      ...episode,
      ...seen,
    }
  })
  const reasons = verdict === 'PASS' ? [] : [`${cell.id}: something is wrong`]
  return {
    ...template,
    cell,
    tasks,
    verdict,
    reasons,
    success: { ...template.success, successes: n - failures, n },
    overhead: { ...template.overhead, quotable: cell.timeScale === 1 },
  }
}

const run = judgedRun

describe('a cell', () => {
  const crash: Checker = {
    name: 'crash',
    summary: 'throws',
    judges: 'no-lost-task',
    check: () => {
      throw new TypeError('no such thing')
    },
  }

  test('whose checker crashes is not judged by it', () => {
    const lines = [intend('t-1'), submit('t-1', 1, 'ok'), end('t-1', 100, 'ok')]
    const result = judgeCell(story(lines, { promises: ['no-lost-task'] }), [crash])
    expect(result).toMatchObject({
      verdict: 'INCONCLUSIVE',
      reasons: ['a.none.1: crash cannot tell: crashed: no such thing'],
    })
    expect(judgeCell(story(lines), [crash]).verdict).toBe('PASS')
  })

  test('whose promise is broken names the tasks that show it, once each, and only then', () => {
    const found = { status: 'fail', summary: 'lost', counts: {}, witnesses: [1, 2, 1] } as const
    const lost: Checker = { ...crash, check: () => found }
    const history = story([intend('t-1'), submit('t-1', 1, 'ok'), end('t-1', 100, 'ok')], {
      promises: ['no-lost-task'],
    })
    expect(history[1]!.task).toBe('t-1')
    expect(judgeCell(history, [lost]).checks[0]!.tasks).toEqual(['t-1'])
    expect(
      judgeCell(history, [{ ...crash, check: () => ({ ...found, status: 'pass' }) }]).checks[0],
    ).not.toHaveProperty('tasks')
  })

  test('that could not be carried out is invalid, and says why', () => {
    const history = story([]).map((op) => (op.f === 'phase' ? { ...op, error: 'engine-0 was not ready' } : op))
    expect(judgeCell(history, [])).toMatchObject({
      verdict: 'INVALID',
      reasons: ['a.none.1: it could not be carried out: engine-0 was not ready'],
    })
  })

  test('without its plan cannot be judged', () => {
    expect(() => judgeCell([], [])).toThrow('a history begins with the plan of its cell')
  })

  test('reports figures that agree with each other', () => {
    const result = judgeCell(webhook(broken), [])
    const { success, serverSuccess, outcomes, tasks, exposed, episodes, overhead } = result
    expect(success).toMatchObject({ n: 120, successes: outcomes.ok })
    expect(serverSuccess.successes).toBe(outcomes.ok + outcomes.late + outcomes.lost_result)
    expect(exposed!.n).toBe(tasks.filter((task) => task.exposed).length)
    expect(exposed!.n).toBe(episodes[0]!.affectedTasks)
    expect(episodes[0]!.lostTasks).toBe(outcomes.lost_everywhere)
    // One fault touched half of them together: no interval over faults, and none over tasks as if they were alone.
    expect(overhead).toMatchObject({ p99: null, n: 120, quotable: false, intervals: {}, tooFew: ['p50', 'p95', 'p99'] })
    expect(overhead.p50).toBeGreaterThan(0)
  })
})

describe('gates', () => {
  const gate: Gate = { pattern: 'a', arm: 'none', metric: 'success', min: 0.95 }
  const judge = (cells: readonly CellResult[], over: Partial<Gate> = {}) =>
    run(cells, { gates: [{ ...gate, ...over }] })

  test('pass above, fail below, and say what would settle the rest', () => {
    expect(judge([judged({}, 300, 2)])).toMatchObject({ verdict: 'PASS', reasons: [] })
    expect(judge([judged({}, 300, 60)]).gates[0]).toMatchObject({ verdict: 'FAIL', observed: 0.8, n: 300 })
    const open = judge([judged({}, 300, 10)])
    expect(open.verdict).toBe('INCONCLUSIVE')
    const { tasks } = open.gates[0]!.needed as { tasks: number }
    expect(tasks).toBeGreaterThan(300)
    expect(open.reasons[0]).toMatch(
      /^gate a\.none success >= 0\.95: INCONCLUSIVE: .*; \d+ tasks would settle it in 4 of 5 runs$/,
    )
  })

  test('on what is counted are shares of the tasks that have something to count', () => {
    const counted = (most: number): readonly CellResult[] => {
      const cell = judged({}, 300, 0)
      return [{ ...cell, tasks: cell.tasks.map((task, i) => (i < 200 ? { ...task, posts: i < 20 ? most : 1 } : task)) }]
    }
    const limit = { metric: 'posts', atMost: 1, min: 0.95 } as const
    expect(judge(counted(1), limit)).toMatchObject({ verdict: 'PASS', gates: [{ n: 200, observed: 1 }] })
    expect(judge(counted(2), limit)).toMatchObject({
      verdict: 'FAIL',
      reasons: [
        expect.stringMatching(/^gate a\.none posts <= 1 in >= 0\.95: FAIL: observed 0\.9000 .* over 200 tasks$/),
      ],
    })
    expect(judge(counted(2), { ...limit, atMost: 2 }).verdict).toBe('PASS')
    const none = judge([judged({}, 300, 0)], limit)
    expect(none.gates[0]).toMatchObject({ verdict: 'INCONCLUSIVE', n: 0, note: 'no task of it could be judged' })
  })

  test('pool repetitions', () => {
    const half = [judged({ id: 'a.none.1' }, 60, 0), judged({ id: 'a.none.2', repetition: 2 }, 60, 0)]
    expect(judge(half.slice(0, 1)).gates[0]).toMatchObject({ verdict: 'INCONCLUSIVE', n: 60, needed: { tasks: 72 } })
    expect(judge(half).gates[0]).toMatchObject({ verdict: 'PASS', n: 120 })
  })

  test('do not count cells that cannot be believed, and never pass on nothing', () => {
    expect(judge([judged({}, 300, 0, 0, 'INVALID')]).gates[0]).toMatchObject({
      verdict: 'INCONCLUSIVE',
      n: 0,
      note: 'no task of it could be judged',
    })
    expect(judge([]).gates[0]).toMatchObject({ verdict: 'INCONCLUSIVE', n: 0 })
  })

  test('by exposed tasks alone', () => {
    expect(judge([judged({}, 300, 40)], { metric: 'exposed-success' }).gates[0]).toMatchObject({
      verdict: 'FAIL',
      n: 40,
    })
  })

  const few = (sizes: readonly number[], lost: readonly number[]): CellResult => {
    const cell = judged({}, 200, 0)
    const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b, 0))
    const tasks = cell.tasks.map((task, i): TaskRow => {
      const fault = ends.findIndex((end) => i < end)
      if (fault < 0) return task
      const gone = i - (ends[fault]! - sizes[fault]!) < lost[fault]!
      return { ...task, exposed: true, episode: `kill-1#${fault}`, outcome: gone ? 'lost_everywhere' : 'ok' }
    })
    return { ...cell, tasks }
  }

  test('tasks that share a fault count for less, and it says how many faults are needed', () => {
    const cells = [judged({}, 200, 12), few([20, 20, 20, 20, 20], [10, 1, 0, 0, 1])]
    const [alone, shared] = cells.map((cell) => judge([cell], { min: 0.9 }).gates[0]!)
    expect([alone!.observed, shared!.observed]).toEqual([0.94, 0.94])
    expect(shared!.interval![0]).toBeLessThan(alone!.interval![0]!)
    expect(shared).toMatchObject({ verdict: 'INCONCLUSIVE', faults: 5 })
    expect(shared!.needed).toHaveProperty('faults')
  })

  test.each([[[0, 0, 0]], [[0, 1, 0]], [[1, 1, 1]], [[2, 2, 4]]])(
    'three faults that lose %j of 15, 15 and 28 are too few for a verdict',
    (lost) => {
      const [made] = judge([few([15, 15, 28], lost)], { min: 0.9 }).gates
      expect(made).toMatchObject({ verdict: 'INCONCLUSIVE', faults: 3 })
      expect(made).not.toHaveProperty('interval')
      expect(made!.note).toBe('3 faults: too few for an interval over faults')
      expect(made!.needed).toHaveProperty('faults')
    },
  )

  test('few faults still fail where no fate of their tasks could help', () => {
    const cell = few([15, 15], [0, 0])
    const tasks = cell.tasks.map((task, i): TaskRow => (i >= 140 ? { ...task, outcome: 'failed_known' } : task))
    const [made] = judge([{ ...cell, tasks }], { min: 0.9 }).gates
    expect(made).toMatchObject({ verdict: 'FAIL', faults: 2 })
    expect(made!.note).toContain('had all tasks that they hit succeeded, it would still be below the limit')
  })

  test.each([0, -1, 1, 1.5])('with a limit of %d, from an old plan, never pass and never fail', (min) => {
    for (const lost of [0, 300]) expect(judge([judged({}, 300, lost)], { min }).gates[0]!.verdict).toBe('INCONCLUSIVE')
    expect(judge([], { min }).gates[0]!.verdict).toBe('INCONCLUSIVE')
  })

  test('whose cells were left out stay, and say so', () => {
    const made = judge([], { leftOut: '--patterns' })
    expect(made.verdict).toBe('INCONCLUSIVE')
    expect(made.reasons).toContain('gate a.none success >= 0.95: INCONCLUSIVE: left out by --patterns')
  })

  const exposing = (touched: number, lost = 0): CellResult => {
    const cell = judged({ faults: [plannedFault({})] }, 300, lost)
    return { ...cell, tasks: cell.tasks.map((task, i) => ({ ...task, exposed: i < touched })) }
  }

  test('under faults do not pass where these touched next to nobody, but fail', () => {
    expect(judge([exposing(19)]).gates[0]).toMatchObject({
      verdict: 'INCONCLUSIVE',
      note: 'a fault touched only 19 of its 300 tasks, and it asks for 20',
    })
    expect(judge([exposing(20)]).gates[0]).toMatchObject({ verdict: 'PASS' })
    expect(judge([exposing(1)], { exposed: 1 }).gates[0]).toMatchObject({ verdict: 'PASS' })
    expect(judge([exposing(40)], { exposed: 41 }).gates[0]).toMatchObject({ verdict: 'INCONCLUSIVE' })
    expect(judge([exposing(1, 90)]).gates[0]).toMatchObject({ verdict: 'FAIL' })
  })

  test('under a fault that draws per connection count what it hit, and not who was on its link', () => {
    const drawing = (firings: number): CellResult => {
      const cell = judged({ faults: [plannedFault({ params: { probability: 0.01 } })] }, 300, 0)
      const target = [{ link: 'client->api-0' }]
      const fault = { id: 'kill-1#1', fault: 'reset', target, state: 'healed', proven: true } as const
      const tasks = cell.tasks.map((task) => ({ ...task, exposed: true }))
      return { ...cell, tasks, faults: [{ ...fault, firings }] }
    }
    for (const metric of ['success', 'exposed-success'] as const) {
      expect(judge([drawing(1)], { metric }).gates[0]).toMatchObject({
        verdict: 'INCONCLUSIVE',
        note: 'a fault touched only 1 of its 300 tasks, and it asks for 20',
      })
      expect(judge([drawing(20)], { metric }).gates[0]).toMatchObject({ verdict: 'PASS' })
    }
  })
})

describe('a gate under a kill beside a fault that draws per connection', () => {
  const beside = (killed: number, firings: number): CellResult => {
    const drawn = { id: 'reset-1#1', fault: 'reset', params: { probability: 0.01 } }
    const cell = judged({ faults: [plannedFault({}), plannedFault(drawn)] }, 300, 0)
    const states = { target: [], state: 'healed', proven: true } as const
    return {
      ...cell,
      tasks: cell.tasks.map((task) => ({ ...task, exposed: true })),
      episodes: [episode('kill-1#1', killed), episode('reset-1#1', 300)],
      faults: [
        { id: 'kill-1#1', fault: 'kill', firings: 1, ...states },
        { id: 'reset-1#1', fault: 'reset', firings, ...states },
      ],
    }
  }
  const episode = (fault: string, affectedTasks: number): CellResult['episodes'][number] => ({
    fault,
    startedAt: 0,
    endedAt: 1,
    affectedTasks,
    lostTasks: 0,
    interruptedTasks: 0,
    wentOnTasks: 0,
    reworkedSteps: 0,
    duplicateEffects: 0,
  })
  const gate: Gate = { pattern: 'a', arm: 'none', metric: 'success', min: 0.95 }
  const judgeOne = (cell: CellResult) => run([cell], { gates: [gate] }).gates[0]

  test('counts whom the kill touched and what the other hit, and not who was on its link', () => {
    expect(judgeOne(beside(0, 2))).toMatchObject({
      verdict: 'INCONCLUSIVE',
      note: 'a fault touched only 2 of its 300 tasks, and it asks for 20',
    })
    expect(judgeOne(beside(18, 2))).toMatchObject({ verdict: 'PASS' })
    expect(judgeOne(beside(0, 400))).toMatchObject({ verdict: 'PASS' })
  })
})

describe('a control that --arms left out', () => {
  const harmed = (lost: number) => judged({ id: 'a.kill.1', arm: 'kill', faults: [plannedFault({})] }, 100, lost)
  const gate: Gate = { pattern: 'a', arm: 'kill', metric: 'success', min: 0.4, exposed: 1 }
  const chosen = (cells: readonly CellResult[], selection: Plan['selection']) =>
    run(cells, { gates: [gate], ...(selection && { selection }) })

  test('leaves all that would pass open, its gates included', () => {
    const found = chosen([harmed(50)], { arms: ['kill'], controlsLeftOut: ['none'] })
    expect([found.verdict, found.cells[0]!.verdict, found.gates[0]!.verdict]).toEqual(Array(3).fill('INCONCLUSIVE'))
    expect(found.reasons).toContain(
      'a.kill.1: its control none was left out by --arms, so nobody knows how it fares unharmed',
    )
  })

  test('is taken for one in older plans, which do not say', () => {
    expect(chosen([harmed(0)], { arms: ['kill'] }).verdict).toBe('INCONCLUSIVE')
  })

  test('is none where it is there, or never was', () => {
    const control = judged({ id: 'a.none.1', arm: 'none' }, 100, 0)
    expect(chosen([control, harmed(0)], { arms: ['kill', 'none'], controlsLeftOut: [] }).cells[1]!.verdict).toBe('PASS')
    expect(chosen([harmed(0)], { arms: ['kill'], controlsLeftOut: [] }).cells[0]!.verdict).toBe('PASS')
    expect(chosen([harmed(0)], { patterns: ['a'] }).cells[0]!.verdict).toBe('PASS')
    expect(chosen([harmed(0)], undefined).cells[0]!.verdict).toBe('PASS')
  })

  test('excuses nothing that is broken', () => {
    const broken: CellResult = { ...harmed(0), verdict: 'FAIL', reasons: ['a.kill.1: it is'] }
    const found = chosen([broken], { arms: ['kill'], controlsLeftOut: ['none'] })
    expect(found.verdict).toBe('FAIL')
  })
})

describe('a control that fails', () => {
  const kill = { id: 'a.kill.1', arm: 'kill', faults: [plannedFault({})] }
  const of = (lost: number, plan: Partial<Plan> = {}, verdict: RunVerdict = 'PASS') =>
    run([judged({}, 100, lost), touched(judged(kill, 100, 0, 0, verdict))], plan)
  // Else that its tasks fared better would be a sick control's doing.
  const touched = (cell: CellResult): CellResult => {
    return { ...cell, tasks: cell.tasks.map((task) => ({ ...task, exposed: true })) }
  }

  test('leaves the other arms of its pattern open, and says why', () => {
    const { verdict, reasons, cells } = of(6)
    expect(verdict).toBe('INCONCLUSIVE')
    expect(cells.map((cell) => cell.verdict)).toEqual(['PASS', 'INCONCLUSIVE'])
    expect(reasons).toEqual([
      'a.kill.1: its control none succeeded in 94 of 100 without any fault, at least 95 % is needed to conclude anything',
    ])
    expect(of(5).verdict).toBe('PASS')
  })

  test('is measured by its own gate where it has one', () => {
    const gates: readonly Gate[] = [{ pattern: 'a', arm: 'none', metric: 'success', min: 0.8 }]
    expect(of(10, { gates }).cells[1]!.verdict).toBe('PASS')
    expect(of(21, { gates }).cells[1]!.verdict).toBe('INCONCLUSIVE')
    expect(of(3, { gates: [{ ...gates[0]!, min: 0.99 }] }).cells[1]!.verdict).toBe('INCONCLUSIVE')
  })

  test('is not measured by more than is usual where its gate only warns', () => {
    const gate = { pattern: 'a', arm: 'none', metric: 'success', severity: 'warn' } as const
    expect(of(4, { gates: [{ ...gate, min: 0.99 }] }).verdict).toBe('PASS')
    expect(of(6, { gates: [{ ...gate, min: 0.99 }] }).cells[1]!.verdict).toBe('INCONCLUSIVE')
    expect(of(10, { gates: [{ ...gate, min: 0.8 }] }).verdict).toBe('PASS')
  })

  test('is the arm none, and no other whose draw gave it no fault in this repetition', () => {
    const undrawn = judged({ id: 'a.rare.1', arm: 'rare', faults: [] }, 100, 0, 0, 'INCONCLUSIVE')
    const { cells } = run([undrawn, judged({}, 100, 8), touched(judged(kill, 100, 0))])
    expect(cells.map((cell) => cell.verdict)).toEqual(['INCONCLUSIVE', 'PASS', 'INCONCLUSIVE'])
    const calm = { id: 'a.calm.1', arm: 'calm' }
    expect(run([judged(calm, 100, 8), touched(judged(kill, 100, 0))]).cells[1]!.verdict).toBe('INCONCLUSIVE')
  })

  test('mends nothing, says nothing about other patterns, and nothing where it is invalid itself', () => {
    expect(of(60, {}, 'FAIL').cells[1]!.verdict).toBe('FAIL')
    expect(of(60, {}, 'INVALID').cells[1]!.verdict).toBe('INVALID')
    const other = judged({ ...kill, id: 'b.kill.1', pattern: 'b' }, 100, 0)
    expect(run([judged({}, 100, 60), other]).cells[1]!.verdict).toBe('PASS')
    expect(run([judged({}, 100, 60, 0, 'INVALID'), judged(kill, 100, 0)]).cells[1]!.verdict).toBe('PASS')
  })
})

describe('claims', () => {
  const claim = (over: Partial<Published>, cells: readonly CellResult[], plan: Partial<Plan> = {}) =>
    run(cells, { published: [{ pattern: 'a', arm: 'none', source: 'x', ...over }], ...plan }).claims[0]!

  test('are refuted outside the interval, consistent inside a telling one, else underpowered', () => {
    expect(claim({ success: 0.884 }, [judged({}, 300, 35)])).toMatchObject({
      verdict: 'consistent',
      n: 300,
      published: 0.884,
    })
    expect(claim({ success: 0.884 }, [judged({}, 100, 12)]).verdict).toBe('underpowered')
    expect(claim({ success: 0.942 }, [judged({}, 300, 35)]).verdict).toBe('refuted')
    expect(claim({ success: 1 }, [judged({}, 2000, 0)]).verdict).toBe('underpowered')
    expect(claim({ success: 0.9998 }, [judged({}, 300, 0)]).verdict).toBe('underpowered')
    expect(claim({ success: 0.9998 }, [judged({}, 300, 9)]).verdict).toBe('refuted')
    expect(claim({ success: 0 }, [judged({}, 100, 100)]).verdict).toBe('consistent')
    expect(claim({ success: 0 }, [judged({}, 10, 10)]).verdict).toBe('underpowered')
  })

  test('put the prediction beside the measurement', () => {
    const keeps = { delivery: ['no-lost-task'], engine: [] } as const
    const faults = [plannedFault({ params: { meanGapMs: 1700 } })]
    const made = claim({ success: 0.942 }, [judged({ axes: keeps, faults }, 300, 18, 2)])
    expect(made.predicted).toBeCloseTo(Math.exp(-100 / 1700), 12)
    expect(made.note).toContain('the prediction is inside the interval')
    expect(made.note).toContain('Gaffke over 9 drawn faults')
  })

  test('predict nothing where a repetition drew none of the kills: that is not how it fares without any', () => {
    const keeps = { delivery: ['no-lost-task'], engine: [] } as const
    const faults = [plannedFault({ params: { meanGapMs: 1700 } })]
    const spared = judged({ id: 'a.none.2', repetition: 2, axes: keeps }, 300, 0)
    const made = claim({ success: 0.942 }, [judged({ axes: keeps, faults }, 300, 18, 2), spared])
    expect(made).not.toHaveProperty('predicted')
  })

  test('of overhead are compared at full length only, by the median of untouched tasks', () => {
    expect(claim({ overheadMs: 4.5 }, [judged({}, 300, 20)])).toMatchObject({
      verdict: 'consistent',
      n: 280,
      metric: 'overhead',
    })
    expect(claim({ overheadMs: 50 }, [judged({}, 300, 20)]).verdict).toBe('refuted')
    expect(claim({ overheadMs: 4.5 }, [judged({}, 5, 0)]).verdict).toBe('underpowered')
    // The median lies between 4 and 5 ms: inside, and so is twice as much and half as much with few or scattered tasks.
    expect(claim({ overheadMs: 4.5 }, [judged({}, 8, 0)]).verdict).toBe('underpowered')
    expect(claim({ overheadMs: 4.5 }, [judged({ timeScale: 60 }, 300, 20)]).verdict).toBe('not-comparable')
  })

  test('without a cell to compare with say why', () => {
    expect(claim({ success: 1 }, [judged({}, 9, 0, 0, 'INVALID')])).toMatchObject({
      verdict: 'not-comparable',
      note: 'no cell of it could be judged',
    })
    expect(claim({ success: 1, pattern: 'b' }, []).note).toBe('it is not part of this run')
    const notApplicable = [{ pattern: 'b', arm: 'none', reason: 'no such link' }]
    expect(claim({ success: 1, pattern: 'b' }, [], { notApplicable }).note).toBe('not applicable: no such link')
  })
})

describe('a run', () => {
  test.each([
    [['PASS', 'PASS'], 'PASS', 0],
    [['PASS', 'FAIL'], 'FAIL', 1],
    [['PASS', 'INCONCLUSIVE'], 'INCONCLUSIVE', 2],
    [['INCONCLUSIVE', 'FAIL'], 'FAIL', 1],
    [['FAIL', 'INVALID', 'INCONCLUSIVE'], 'INVALID', 4],
  ] as const)('of %j is %s and exits with %i', (verdicts, verdict, code) => {
    const result = run(verdicts.map((each, i) => judged({ id: `a.none.${i}` }, 10, 0, 0, each)))
    expect(result.verdict).toBe(verdict)
    expect(exitCodeOf(result)).toBe(code)
  })

  test('tells the worst first', () => {
    const { reasons } = run([judged({ id: 'x' }, 10, 0, 0, 'INCONCLUSIVE'), judged({ id: 'y' }, 10, 0, 0, 'FAIL')])
    expect(reasons).toEqual(['y: something is wrong', 'x: something is wrong'])
  })

  test('misses a planned cell, and does not pass on nothing', () => {
    const one = judged({}, 10, 0)
    const plan = { cells: [one.cell, cellPlan({ id: 'b.none.1' })] }
    expect(run([one], plan)).toMatchObject({
      verdict: 'INCONCLUSIVE',
      reasons: ['b.none.1: it was planned and has no result'],
    })
    expect(run([])).toMatchObject({ verdict: 'INCONCLUSIVE' })
  })

  test('is plain data: it survives JSON', () => {
    const result = run([judgeCell(polling(broken), [])])
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
  })
})
