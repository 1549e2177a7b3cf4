import type { Gate } from '../core/plan.ts'
import { neededToSettle } from '../stats/sample-size.ts'
import type { CellResult, GateResult, Needed, Proportion, TaskRow } from '../store/schema.ts'
import { firingsOf, proportionOf, type Rows, sampleOf } from './proportion.ts'
import { usableCells } from './selection.ts'

/**
 * A gate over the pooled repetitions: PASS when the whole interval is at or above the limit, FAIL when it is all below,
 * INCONCLUSIVE when it straddles, with what would settle it if the observed rates held. Where too few faults hit several
 * tasks each there is no interval, and no PASS; it still fails where no fate of these tasks could lift it to the limit.
 */
export function judgeGate(gate: Gate, cells: readonly CellResult[]): GateResult {
  const rows = rowsOf(gate, cells)
  const proportion = proportionOf(rows, isOk)
  const { successes, n, interval, faults } = proportion
  const found = weigh(gate, proportion)
  const needed = found.verdict === 'INCONCLUSIVE' && n > 0 ? needs(gate, rows) : undefined
  return {
    gate,
    observed: n === 0 ? 0 : successes / n,
    ...(interval && { interval }),
    n,
    ...(faults !== undefined && { faults }),
    ...(needed && { needed }),
    ...found,
  }
}

function isOk({ outcome }: TaskRow): boolean {
  return outcome === 'ok'
}

function rowsOf(gate: Gate, cells: readonly CellResult[]): readonly Rows[] {
  const exposed = gate.metric === 'exposed-success'
  return usableCells(cells, gate).map(({ cell, tasks }) => {
    return { cell, tasks: tasks.filter((task) => !exposed || task.exposed) }
  })
}

function weigh({ min }: Gate, proportion: Proportion): Pick<GateResult, 'verdict' | 'note'> {
  const { n, interval, bounds, method } = proportion
  if (n === 0) return { verdict: 'INCONCLUSIVE', note: 'no task of it could be judged' }
  if (interval) return { verdict: interval[0] >= min ? 'PASS' : interval[1] < min ? 'FAIL' : 'INCONCLUSIVE' }
  const hopeless = bounds !== undefined && bounds[1] < min
  const anyway = `${method}; but had all tasks that they hit succeeded, it would still be below the limit`
  return hopeless ? { verdict: 'FAIL', note: anyway } : { verdict: 'INCONCLUSIVE', note: method }
}

function needs({ min }: Gate, rows: readonly Rows[]): Needed | undefined {
  return neededToSettle(sampleOf(rows, isOk), firingsOf(rows), min)
}

export function describeGate({ gate, observed, interval, n, needed, note, verdict }: GateResult): string {
  const { pattern, arm, metric, min } = gate
  const name = `gate ${pattern}.${arm} ${metric} >= ${min}`
  if (n === 0) return `${name}: ${verdict}: ${note ?? 'no task of it could be judged'}`
  const range = interval ? ` [${interval.map((end) => end.toFixed(4)).join(', ')}]` : ''
  const why = note === undefined ? '' : `; ${note}`
  const more = needed ? `; ${describeNeeded(needed)} would settle it in 4 of 5 runs` : ''
  return `${name}: ${verdict}: observed ${observed.toFixed(4)}${range} over ${n} tasks${why}${more}`
}

function describeNeeded(needed: Needed): string {
  return 'tasks' in needed ? `${needed.tasks} tasks` : `${needed.faults} faults, with as many tasks each,`
}
