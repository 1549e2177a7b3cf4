import { describe, expect, test } from 'vitest'
import type { CellResult, Outcome, TaskRow } from '../../../harness/model/results.ts'
import { exitCodeOf } from '../../../harness/verdict/run.ts'
import { judgedGate, killedCell, madeCell } from '../../support/judged-cells.ts'
import { plannedFault } from '../stats/cells.ts'

const first = (count: number, what: Partial<TaskRow>) => (i: number) => (i < count ? what : {})
const ended = (outcome: Outcome, count: number) => madeCell({ task: first(count, { outcome }) })

function withoutEpisode(task: TaskRow): TaskRow {
  const { episode: _, ...rest } = task
  return rest
}

describe('what is better the less there is of it', () => {
  test.each([
    ['late', 'late'],
    ['lost', 'lost_result'],
    ['lost', 'stuck'],
    ['lost', 'lost_everywhere'],
    ['lost', 'failed_known'],
    ['lost', 'wrong'],
    ['lost', 'not_offered'],
  ] as const)('%s counts %s', (metric, outcome) => {
    const judge = (count: number) => judgedGate({ metric, max: 0.05 }, [ended(outcome, count)])
    expect(judge(2)).toMatchObject({ verdict: 'PASS', n: 300 })
    expect(judge(2).observed).toBeCloseTo(2 / 300, 12)
    expect(judge(60)).toMatchObject({ verdict: 'FAIL', run: { verdict: 'FAIL' } })
    expect(judge(15)).toMatchObject({ verdict: 'INCONCLUSIVE', observed: expect.closeTo(0.05, 12) })
    expect(judge(10).needed).toHaveProperty('tasks')
  })

  test('late is not lost, and lost is not late', () => {
    expect(judgedGate({ metric: 'late', max: 0.05 }, [ended('stuck', 150)])).toMatchObject({
      verdict: 'PASS',
      observed: 0,
      n: 150,
    })
    expect(judgedGate({ metric: 'lost', max: 0.05 }, [ended('late', 150)])).toMatchObject({
      verdict: 'PASS',
      observed: 0,
    })
  })

  test('its interval is that of the other tasks, turned round', () => {
    const lost = judgedGate({ metric: 'lost', max: 0.05 }, [ended('stuck', 9)])
    const success = judgedGate({ metric: 'success', min: 0.95 }, [ended('stuck', 9)])
    expect(lost.interval!.map((end) => 1 - end!).toReversed()).toEqual(
      success.interval!.map((end) => expect.closeTo(end!, 12)),
    )
    expect(lost.run.reasons[0]).toMatch(
      /^gate a\.none lost <= 0\.05: INCONCLUSIVE: observed 0\.0300 \[0\.01\d\d, 0\.05\d\d\] over 300 tasks/,
    )
  })

  test('duplicates are tasks of which a step was done twice, of those with an effect', () => {
    const cell = (twice: number) => madeCell({ task: (i) => (i < 100 ? { executions: i < twice ? 2 : 1 } : {}) })
    expect(judgedGate({ metric: 'duplicates', max: 0.05 }, [cell(0)])).toMatchObject({ verdict: 'PASS', n: 100 })
    expect(judgedGate({ metric: 'duplicates', max: 0.05 }, [cell(20)])).toMatchObject({
      verdict: 'FAIL',
      observed: 0.2,
    })
  })

  test('few faults fail only where no fate of their tasks could help', () => {
    const task = (i: number): Partial<TaskRow> =>
      i < 30 ? { exposed: true, episode: `kill-1#${i % 2}` } : i < 90 ? { outcome: 'stuck' } : {}
    const found = judgedGate({ metric: 'lost', max: 0.05 }, [madeCell({ task })])
    expect(found).toMatchObject({ verdict: 'FAIL', faults: 2 })
    expect(found.note).toContain('had none that they hit counted against it, it would still be above the limit')
  })
})

