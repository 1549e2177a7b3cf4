import { isPerConnection } from '../analysis/exposure.ts'
import { type Gate, metricName } from '../model/plan.ts'
import { shareText } from '../core/numbers.ts'
import { neededToSettle } from '../stats/sample-size.ts'
import type { GateResult, Needed, Proportion } from '../model/judgements.ts'
import type { CellResult, TaskRow } from '../model/results.ts'
import { firingsOf, proportionOf, type Rows, sampleOf } from './proportion.ts'

/** Tasks that a fault must have touched before a gate on `success` under faults passes, unless it says how many. */
const usualExposed = 20

/**
 * A gate over the pooled repetitions: PASS when the whole interval is at or above the limit, FAIL when it is all below,
 * INCONCLUSIVE when it straddles. INCONCLUSIVE names what would settle it if the observed rates held. Where too few
 * faults hit several tasks each, there is no interval and no PASS. The gate still fails where no fate of these tasks
 * could lift it to the limit. No PASS either where the arm's faults touched too few tasks: success of the others says
 * nothing about them.
 */
export function judgeGate(gate: Gate, cells: readonly CellResult[]): GateResult {
  const usable = usableCells(cells, gate)
  const rows = rowsOf(gate, usable)
  const isGood = goodBy(gate)
  const proportion = proportionOf(rows, isGood)
  const { successes, n, interval, faults } = proportion
  const found = weigh(gate, proportion, usable)
  const settles = found.verdict === 'INCONCLUSIVE' && n > 0 && whyNever(gate) === undefined
  const needed = settles ? neededToSettle(sampleOf(rows, isGood), firingsOf(rows), gate.min) : undefined
  return {
    gate,
    observed: n === 0 ? 0 : successes / n,
    ...(interval && { interval }),
    n,
    ...(faults !== undefined && { faults }),
    ...(needed && isMore(needed, proportion) && { needed }),
    ...found,
  }
}

/** What settles by its number alone is kept open by something else. */
function isMore(needed: Needed, { n, faults = 0 }: Proportion): boolean {
  return 'tasks' in needed ? needed.tasks > n : needed.faults > faults
}

function goodBy({ metric, atMost }: Gate): (task: TaskRow) => boolean {
  if (metric === 'success' || metric === 'exposed-success') return ({ outcome }) => outcome === 'ok'
  return (task) => (task[metric] ?? 0) <= atMost!
}

/** Of what is counted, tasks of which there is nothing to count say nothing: no callback is not one callback at most. */
function rowsOf({ metric }: Gate, cells: readonly CellResult[]): readonly Rows[] {
  const counts = (task: TaskRow): boolean => {
    if (metric === 'success') return true
    return metric === 'exposed-success' ? task.exposed : task[metric] !== undefined
  }
  return cells.map(({ cell, tasks }) => ({ cell, tasks: tasks.filter(counts) }))
}

type Weighed = Pick<GateResult, 'verdict' | 'note'>

function weigh(gate: Gate, proportion: Proportion, cells: readonly CellResult[]): Weighed {
  const never = whyNever(gate) ?? (proportion.n === 0 ? 'no task of it could be judged' : undefined)
  if (never !== undefined) return { verdict: 'INCONCLUSIVE', note: never }
  const found = weighInterval(gate, proportion)
  const thin = whyThin(gate, cells)
  if (found.verdict !== 'PASS' || thin === undefined) return found
  return { verdict: 'INCONCLUSIVE', note: thin }
}

/** Why no number of tasks would give it a verdict. Plans of today have no such limit; older ones may. */
function whyNever({ min, leftOut }: Gate): string | undefined {
  if (leftOut !== undefined) return `left out by ${leftOut}`
  if (!(min > 0)) return 'its limit holds whatever happens'
  return min < 1 ? undefined : 'its limit cannot be shown by any number of tasks'
}

function weighInterval({ min }: Gate, { interval, bounds, method }: Proportion): Weighed {
  if (interval) return { verdict: interval[0] >= min ? 'PASS' : interval[1] < min ? 'FAIL' : 'INCONCLUSIVE' }
  const hopeless = bounds !== undefined && bounds[1] < min
  const anyway = `${method}; but had all tasks that they hit succeeded, it would still be below the limit`
  return hopeless ? { verdict: 'FAIL', note: anyway } : { verdict: 'INCONCLUSIVE', note: method }
}

function whyThin({ metric, exposed: asked }: Gate, cells: readonly CellResult[]): string | undefined {
  const faulty = cells.some(({ cell }) => cell.faults.length > 0)
  const counted = metric !== 'exposed-success' || cells.some(({ cell }) => cell.faults.some(isPerConnection))
  const least = asked ?? (counted && faulty ? usualExposed : 0)
  const tasks = cells.reduce((sum, cell) => sum + cell.tasks.length, 0)
  const touched = cells.reduce((sum, cell) => sum + touchedIn(cell), 0)
  if (touched >= least) return undefined
  return `a fault touched only ${touched} of its ${tasks} tasks, and it asks for ${least}`
}

/** Exposed to what draws per connection are all tasks that were on its link; at most as many were touched as it fired. */
function touchedIn({ cell, tasks, faults, episodes }: CellResult): number {
  const exposed = tasks.filter((task) => task.exposed).length
  const drawing = new Set(cell.faults.filter(isPerConnection).map(({ id }) => id))
  if (drawing.size === 0) return exposed
  const drawn = faults.filter(({ id }) => drawing.has(id)).map(({ firings = Infinity }) => firings)
  const others = episodes.filter(({ fault }) => !drawing.has(fault)).map(({ affectedTasks }) => affectedTasks)
  return Math.min(
    exposed,
    [...drawn, ...others].reduce((a, b) => a + b, 0),
  )
}

export function describeGate({ gate, observed, interval, n, needed, note, verdict }: GateResult): string {
  const { pattern, arm, min } = gate
  const name = `gate ${pattern}.${arm} ${metricName(gate)} >= ${min}`
  if (n === 0) return `${name}: ${verdict}: ${note ?? 'no task of it could be judged'}`
  const range = interval ? ` [${interval.map(shareText).join(', ')}]` : ''
  const why = note === undefined ? '' : `; ${note}`
  const more = needed ? `; ${describeNeeded(needed)} would settle it in 4 of 5 runs` : ''
  return `${name}: ${verdict}: observed ${shareText(observed)}${range} over ${n} tasks${why}${more}`
}

function describeNeeded(needed: Needed): string {
  return 'tasks' in needed ? `${needed.tasks} tasks` : `${needed.faults} faults, with as many tasks each,`
}

/** The repetitions of one pattern in one arm whose numbers can be believed: not INVALID, not INCONCLUSIVE. */
export function usableCells(
  cells: readonly CellResult[],
  { pattern, arm }: { readonly pattern: string; readonly arm: string },
): readonly CellResult[] {
  return cells.filter(({ cell, verdict }) => {
    return cell.pattern === pattern && cell.arm === arm && (verdict === 'PASS' || verdict === 'FAIL')
  })
}
