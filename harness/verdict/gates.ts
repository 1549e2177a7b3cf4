import { isPerConnection } from '../analysis/exposure.ts'
import { effectNote } from '../model/gate-effect.ts'
import type { GateResult, Needed } from '../model/judgements.ts'
import { figureText, type Metric, metricOf, usualConfidence } from '../model/metrics.ts'
import { type Gate, limitOf, metricName } from '../model/plan.ts'
import type { CellResult } from '../model/results.ts'
import { countedIn } from '../model/task-shares.ts'
import type { Base, Evidence, Seen } from './gates/evidence.ts'
import { evidenceByMetric } from './gates/evidence-by-metric.ts'
import { occasionsOf } from './proportion.ts'

/** Tasks that a fault must have touched before a gate under faults passes, unless it says how many. */
const usualExposed = 20

/**
 * A gate over the pooled repetitions: PASS when the whole interval is on the good side of the limit, or on it. FAIL when it is all
 * on the other side, INCONCLUSIVE when it straddles. INCONCLUSIVE names what would settle it, where that can be known.
 * Without an interval there is no PASS. The gate still fails where no fate of the tasks that share a fault could lift it
 * to the limit. No PASS either where the arm's faults touched too few tasks: what the others did says nothing about
 * them. `base`: the run that gates on a regression are held against.
 */
export function judgeGate(gate: Gate, cells: readonly CellResult[], base?: Base): GateResult {
  const usable = usableCells(cells, gate)
  const evidence = evidenceFor(gate, { usable, cells, base })
  const { observed, interval, n, faults } = evidence
  const found = weigh(gate, evidence, usable)
  const settles = found.verdict === 'INCONCLUSIVE' && n > 0 && whyNever(gate) === undefined
  const needed = settles ? evidence.needed?.() : undefined
  return {
    gate,
    observed: orNever(observed),
    ...(interval && { interval: [orNever(interval[0]), orNever(interval[1])] as const }),
    n,
    ...(faults !== undefined && { faults }),
    ...(needed && { needed }),
    ...found,
  }
}

function evidenceFor(gate: Gate, seen: Omit<Seen, 'confidence'>): Evidence {
  if (seen.usable.length === 0) return { observed: 0, n: 0, note: 'no task of it could be judged' }
  return evidenceByMetric[gate.metric](gate, { ...seen, confidence: gate.confidence ?? usualConfidence })
}