describe('control', () => {
  type Figures = NonNullable<CellResult['control']>
  const calm: Figures = {
    cancel: {
      sent: 40,
      acknowledged: 40,
      atWork: 40,
      acknowledgedMs: 20,
      acknowledgedIn: [15, 30],
      begunAfter: 0,
      endedAfter: 3,
      tasksBegunAfter: 0,
    },
    commands: {
      sent: 120,
      acknowledged: 120,
      lost: 0,
      doubled: 0,
      judged: 120,
      stoppedMs: 900,
      stoppedIn: [700, 1200],
      tasksStopped: 40,
    },
    budget: { tasks: 40, stopped: 40, beyond: 0, tasksBeyond: 0 },
    context: { memories: 0, patches: 0, patchBytes: 0, wholeBytes: 0 },
  }
  const kill = (i: number, atMs: number) => plannedFault({ id: `kill-1#${i + 1}`, trigger: { kind: 'time', atMs } })
  const cells = (figures: Partial<Figures>, faults = 0, apartMs = 1000) => [
    madeCell({
      cell: { faults: Array.from({ length: faults }, (_, i) => kill(i, i * apartMs)) },
      task: () => (faults > 0 ? { exposed: true, episode: 'kill-1#1' } : {}),
      over: { control: { ...calm, ...figures } },
    }),
  ]
  const cancel = (tasksBegunAfter: number) => ({ cancel: { ...calm.cancel, begunAfter: 9, tasksBegunAfter } })
  const commands = (lost: number, doubled: number) => ({ commands: { ...calm.commands, lost, doubled } })
  const budget = (tasksBeyond: number) => ({ budget: { ...calm.budget, beyond: 9, tasksBeyond } })

  test.each([
    ['after-cancel', 40, cancel(0), cancel(12), cancel(3)],
    ['commands-lost', 120, commands(2, 1), commands(20, 20), commands(8, 4)],
    ['over-budget', 40, budget(0), budget(12), budget(3)],
  ] as const)('%s is a share with its interval', (metric, n, good, bad, between) => {
    const judge = (figures: Partial<Figures>) => judgedGate({ metric, max: 0.1 }, cells(figures))
    expect(judge(good)).toMatchObject({ verdict: 'PASS', n })
    expect(judge(bad)).toMatchObject({ verdict: 'FAIL', run: { verdict: 'FAIL' } })
    expect(judge(between)).toMatchObject({ verdict: 'INCONCLUSIVE' })
  })

  test('under faults there are no more observations than faults', () => {
    const judge = (max: number) => judgedGate({ metric: 'after-cancel', max }, cells(cancel(0), 6))
    expect(judge(0.1)).toMatchObject({ verdict: 'INCONCLUSIVE', n: 40, observed: 0 })
    expect(judge(0.1).note).toContain('no more than 6 faults')
    expect(judge(0.5)).toMatchObject({ verdict: 'PASS' })
  })

  test('mutant: faults of one instant are one observation', () => {
    const found = judgedGate({ metric: 'after-cancel', max: 0.5 }, cells(cancel(0), 6, 0))
    expect(found).toMatchObject({ verdict: 'INCONCLUSIVE', faults: 1 })
  })

  test('mutant: commands that are gone with the logs of their tasks are not lost', () => {
    const gone = { commands: { ...calm.commands, judged: 0 } }
    expect(judgedGate({ metric: 'commands-lost', max: 0.1 }, cells(gone))).toMatchObject({
      verdict: 'FAIL',
      observed: 1,
    })
  })

  test('mutant: tasks that never came to the end of their budget count as kept', () => {
    const few = { budget: { tasks: 40, stopped: 2, beyond: 0, tasksBeyond: 0 } }
    expect(judgedGate({ metric: 'over-budget', max: 0.1 }, cells(few))).toMatchObject({ verdict: 'INCONCLUSIVE', n: 2 })
    const all = { budget: { tasks: 40, stopped: 0, beyond: 90, tasksBeyond: 40 } }
    expect(judgedGate({ metric: 'over-budget', max: 0.1 }, cells(all))).toMatchObject({ verdict: 'FAIL', n: 40 })
  })

  test.each([0, 1, 3, 6, 20, 40, 200])('under %d faults the interval has what was observed in it', (faults) => {
    for (let bad = 0; bad <= 40; bad++)
      for (const [metric, figures] of [
        ['after-cancel', cancel(bad)],
        ['commands-lost', commands(bad, bad)],
        ['over-budget', budget(bad)],
      ] as const) {
        const { observed, interval } = judgedGate({ metric, max: 0.1 }, cells(figures, faults))
        expect(interval![0]!).toBeLessThanOrEqual(observed!)
        expect(interval![1]!).toBeGreaterThanOrEqual(observed!)
      }
  })

  test.each([
    [1, 60, 0.02],
    [5, 600, 0.004],
  ])('mutant: one breach under %d faults, of %d, is better than the limit and yet no FAIL', (faults, n, max) => {
    const figures = { cancel: { ...cancel(1).cancel, sent: n, acknowledged: n, atWork: n } }
    const found = judgedGate({ metric: 'after-cancel', max }, cells(figures, faults))
    expect(found.observed).toBeLessThan(max)
    expect(found).toMatchObject({ verdict: 'INCONCLUSIVE', run: { verdict: 'INCONCLUSIVE' } })
  })

  test('mutant: faults that never took effect count as observations', () => {
    const [cell] = cells(cancel(0), 40)
    const told = cell!.cell.faults.map(({ id }, i) => {
      return { id, fault: 'kill', target: [], state: 'healed', proven: i < 2 } as const
    })
    const found = judgedGate({ metric: 'after-cancel', max: 0.1 }, [{ ...cell!, faults: told }])
    expect(found).toMatchObject({ verdict: 'INCONCLUSIVE', faults: 2 })
  })

  test.each([
    ['cancelled p50', 30, 20],
    ['stopped p50', 1200, 900],
  ] as const)('%s passes by its whole interval', (metric, high, between) => {
    expect(judgedGate({ metric, max: high }, cells({}))).toMatchObject({ verdict: 'PASS', observed: between, n: 40 })
    expect(judgedGate({ metric, max: between }, cells({}))).toMatchObject({ verdict: 'INCONCLUSIVE' })
    expect(judgedGate({ metric, max: 1 }, cells({}))).toMatchObject({ verdict: 'FAIL' })
  })

  test('mutant: no figure, no verdict', () => {
    const { tasksBegunAfter: _, ...older } = calm.cancel
    for (const [metric, figures] of [
      ['after-cancel', { cancel: older }],
      ['after-cancel', { cancel: { ...calm.cancel, atWork: 0 } }],
      ['commands-lost', { commands: { ...calm.commands, acknowledged: 0 } }],
      ['over-budget', { budget: { ...calm.budget, stopped: 0 } }],
    ] as const)
      expect(judgedGate({ metric, max: 0.9 }, cells(figures))).toMatchObject({ verdict: 'INCONCLUSIVE', n: 0 })
    expect(judgedGate({ metric: 'after-cancel', max: 0.9 }, [madeCell({})])).toMatchObject({
      verdict: 'INCONCLUSIVE',
      n: 0,
    })
  })
})

