import { describe, expect, test } from 'vitest'
import { gateSchema, type Gate } from '../../harness/model/plan.ts'
import type { CellResult, Outcome, RunVerdict, TaskRow } from '../../harness/model/results.ts'
import type { JudgedCells } from '../../harness/verdict/run.ts'
import { judgedGate, killedCell, madeCell } from '../support/judged-cells.ts'
import { plannedFault } from '../unit/stats/cells.ts'

/** A gate that would be green if nobody looked closely, and what exactly must be said of it. */
interface WrongGate {
  readonly name: string
  readonly gate: Omit<Gate, 'pattern' | 'arm'>
  readonly cells: readonly CellResult[]
  readonly verdict: 'FAIL' | 'INCONCLUSIVE'
  readonly ofRun: RunVerdict
  readonly says: RegExp
  readonly over?: Partial<JudgedCells>
}

/** What a user may write to be left alone. */
const lenient = { onInconclusive: 'pass' } as const
const open = { verdict: 'INCONCLUSIVE', ofRun: 'INCONCLUSIVE' } as const

/** Under a fault that is planned and proven, and touched so many. */
const touching = (touched: number): CellResult =>
  madeCell({
    cell: { faults: [plannedFault({})] },
    task: (i) => ({ exposed: i < touched, executions: 1, requests: 1 }),
  })

/** All tasks share three faults. */
const threeFaults = madeCell({ task: (i): Partial<TaskRow> => ({ exposed: true, episode: `kill-1#${i % 3}` }) })

const restored = (kind: 'too-few' | 'unbroken'): CellResult => {
  const cell = killedCell(30, () => 1)
  return { ...cell, episodes: cell.episodes.map((one) => ({ ...one, restored: { kind } })) }
}

/** So many outages met no task, and nobody was late. After each of the others the service never came back. */
function fewTouching(all: number, untouching: number): CellResult {
  const cell = killedCell(all, () => 1)
  const episodes = cell.episodes.map((one, i): CellResult['episodes'][number] => {
    if (i < untouching) return { ...one, affectedTasks: 0, interruptedTasks: 0, restored: { kind: 'unbroken' } }
    return { ...one, affectedTasks: 60, restored: { kind: 'beyond', ms: 60_000 } }
  })
  return { ...cell, episodes }
}

function lateUntouched(all: number, untouching: number): CellResult {
  const cell = killedCell(all, () => 1)
  const episodes = cell.episodes.map((one, i): CellResult['episodes'][number] => {
    return i < untouching ? { ...one, affectedTasks: 0, restored: { kind: 'beyond', ms: 60_000 } } : one
  })
  return { ...cell, episodes }
}

/** Nobody had gone on by then, and what would have been is not known. */
function openWaits(cell: CellResult): CellResult {
  return { ...cell, interruptions: cell.interruptions.map((one) => ({ ...one, openAfterMs: 5 })) }
}

/** Nothing held that was asked for. */
const brokenControl: NonNullable<CellResult['control']> = {
  cancel: { sent: 60, acknowledged: 60, atWork: 60, begunAfter: 60, endedAfter: 0, tasksBegunAfter: 60 },
  commands: { sent: 60, acknowledged: 60, lost: 60, doubled: 0, judged: 60 },
  budget: { tasks: 60, stopped: 0, beyond: 60, tasksBeyond: 60 },
  context: { memories: 0, patches: 0, patchBytes: 0, wholeBytes: 0 },
}

const unended: Partial<TaskRow> = { outcome: 'stuck', seenAt: undefined as never }

const environment = { platform: 'linux', cpu: 'x', cores: 2, memoryBytes: 1, node: 'v24' }
const against = (cells: readonly CellResult[], cpu = 'x'): Partial<JudgedCells> => ({
  environment: environment as never,
  base: { version: 1, run: 'before', environment: { ...environment, cpu } as never, cells },
})

/** All tasks were on the link of a fault that draws per connection, as a proxy knows it that counts nothing. */
const uncounted = madeCell({
  cell: { faults: [plannedFault({ fault: 'reset', params: { probability: 0.01 } })] },
  task: () => ({ exposed: true }),
  over: { faults: [{ id: 'kill-1#1', fault: 'reset', target: [], state: 'healed', proven: true }] },
})

/** Every task ended so, and no client has a result. */
const allEnded = (outcome: Outcome): CellResult => {
  return madeCell({ task: () => ({ outcome, seenAt: undefined as never, executions: 1, requests: 1, posts: 1 }) })
}