function orNever(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

type Weighed = Pick<GateResult, 'verdict' | 'note'>

function weigh(gate: Gate, evidence: Evidence, usable: readonly CellResult[]): Weighed {
  const { n, note, cannotPass, cannotFail } = evidence
  const never = whyNever(gate) ?? (n === 0 ? (note ?? 'no task of it could be judged') : undefined)
  if (never !== undefined) return { verdict: 'INCONCLUSIVE', note: never }
  const found = weighInterval(gate, evidence)
  const against = found.verdict === 'PASS' ? (cannotPass ?? whyNoPass(gate, evidence, usable)) : undefined
  if (against !== undefined) return { verdict: 'INCONCLUSIVE', note: against }
  if (found.verdict === 'FAIL' && cannotFail !== undefined) return { verdict: 'INCONCLUSIVE', note: cannotFail }
  return found
}

/** Why nothing would give it a verdict. Plans of today have no such limit; older ones may. */
function whyNever({ metric, min, max = 1, leftOut }: Gate): string | undefined {
  if (leftOut !== undefined) return `left out by ${leftOut}`
  if (!isOfAWhole(metricOf(metric))) return undefined
  const share = min ?? 1 - max
  if (!(share > 0)) return 'its limit holds whatever happens'
  return share < 1 ? undefined : 'its limit cannot be shown by any number of tasks'
}

/** More than all of it there cannot be. Work done again, which no control has, can be more than what was needed. */
function isOfAWhole({ unit, controls }: Metric): boolean {
  return unit === 'share' || unit === 'points' || (unit === 'percent' && controls !== undefined)
}

function weighInterval(gate: Gate, { interval, bounds, note }: Evidence): Weighed {
  const side = sideOf(gate, interval)
  if (side !== undefined) return { verdict: side, ...(note !== undefined && { note }) }
  if (sideOf(gate, bounds) !== 'FAIL') return { verdict: 'INCONCLUSIVE', ...(note !== undefined && { note }) }
  const isHigh = metricOf(gate.metric).good === 'high'
  const best = isHigh ? 'had all tasks that they hit succeeded' : 'had none that they hit counted against it'
  return { verdict: 'FAIL', note: `${note}; but ${best}, it would still be ${isHigh ? 'below' : 'above'} the limit` }
}

function sideOf(gate: Gate, interval: Evidence['interval']): GateResult['verdict'] | undefined {
  if (!interval || interval.some(Number.isNaN)) return undefined
  const [limit, isHigh] = [limitOf(gate), metricOf(gate.metric).good === 'high']
  const good = interval.map((end) => (isHigh ? end >= limit : end <= limit))
  return good[0] === good[1] ? (good[0] ? 'PASS' : 'FAIL') : 'INCONCLUSIVE'
}

function whyNoPass(gate: Gate, { n }: Evidence, cells: readonly CellResult[]): string | undefined {
  const { minSamples = 0, minFaults = 0, metric } = gate
  const { over = 'tasks' } = metricOf(metric)
  const faults = cells.reduce((sum, cell) => sum + faultsIn(cell), 0)
  if (n < minSamples) return `it is over ${n} ${over}, and it asks for ${minSamples}`
  if (faults < minFaults)
    return `only ${faults} faults touched a task, and it asks for ${minFaults}${notCounted(cells)}`
  return whyThin(gate, cells)
}

/** A touched task that the gate does not count, as it has no result, says nothing of those that it does. */
function whyThin(gate: Gate, all: readonly CellResult[]): string | undefined {
  const { metric, exposed: asked } = gate
  const cells = all.map((one) => ({ ...one, tasks: countedIn(one.tasks, gate) }))
  const faulty = cells.some(({ cell }) => cell.faults.length > 0)
  const counted = !metricOf(metric).needsFaults || cells.some(({ cell }) => cell.faults.some(isPerConnection))
  const least = asked ?? (counted && faulty ? usualExposed : 0)
  const tasks = cells.reduce((sum, cell) => sum + cell.tasks.length, 0)
  const touched = cells.reduce((sum, cell) => sum + touchedIn(cell), 0)
  if (touched >= least) return undefined
  return `a fault touched only ${touched} of its ${tasks} tasks, and it asks for ${least}${notCounted(cells)}`
}

/** Exposed to what draws per connection are all tasks that were on its link; at most as many were touched as it fired. */
function touchedIn(one: CellResult): number {
  const exposed = one.tasks.filter((task) => task.exposed).length
  const drawn = drawnFirings(one)
  if (!drawn) return exposed
  const others = one.episodes.filter(({ fault }) => !drawn.ids.has(fault)).map(({ affectedTasks }) => affectedTasks)
  return Math.min(
    exposed,
    others.reduce((a, b) => a + b, drawn.firings),
  )
}

/** Firings of one instant are one fault; of what draws per connection each is. */
function faultsIn(one: CellResult): number {
  const drawn = drawnFirings(one)
  const felt = one.episodes.filter(({ fault, affectedTasks }) => affectedTasks > 0 && !drawn?.ids.has(fault))
  const occasion = occasionsOf(one.cell)
  return new Set(felt.map(({ fault }) => occasion(fault))).size + (drawn?.firings ?? 0)
}

/** Of faults that draw per connection: their ids, and how often they fired as far as anybody counted it. */
function drawnFirings({
  cell,
  faults,
}: CellResult): { readonly ids: ReadonlySet<string>; readonly firings: number } | undefined {
  const ids = new Set(cell.faults.filter(isPerConnection).map(({ id }) => id))
  if (ids.size === 0) return undefined
  const drawn = faults.filter(({ id }) => ids.has(id)).map(({ firings = 0 }) => firings)
  return { ids, firings: drawn.reduce((a, b) => a + b, 0) }
}

function notCounted(cells: readonly CellResult[]): string {
  const known = (one: CellResult, id: string): boolean =>
    one.faults.some((fault) => fault.id === id && fault.firings !== undefined)
  const unknown = cells.flatMap((one) => [...(drawnFirings(one)?.ids ?? [])].filter((id) => !known(one, id)))
  return unknown.length === 0 ? '' : `; nobody counted how often ${unknown[0]} fired`
}

export function describeGate(result: GateResult): string {
  const { gate, observed, interval, n, needed, note, verdict } = result
  const { pattern, arm, confidence } = gate
  const { good, unit, over = 'tasks' } = metricOf(gate.metric)
  const limit = unit === 'ms' ? figureText(unit, limitOf(gate)) : limitOf(gate)
  const name = `gate ${pattern}.${arm} ${metricName(gate)} ${good === 'high' ? '>=' : '<='} ${limit}`
  const effect = effectNote(result)
  const end = effect === '' ? '' : ` (${effect})`
  if (n === 0) return `${name}: ${verdict}: ${note ?? 'no task of it could be judged'}${end}`
  const ends = interval?.map((one) => figureText(unit, one)).join(', ')
  const range = ends === undefined ? '' : ` [${ends}]${confidence === undefined ? '' : ` at ${confidence * 100} %`}`
  const why = note === undefined ? '' : `; ${note}`
  const more = needed ? `; ${describeNeeded(needed)} would settle it in 4 of 5 runs` : ''
  return `${name}: ${verdict}: observed ${figureText(unit, observed)}${range} over ${n} ${over}${why}${more}${end}`
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
