import type { CellPlan, Gate, Plan, PlannedFault } from '../../harness/model/plan.ts'
import type { CellResult, Environment, RunResults, RunVerdict, TaskRow } from '../../harness/model/results.ts'
import { judgeCell } from '../../harness/verdict/cell.ts'
import { judgeRun, type JudgedCells } from '../../harness/verdict/run.ts'
import { end, intend, story, submit } from '../unit/checkers/story.ts'
import { cellPlan, plannedFault } from '../unit/stats/cells.ts'

const template = judgeCell(story([intend('t-1'), submit('t-1', 1, 'ok'), end('t-1', 100, 'ok')]), [])

export interface Made {
  readonly cell?: Partial<CellPlan>
  readonly n?: number
  readonly verdict?: RunVerdict
  /** What is special about the task of this number, from 0. */
  readonly task?: (i: number) => Partial<TaskRow>
  readonly over?: Partial<CellResult>
}

/** A judged cell whose tasks are all right after 10 ms, but for what `task` says. */
export function madeCell({
  cell: plan = {},
  n = 300,
  verdict = 'PASS',
  task = () => ({}),
  over = {},
}: Made): CellResult {
  const cell = cellPlan({ tasks: n, ...plan })
  const tasks = Array.from({ length: n }, (_, i): TaskRow => {
    const row = {
      ordinal: i,
      task: `t-${i}`,
      intendedAt: i,
      idealMs: 100,
      outcome: 'ok',
      exposed: false,
      seenAt: i + 110,
    } as const
    return { ...row, ...task(i) }
  })
  const successes = tasks.filter(({ outcome }) => outcome === 'ok').length
  return {
    ...template,
    cell,
    tasks,
    verdict,
    reasons: verdict === 'PASS' ? [] : [`${cell.id}: something is wrong`],
    success: { ...template.success, successes, n },
    overhead: { ...template.overhead, quotable: cell.timeScale === 1 },
    ...over,
  }
}

/** A kill of its own for each task of this cell, all proven, with what became of the work that it cut. */
export function killedCell(
  n: number,
  afterMs: (i: number) => number | undefined,
  plan: Partial<CellPlan> = {},
): CellResult {
  const faults = Array.from({ length: n }, (_, i): PlannedFault =>
    plannedFault({ id: `kill-1#${i + 1}`, trigger: { kind: 'time', atMs: i * 1000 } }),
  )
  const fault = (i: number): string => faults[i]!.id
  const episode = {
    endedAt: 1,
    affectedTasks: 1,
    lostTasks: 0,
    interruptedTasks: 1,
    wentOnTasks: 1,
    reworkedSteps: 0,
    duplicateEffects: 0,
  }
  return madeCell({
    cell: { id: 'a.kill.1', arm: 'kill', faults, ...plan },
    n,
    task: (i) => ({ exposed: true, episode: fault(i) }),
    over: {
      episodes: faults.map(({ id }, i) => ({
        ...episode,
        fault: id,
        startedAt: i * 100,
        restored: { kind: 'unbroken' },
      })),
      interruptions: faults.map(({ id }, i) => {
        const ms = afterMs(i)
        return { task: `t-${i}`, fault: id, ...(ms !== undefined && { by: 'engine' as const, afterMs: ms }) }
      }),
    },
  })
}

export function judgedRun(
  cells: readonly CellResult[],
  plan: Partial<Plan> = {},
  over: Partial<JudgedCells> = {},
): RunResults {
  return judgeRun({
    run: 'r',
    plan: {
      version: 4,
      scenario: 's',
      question: 'q',
      seed: 1,
      timeScale: 1,
      runtime: 'process',
      cells: cells.map(({ cell }) => cell),
      notApplicable: [],
      gates: [],
      published: [],
      health: { pacerLagP99Ms: 5, eventLoopDelayP99Ms: 20 },
      ...plan,
    },
    environment: {} as Environment,
    cells,
    ...over,
  })
}

/** The one gate of such a run, with the run. */
export function judgedGate(
  gate: Omit<Gate, 'pattern' | 'arm'> & Partial<Gate>,
  cells: readonly CellResult[],
  over: Partial<JudgedCells> = {},
) {
  const results = judgedRun(cells, { gates: [{ pattern: 'a', arm: cells[0]?.cell.arm ?? 'none', ...gate }] }, over)
  return { ...results.gates[0]!, run: results }
}