const mutants: readonly WrongGate[] = [
  ...(['failed_known', 'wrong', 'not_offered', 'lost_result'] as const).map((outcome): WrongGate => {
    return {
      name: `who never got the right result has lost it: ${outcome}`,
      gate: { metric: 'lost', max: 0.05 },
      cells: [allEnded(outcome)],
      verdict: 'FAIL',
      ofRun: 'FAIL',
      says: /lost <= 0\.05: FAIL: observed 1/,
    }
  }),
  ...(['failed_known', 'wrong', 'stuck'] as const).map((outcome): WrongGate => {
    return {
      name: `what never came is not in time: ${outcome}`,
      gate: { metric: 'late', max: 0.05, ...lenient },
      cells: [allEnded(outcome)],
      ...open,
      says: /no task of it could be judged/,
    }
  }),
  {
    name: 'n = 0: no callback at all is not one callback at most',
    gate: { metric: 'posts', atMost: 1, min: 0.9, ...lenient },
    cells: [madeCell({})],
    ...open,
    says: /no task of it could be judged/,
  },
  {
    name: 'n = 0: no step was executed, so none was done twice',
    gate: { metric: 'duplicates', max: 0.1, ...lenient },
    cells: [madeCell({})],
    ...open,
    says: /no task of it could be judged/,
  },
  {
    name: 'n = 0: no task',
    gate: { metric: 'late', max: 0.1, ...lenient },
    cells: [madeCell({ n: 0 })],
    ...open,
    says: /no task of it could be judged/,
  },
  {
    name: 'n = 0: nothing was interrupted, so nobody waited',
    gate: { metric: 'takeover p90', max: 1e9, ...lenient },
    cells: [touching(300)],
    ...open,
    says: /no outage cut a step in flight/,
  },
  {
    name: 'no outage could tell',
    gate: { metric: 'restored', max: 1e9, ...lenient },
    cells: [restored('too-few')],
    ...open,
    says: /no outage that could tell/,
  },
  {
    name: 'most outages touched nobody, and of the others none was ever over',
    gate: { metric: 'restored', max: 1000 },
    cells: [fewTouching(30, 25)],
    ...open,
    says: /observed never over 5 outages; .*; 25 more outages touched no task, and say nothing/,
  },
  {
    name: 'most outages touched nobody, and of enough others none was ever over',
    gate: { metric: 'restored', max: 1000 },
    cells: [fewTouching(60, 50)],
    verdict: 'FAIL',
    ofRun: 'FAIL',
    says: /over 10 outages; 50 more outages touched no task/,
  },
  {
    name: 'tasks were late after outages that are said to have touched nobody',
    gate: { metric: 'restored', max: 1000 },
    cells: [lateUntouched(30, 2)],
    ...open,
    says: /after 2 of 30 outages tasks were late, though these touched none/,
  },
  {
    name: 'all outages touched nobody',
    gate: { metric: 'restored', max: 1000, ...lenient },
    cells: [fewTouching(30, 30)],
    ...open,
    says: /no outage that could tell/,
  },
  {
    name: 'no interval: three faults, none of them lost anything',
    gate: { metric: 'lost', max: 0.9 },
    cells: [threeFaults],
    ...open,
    says: /3 faults: too few for an interval/,
  },
  {
    name: 'no interval: a percentile over three faults',
    gate: { metric: 'overhead p50', max: 1e9 },
    cells: [threeFaults],
    ...open,
    says: /too few faults that share them/,
  },
  {
    name: 'no interval: work done again under three faults',
    gate: { metric: 'rework', max: 9 },
    cells: [
      madeCell({
        over: { rework: { plannedSteps: 9, executedSteps: 9, duplicateEffects: 0, ratio: 0, faults: 3, wastedMs: 0 } },
      }),
    ],
    ...open,
    says: /3 faults in a repetition/,
  },
  {
    name: 'one task: a percentile of it is no percentile',
    gate: { metric: 'overhead p99', max: 1e9 },
    cells: [madeCell({ n: 1 })],
    ...open,
    says: /1 tasks: too few for an interval/,
  },
  {
    name: 'one outage, over at once',
    gate: { metric: 'restored', max: 1e9 },
    cells: [killedCell(1, () => 1)],
    ...open,
    says: /1 outages: too few/,
  },
  {
    name: 'a fault that touched nobody: late',
    gate: { metric: 'late', max: 0.1 },
    cells: [touching(0)],
    ...open,
    says: /touched only 0 of its 300 tasks/,
  },
  {
    name: 'all that a fault touched have lost their result, and the others were in time',
    gate: { metric: 'late', max: 0.1, ...lenient },
    cells: [
      madeCell({
        cell: { faults: [plannedFault({})] },
        task: (i) => (i < 60 ? { exposed: true, outcome: 'stuck' as const } : {}),
      }),
    ],
    verdict: 'INCONCLUSIVE',
    ofRun: 'PASS',
    says: /touched only 0 of its 240 tasks/,
  },
  {
    name: 'a fault that touched nobody: duplicates',
    gate: { metric: 'duplicates', max: 0.1 },
    cells: [touching(0)],
    ...open,
    says: /touched only 0 of its 300 tasks/,
  },
  {
    name: 'a fault that touched nobody: regression',
    gate: { metric: 'regression', max: 0.1 },
    cells: [touching(0)],
    over: against([touching(300)]),
    ...open,
    says: /touched only 0 of its 300 tasks/,
  },
  ...([{}, { minFaults: 5, exposed: 1 }, { exposed: 50 }] as const).map((terms): WrongGate => {
    return {
      name: `nobody counted how often it struck, and it was everybody: ${JSON.stringify(terms)}`,
      gate: { metric: 'success', min: 0.9, ...terms },
      cells: [uncounted],
      ...open,
      says: /only 0 .*; nobody counted how often kill-1#1 fired/,
    }
  }),
  {
    name: 'left out, and allowed to be open',
    gate: { metric: 'success', min: 0.9, leftOut: '--arms', ...lenient },
    cells: [],
    ...open,
    says: /left out by --arms/,
  },
  {
    name: 'a regression without a base, and allowed to be open',
    gate: { metric: 'regression', max: 0.1, leftOut: 'a run without --against', ...lenient },
    cells: [madeCell({})],
    ...open,
    says: /left out by a run without --against/,
  },
  {
    name: 'a base that is INVALID',
    gate: { metric: 'regression', max: 0.1, ...lenient },
    cells: [madeCell({})],
    over: against([madeCell({ verdict: 'INVALID' })]),
    ...open,
    says: /before: a\.none\.1 is INVALID/,
  },
  {
    name: 'a base on a slower machine',
    gate: { metric: 'slowdown', max: 1, ...lenient },
    cells: [madeCell({})],
    over: against([madeCell({ task: (i) => ({ seenAt: i + 900 }) })], 'slow'),
    ...open,
    says: /another machine: processor/,
  },
  {
    name: 'no slower than before, of the few that have a result at all',
    gate: { metric: 'slowdown', max: 10 },
    cells: [madeCell({ task: (i) => (i % 20 === 0 ? {} : unended) })],
    over: against([madeCell({})]),
    ...open,
    says: /over 15 pairs of tasks; 285 of 300 pairs that no fault touched have no result on one side/,
  },
  {
    name: 'no slower than before: of most there was no result then, and there is none now',
    gate: { metric: 'slowdown', max: 10 },
    cells: [madeCell({ task: (i) => (i % 10 ? unended : {}) })],
    over: against([madeCell({ task: (i) => (i % 10 ? unended : {}) })]),
    ...open,
    says: /270 of 300 pairs that no fault touched have no result on one side/,
  },
  {
    name: 'slower than before in a few, and the others had no result before',
    gate: { metric: 'slowdown', max: 10 },
    cells: [madeCell({ task: (i) => ({ seenAt: i + 900 }) })],
    over: against([madeCell({ task: (i) => (i % 20 === 0 ? {} : unended) })]),
    ...open,
    says: /285 of 300 pairs that no fault touched have no result on one side/,
  },
  ...(['regression', 'slowdown'] as const).map((metric): WrongGate => {
    return {
      name: `tasks of a hundred times the length, in the name of the same work: ${metric}`,
      gate: { metric, max: 0.1, ...lenient },
      cells: [madeCell({})],
      over: against([madeCell({ task: (i) => ({ idealMs: 10_000, seenAt: i + 10_010 }) })]),
      ...open,
      says: /300 of its 300 tasks are other work/,
    }
  }),
  {
    name: 'all cells INVALID',
    gate: { metric: 'success', min: 0.9, ...lenient },
    cells: [madeCell({ verdict: 'INVALID' })],
    verdict: 'INCONCLUSIVE',
    ofRun: 'INVALID',
    says: /something is wrong/,
  },
  {
    name: 'all cells INVALID, a warning only',
    gate: { metric: 'lost', max: 0.9, severity: 'warn' },
    cells: [madeCell({ verdict: 'INVALID' })],
    verdict: 'INCONCLUSIVE',
    ofRun: 'INVALID',
    says: /something is wrong/,
  },
  {
    name: 'an interrupted cell, and allowed to be open',
    gate: { metric: 'success', min: 0.9, ...lenient },
    cells: [madeCell({ verdict: 'INCONCLUSIVE' })],
    ...open,
    says: /something is wrong/,
  },
  {
    name: 'a FAIL is not what onInconclusive allows',
    gate: { metric: 'lost', max: 0.1, ...lenient },
    cells: [madeCell({ task: () => ({ outcome: 'stuck' }) })],
    verdict: 'FAIL',
    ofRun: 'FAIL',
    says: /lost <= 0\.1: FAIL/,
  },
  {
    name: 'a FAIL that only warns is still a FAIL, and said',
    gate: { metric: 'lost', max: 0.1, severity: 'warn' },
    cells: [madeCell({ task: () => ({ outcome: 'stuck' }) })],
    verdict: 'FAIL',
    ofRun: 'PASS',
    says: /lost <= 0\.1: FAIL: .* \(severity: warn\)/,
  },
  {
    name: 'half of them went on at once, and nobody ever did with the others',
    gate: { metric: 'takeover p90', max: 1e9 },
    cells: [killedCell(60, (i) => (i % 2 ? 1 : undefined))],
    verdict: 'FAIL',
    ofRun: 'FAIL',
    says: /observed never \[never, never\]/,
  },
  {
    name: 'whose wait the next outage ended did not wait for so long alone',
    gate: { metric: 'takeover p90', max: 1e9 },
    cells: [openWaits(killedCell(60, () => undefined))],
    ...open,
    says: /observed never \[5 ms, never\]/,
  },
  {
    name: 'all results beyond every deadline are no fast ones',
    gate: { metric: 'overhead p50', max: 1e9 },
    cells: [madeCell({ task: () => ({ outcome: 'lost_result' }) })],
    verdict: 'FAIL',
    ofRun: 'FAIL',
    says: /observed never/,
  },
  {
    name: 'milliseconds of compressed time',
    gate: { metric: 'overhead p50', max: 1e9, ...lenient },
    cells: [madeCell({ cell: { timeScale: 60 } })],
    ...open,
    says: /timeScale 1 alone/,
  },
  {
    name: 'an edited plan: a limit that holds whatever happens',
    gate: { metric: 'late', max: 1 },
    cells: [madeCell({ task: () => ({ outcome: 'late' }) })],
    ...open,
    says: /its limit holds whatever happens/,
  },
  {
    name: 'an edited plan: more than all',
    gate: { metric: 'lost', max: 7 },
    cells: [madeCell({ task: () => ({ outcome: 'stuck' }) })],
    ...open,
    says: /its limit holds whatever happens/,
  },
  ...(['after-cancel', 'commands-lost', 'over-budget'] as const).flatMap((metric) =>
    [1, 1.5].map((max): WrongGate => {
      return {
        name: `an edited plan: all control may be broken, ${metric} <= ${max}`,
        gate: { metric, max },
        cells: [madeCell({ over: { control: brokenControl } })],
        ...open,
        says: /its limit holds whatever happens/,
      }
    }),
  ),
  {
    name: 'an edited plan: all of success may be lost',
    gate: { metric: 'regression', max: 1 },
    cells: [madeCell({ task: () => ({ outcome: 'stuck' }) })],
    over: against([madeCell({})]),
    ...open,
    says: /its limit holds whatever happens/,
  },
  {
    name: 'fewer samples than asked for',
    gate: { metric: 'late', max: 0.1, minSamples: 1000 },
    cells: [madeCell({})],
    ...open,
    says: /it is over 300 tasks with the right result, and it asks for 1000/,
  },
  {
    name: 'fewer faults than asked for',
    gate: { metric: 'late', max: 0.1, minFaults: 1 },
    cells: [madeCell({})],
    ...open,
    says: /only 0 faults touched a task/,
  },
]

describe.each(mutants)('$name', ({ gate, cells, verdict, ofRun, says, over }) => {
  test('gets exactly this verdict, and the run says why', () => {
    const found = judgedGate(gate, cells, over)
    expect([found.verdict, found.run.verdict]).toEqual([verdict, ofRun])
    expect(found.run.reasons.join('\n')).toMatch(says)
  })
})

test.each([
  ['none', {}],
  ['two', { min: 0.9, max: 0.9 }],
  ['that of the other side', { max: 0.9 }],
  ['no number', { min: Number.NaN }],
])('a gate in a plan has one limit: %s is refused', (_, limit) => {
  expect(gateSchema.safeParse({ pattern: 'a', arm: 'b', metric: 'success', ...limit }).success).toBe(false)
  expect(gateSchema.safeParse({ pattern: 'a', arm: 'b', metric: 'success', min: 0.9 }).success).toBe(true)
})