describe('rework', () => {
  type Ends = readonly [number, number] | undefined
  const reworked = (...intervals: readonly Ends[]): readonly CellResult[] =>
    intervals.map((interval, i) =>
      madeCell({
        cell: { id: `a.none.${i}`, repetition: i + 1 },
        over: {
          rework: {
            plannedSteps: 100,
            executedSteps: 110,
            duplicateEffects: 10,
            ratio: 0.1,
            wastedMs: 5,
            ...(interval ? { interval } : { faults: 2 }),
          },
        },
      }),
    )
  const judge = (...intervals: readonly Ends[]) => judgedGate({ metric: 'rework', max: 0.2 }, reworked(...intervals))

  test('has the interval of the report, and holds where that of each repetition does', () => {
    expect(judge([0.05, 0.15])).toMatchObject({
      verdict: 'PASS',
      observed: expect.closeTo(0.1, 12),
      interval: [0.05, 0.15],
    })
    expect(judge([0.05, 0.15], [0.06, 0.2])).toMatchObject({ verdict: 'PASS', interval: [0.05, 0.2] })
    expect(judge([0.05, 0.15], [0.06, 0.21]).verdict).toBe('INCONCLUSIVE')
    expect(judge([0.3, 0.4], [0.21, 0.5]).verdict).toBe('FAIL')
  })

  test('is open where one repetition has none', () => {
    expect(judge([0.05, 0.15], undefined)).toMatchObject({
      verdict: 'INCONCLUSIVE',
      note: expect.stringContaining('2 faults in a repetition'),
    })
  })
})

