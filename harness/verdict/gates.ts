import type { Gate } from '../core/plan.ts'
import { neededToSettle } from '../stats/sample-size.ts'
import type { CellResult, GateResult, Proportion, TaskRow } from '../store/schema.ts'
import { claimInterval, proportionOf } from './proportion.ts'
import { usableCells } from './selection.ts'

/**
 * A gate over the pooled repetitions: PASS when the whole interval is at or above the limit, FAIL when it is all below,
 * INCONCLUSIVE when it straddles, with the number of tasks that would settle it if the observed rate held.
 */
export function judgeGate(gate: Gate, cells: readonly CellResult[]): GateResult {
  const exposed = gate.metric === 'exposed-success'
  const rows = usableCells(cells, gate).map(({ cell, tasks }) => {
    return { cell, tasks: tasks.filter((task) => !exposed || task.exposed) }
  })
  const proportion = proportionOf(rows, ({ outcome }: TaskRow) => outcome === 'ok')
  const { successes, n } = proportion
  const interval = claimInterval(proportion)
  const observed = n === 0 ? 0 : successes / n
  const verdict = interval[0] >= gate.min ? 'PASS' : interval[1] < gate.min ? 'FAIL' : 'INCONCLUSIVE'
  const needed = verdict === 'INCONCLUSIVE' && n > 0 ? neededTasks(proportion, gate.min) : undefined
  return { gate, observed, interval, n, ...(needed !== undefined && { needed }), verdict }
}

export function describeGate({ gate, observed, interval, n, needed, verdict }: GateResult): string {
  const { pattern, arm, metric, min } = gate
  const name = `gate ${pattern}.${arm} ${metric} >= ${min}`
  if (n === 0) return `${name}: ${verdict}: no cell of it could be judged`
  const range = interval.map((end) => end.toFixed(4)).join(', ')
  const more = needed === undefined ? '' : `; ${needed} tasks would settle it`
  return `${name}: ${verdict}: observed ${observed.toFixed(4)} [${range}] over ${n} tasks${more}`
}

/** Tasks that share episodes count for less: the ratio of the intervals' widths says by how much. */
function neededTasks({ successes, n, clopperPearson, clustered }: Proportion, limit: number): number | undefined {
  const width = ([low, high]: readonly [number, number]): number => high - low
  const widening = clustered ? (width(clustered.interval) / width(clopperPearson)) ** 2 : 1
  return neededToSettle(successes / n, limit, widening)
}