describe('overhead', () => {
  const slow = (count: number, ms: number) =>
    madeCell({ n: 400, task: (i) => (i < count ? { seenAt: i + 100 + ms } : {}) })

  test('is over all tasks, and fails where too many never saw a result', () => {
    expect(judgedGate({ metric: 'overhead p95', max: 50 }, [slow(4, 500)])).toMatchObject({
      verdict: 'PASS',
      observed: 10,
      interval: [10, 10],
    })
    expect(judgedGate({ metric: 'overhead p95', max: 50 }, [slow(60, 500)])).toMatchObject({
      verdict: 'FAIL',
      observed: 500,
    })
    const unseen = madeCell({ n: 400, task: (i) => (i < 60 ? { outcome: 'stuck' } : {}) })
    expect(judgedGate({ metric: 'overhead p95', max: 1e9 }, [unseen])).toMatchObject({
      verdict: 'FAIL',
      observed: null,
    })
    expect(judgedGate({ metric: 'overhead p50', max: 50 }, [unseen])).toMatchObject({ verdict: 'PASS' })
  })

  test('pools repetitions, which alone have too few tasks', () => {
    const cells = [1, 2].map((repetition) => madeCell({ n: 200, cell: { id: `a.none.${repetition}`, repetition } }))
    const judge = (some: readonly CellResult[]) => judgedGate({ metric: 'overhead p99', max: 50 }, some)
    expect(judge(cells.slice(0, 1))).toMatchObject({
      verdict: 'INCONCLUSIVE',
      note: '200 tasks: too few for an interval, which takes 368',
    })
    expect(judge(cells)).toMatchObject({ verdict: 'PASS', n: 400 })
  })

  test('is not quoted where time is compressed', () => {
    const cell = madeCell({ n: 400, cell: { timeScale: 60 } })
    expect(judgedGate({ metric: 'overhead p50', max: 50 }, [cell])).toMatchObject({
      verdict: 'INCONCLUSIVE',
      n: 0,
      note: 'milliseconds are quoted at timeScale 1 alone',
    })
  })
})

describe('takeover and service restored', () => {
  const takeover = { metric: 'takeover p90', max: 2000 } as const

  test('have intervals over what faults interrupted', () => {
    expect(judgedGate(takeover, [killedCell(60, () => 900)])).toMatchObject({
      verdict: 'PASS',
      n: 60,
      observed: 900,
      interval: [900, 900],
    })
    expect(judgedGate(takeover, [killedCell(60, () => 2500)])).toMatchObject({ verdict: 'FAIL', observed: 2500 })
    expect(judgedGate(takeover, [killedCell(60, (i) => (i < 6 ? 2500 : 900))]).verdict).toBe('INCONCLUSIVE')
  })

  test('who never went on counts as longer than anything', () => {
    const never = killedCell(60, (i) => (i < 20 ? undefined : 900))
    expect(judgedGate(takeover, [never])).toMatchObject({ verdict: 'FAIL', observed: null, interval: [null, null] })
  })

  test('too few, or none, are no pass', () => {
    expect(judgedGate(takeover, [killedCell(20, () => 1)])).toMatchObject({
      verdict: 'INCONCLUSIVE',
      note: '20 interrupted tasks: too few for an interval, which takes 36',
    })
    expect(judgedGate(takeover, [madeCell({})])).toMatchObject({
      verdict: 'INCONCLUSIVE',
      n: 0,
      note: 'no outage cut a step in flight',
    })
  })

  test('compressed time passes, and fails only who is never taken over: what does not shrink makes waits longer', () => {
    const floored = [{ name: 'leaseMs', wantedMs: 100, ms: 1000, why: 'a busy machine' }]
    const judge = (ms: number | undefined, plan = {}) =>
      judgedGate(takeover, [killedCell(60, () => ms, { timeScale: 60, ...plan })])
    expect(judge(2500)).toMatchObject({ verdict: 'INCONCLUSIVE', note: expect.stringContaining('the start of a node') })
    expect(judge(2500, { floored })).toMatchObject({
      verdict: 'INCONCLUSIVE',
      note: expect.stringContaining('such as leaseMs (a busy machine)'),
    })
    expect(judge(900).verdict).toBe('PASS')
    expect(judge(undefined).verdict).toBe('FAIL')
    expect(judge(2500, { timeScale: 1, floored }).verdict).toBe('FAIL')
  })

  test('restored is a median over outages; what cannot tell may have been any', () => {
    const of = (kinds: readonly CellResult['episodes'][number]['restored'][]) => {
      const cell = killedCell(kinds.length, () => 1)
      return { ...cell, episodes: cell.episodes.map((one, i) => ({ ...one, restored: kinds[i]! })) }
    }
    const fill = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)
    const judge = (...kinds: Parameters<typeof of>[0]) => judgedGate({ metric: 'restored', max: 2000 }, [of(kinds)])
    const [soon, late] = [
      { kind: 'restored', ms: 500 },
      { kind: 'restored', ms: 5000 },
    ] as const
    expect(judge(...fill(12, soon))).toMatchObject({ verdict: 'PASS', n: 12, observed: 500 })
    expect(judge(...fill(12, late))).toMatchObject({ verdict: 'FAIL' })
    expect(judge(...fill(12, { ...late, atMost: true as const })).verdict).toBe('INCONCLUSIVE')
    expect(judge(...fill(6, soon), ...fill(6, { kind: 'too-few' as const }))).toMatchObject({
      verdict: 'INCONCLUSIVE',
      n: 6,
    })
    expect(judge(...fill(12, { kind: 'too-few' as const }))).toMatchObject({ verdict: 'INCONCLUSIVE', n: 0 })
    expect(judge(...fill(12, { kind: 'beyond' as const, ms: 3000 }))).toMatchObject({ verdict: 'FAIL', observed: null })
  })
})

describe('what an entry asks for beside its limit', () => {
  test('confidence widens the interval, and the reason says it', () => {
    const judge = (confidence?: number) =>
      judgedGate({ metric: 'success', min: 0.985, ...(confidence && { confidence }) }, [madeCell({})])
    expect(judge()).toMatchObject({ verdict: 'PASS' })
    expect(judge(0.99)).toMatchObject({ verdict: 'INCONCLUSIVE' })
    expect(judge(0.99).run.reasons[0]).toMatch(
      /\[0\.98\d+, 1\.0000\] at 99 % over 300 tasks; \d+ tasks would settle it/,
    )
    expect(judge(0.8).interval![0]).toBeGreaterThan(judge().interval![0]!)
  })

  test('minSamples and minFaults hold back a pass, and no failure', () => {
    const samples = { metric: 'success', min: 0.9, minSamples: 301 } as const
    expect(judgedGate(samples, [madeCell({})])).toMatchObject({
      verdict: 'INCONCLUSIVE',
      note: 'it is over 300 tasks, and it asks for 301',
    })
    expect(judgedGate(samples, [ended('stuck', 200)])).toMatchObject({ verdict: 'FAIL' })
    const faults = (minFaults: number) =>
      judgedGate({ metric: 'success', min: 0.9, minFaults }, [killedCell(60, () => 1)])
    expect(faults(60)).toMatchObject({ verdict: 'PASS' })
    expect(faults(61)).toMatchObject({
      verdict: 'INCONCLUSIVE',
      note: 'only 60 faults touched a task, and it asks for 61',
    })
  })

  test.each([0, 1, 8])('firings %d ms apart, and those that touched nobody, are no more faults', (apartMs) => {
    const cell = killedCell(60, () => 1)
    const together = cell.cell.faults.map((one, i) => {
      return { ...one, trigger: { kind: 'time', atMs: 5000 + i * apartMs } as const }
    })
    const gate = { metric: 'success', min: 0.5, minFaults: 2 } as const
    const at = { ...cell, cell: { ...cell.cell, faults: together } }
    expect(judgedGate(gate, [{ ...at, tasks: at.tasks.map(withoutEpisode) }]).note).toBe(
      'only 1 faults touched a task, and it asks for 2',
    )
    const felt = cell.episodes.map((one) => ({ ...one, affectedTasks: 0 }))
    expect(judgedGate(gate, [{ ...cell, episodes: felt }]).note).toBe('only 0 faults touched a task, and it asks for 2')
  })
})

describe('what a gate makes of the run', () => {
  const open = [ended('stuck', 10)]
  const bad = [ended('stuck', 100)]
  test.each([
    [bad, {}, 'FAIL', 'FAIL', 1],
    [bad, { severity: 'error' }, 'FAIL', 'FAIL', 1],
    [bad, { severity: 'warn' }, 'FAIL', 'PASS', 0],
    [bad, { onInconclusive: 'pass' }, 'FAIL', 'FAIL', 1],
    [open, {}, 'INCONCLUSIVE', 'INCONCLUSIVE', 2],
    [open, { onInconclusive: 'fail' }, 'INCONCLUSIVE', 'FAIL', 1],
    [open, { onInconclusive: 'warn' }, 'INCONCLUSIVE', 'PASS', 0],
    [open, { onInconclusive: 'pass' }, 'INCONCLUSIVE', 'PASS', 0],
    [open, { severity: 'warn' }, 'INCONCLUSIVE', 'PASS', 0],
    [[madeCell({})], { severity: 'warn', onInconclusive: 'pass' }, 'PASS', 'PASS', 0],
  ] as const)('%# its own verdict stays, %o', (cells, terms, verdict, ofRun, code) => {
    const { run, ...gate } = judgedGate({ metric: 'success', min: 0.95, ...terms }, cells)
    expect([gate.verdict, run.verdict, exitCodeOf(run)]).toEqual([verdict, ofRun, code])
    expect(run.reasons).toHaveLength(verdict === 'PASS' ? 0 : 1)
  })

  test('what only warns, or is allowed, is said with why', () => {
    const reason = (cells: readonly CellResult[], terms: object) =>
      judgedGate({ metric: 'success', min: 0.95, ...terms }, cells).run.reasons[0]
    expect(reason(bad, { severity: 'warn' })).toMatch(/^gate a\.none success >= 0\.95: FAIL: .* \(severity: warn\)$/)
    expect(reason(open, { onInconclusive: 'pass' })).toMatch(/: INCONCLUSIVE: .* \(allowed by onInconclusive: pass\)$/)
    expect(reason(open, { onInconclusive: 'fail' })).toMatch(/: INCONCLUSIVE: .* \(onInconclusive: fail\)$/)
  })
})

describe('against a base run', () => {
  const environment = { platform: 'linux', cpu: 'x', cores: 2, memoryBytes: 1, node: 'v24' } as never
  const against = (base: readonly CellResult[], there = environment) => ({
    environment,
    base: { version: 1, run: 'before', environment: there, cells: base } as const,
  })
  const regression = { metric: 'regression', max: 0.05 } as const
  const slowdown = { metric: 'slowdown', max: 20 } as const

  test('points of success that were lost, by pairs', () => {
    expect(judgedGate(regression, [madeCell({})], against([madeCell({})]))).toMatchObject({
      verdict: 'PASS',
      n: 300,
      observed: 0,
    })
    const worse = judgedGate(regression, [ended('stuck', 60)], against([madeCell({})]))
    expect(worse).toMatchObject({ verdict: 'FAIL', observed: expect.closeTo(0.2, 12) })
    expect(worse.run.reasons[0]).toMatch(
      /^gate a\.none regression <= 0\.05: FAIL: observed 0\.2 \[0\.1\d+, 0\.2\d+\] over 300 pairs of tasks$/,
    )
    expect(judgedGate(regression, [ended('stuck', 10)], against([madeCell({})])).verdict).toBe('INCONCLUSIVE')
    expect(judgedGate(regression, [madeCell({})], against([ended('stuck', 60)]))).toMatchObject({
      verdict: 'PASS',
      observed: expect.closeTo(-0.2, 12),
    })
  })

  test('milliseconds that were added, on the same machine and at full length alone', () => {
    const by = (ms: number, cell = {}) => madeCell({ cell, task: (i) => ({ seenAt: i + 110 + ms + (i % 7) }) })
    expect(judgedGate(slowdown, [by(5)], against([by(0)]))).toMatchObject({ verdict: 'PASS', observed: 5 })
    expect(judgedGate(slowdown, [by(50)], against([by(0)]))).toMatchObject({ verdict: 'FAIL', observed: 50 })
    const elsewhere = judgedGate(
      slowdown,
      [by(50)],
      against([by(0)], { ...(environment as object), cpu: 'y' } as never),
    )
    expect(elsewhere).toMatchObject({
      verdict: 'INCONCLUSIVE',
      n: 0,
      note: 'before was made on another machine: processor: y against x',
    })
    const losing = (lost: number, ms: number) =>
      madeCell({ task: (i) => (i < lost ? { outcome: 'stuck' as const } : { seenAt: i + 110 + ms + (i % 7) }) })
    expect(judgedGate(slowdown, [losing(15, 5)], against([by(0)]))).toMatchObject({ verdict: 'PASS', n: 285 })
    expect(judgedGate(slowdown, [losing(16, 5)], against([by(0)]))).toMatchObject({ verdict: 'INCONCLUSIVE', n: 284 })
    expect(judgedGate(slowdown, [losing(16, 50)], against([by(0)]))).toMatchObject({ verdict: 'FAIL', n: 284 })
    expect(judgedGate(slowdown, [by(50)], against([losing(16, 0)]))).toMatchObject({ verdict: 'INCONCLUSIVE' })
    const compressed = { timeScale: 60 }
    expect(judgedGate(slowdown, [by(0, compressed)], against([by(0, compressed)])).verdict).toBe('INCONCLUSIVE')
  })

  test('what shows nothing on one side is no pair', () => {
    const invalid = madeCell({ verdict: 'INVALID' })
    expect(judgedGate(regression, [madeCell({})], against([invalid]))).toMatchObject({
      verdict: 'INCONCLUSIVE',
      n: 0,
      note: 'before: a.none.1 is INVALID: something is wrong',
    })
    expect(judgedGate(regression, [madeCell({})], against([]))).toMatchObject({
      verdict: 'INCONCLUSIVE',
      note: 'before: a.none.1 was not carried out',
    })
    expect(judgedGate(regression, [madeCell({})])).toMatchObject({
      verdict: 'INCONCLUSIVE',
      note: 'there is no run to hold it against',
    })
  })

  test('passes under faults only where they touched somebody in this run', () => {
    const faults = [plannedFault({})]
    const of = (touched: number) => madeCell({ cell: { faults }, task: (i) => ({ exposed: i < touched }) })
    expect(judgedGate(regression, [of(19)], against([of(300)]))).toMatchObject({
      verdict: 'INCONCLUSIVE',
      note: expect.stringContaining('touched only 19'),
    })
    expect(judgedGate(regression, [of(20)], against([of(300)])).verdict).toBe('PASS')
  })
})
