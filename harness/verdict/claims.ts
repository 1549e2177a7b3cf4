import type { Plan, Published } from '../model/plan.ts'
import type { Interval } from '../stats/intervals.ts'
import { powerOf, usualPower } from '../stats/sample-size.ts'
import { nameSameFaults, predictSuccess } from '../stats/prediction.ts'
import { quantile, quantileInterval } from '../stats/quantiles.ts'
import type { Claim } from '../model/judgements.ts'
import type { CellResult } from '../model/results.ts'
import { overheadOf } from './overhead.ts'
import { proportionOf } from './proportion.ts'
import { usableCells } from './gates.ts'

/** Published, predicted and measured side by side: a claim per published figure. */
export function judgeClaims(plan: Plan, cells: readonly CellResult[]): readonly Claim[] {
  return plan.published.flatMap((published) => {
    const usable = usableCells(cells, published)
    const base = { pattern: published.pattern, arm: published.arm, source: published.source }
    const missing = whyMissing(plan, published)
    return [
      ...(published.success === undefined ? [] : [{ ...base, ...judgeSuccess(published.success, usable, missing) }]),
      ...(published.overheadMs === undefined
        ? []
        : [{ ...base, ...judgeOverhead(published.overheadMs, usable, missing) }]),
    ]
  })
}

type Judged = Omit<Claim, 'pattern' | 'arm' | 'source'>

/**
 * Refuted: outside the interval. Consistent: inside, and a pattern with twice the published odds of failing would have been
 * refuted in four of five runs. Underpowered: inside, and it would not have been.
 */
function judgeSuccess(published: number, cells: readonly CellResult[], missing: string): Judged {
  const base = { metric: 'success' as const, published }
  if (cells.length === 0) return { ...base, n: 0, verdict: 'not-comparable', note: missing }
  const { successes, n, interval, bounds, faults, method } = proportionOf(cells, ({ outcome }) => outcome === 'ok')
  const predicted = meanPrediction(cells)
  return {
    ...base,
    ...(predicted !== undefined && { predicted }),
    measured: successes / n,
    ...(interval && { interval }),
    n,
    verdict: interval ? weigh(published, n, interval, faults) : refutes(bounds, published) ? 'refuted' : 'underpowered',
    note: describeFit(interval, predicted, method),
  }
}

function weigh(published: number, n: number, interval: Interval, faults: number | undefined): Claim['verdict'] {
  if (refutes(interval, published)) return 'refuted'
  const told = faults === undefined ? powerAgainst(published, n) >= usualPower : tellsApart(published, interval)
  return told ? 'consistent' : 'underpowered'
}

/** Of independent tasks: how probably they refute the figure where the pattern fails twice as often. */
function powerAgainst(published: number, n: number): number {
  return powerOf(n, published > 0 ? atTwiceTheOddsOfFailing(published) : nearlyNever, published)
}

/** Where tasks share faults, the interval's own width says how far apart two rates must be (1.96 + 0.84 standard errors). */
function tellsApart(published: number, [low, high]: Interval): boolean {
  const apart = published > 0 ? published - atTwiceTheOddsOfFailing(published) : nearlyNever
  return apart >= ((high - low) / 2) * (2.8 / 1.96)
}

function refutes(interval: Interval | undefined, published: number): boolean {
  return interval !== undefined && (published < interval[0] || published > interval[1])
}

/** The success rate that "never succeeds" is compared with. */
const nearlyNever = 0.1

/** A claim never to fail is taken as one failure in 10,000. */
function atTwiceTheOddsOfFailing(success: number): number {
  return 1 / (1 + 2 * Math.max((1 - success) / success, 1e-4))
}

function describeFit(interval: Interval | undefined, predicted: number | undefined, method: string): string {
  const made = interval ? `${method}, 95 %` : method
  if (predicted === undefined) return `${made}; no closed form covers these faults`
  if (!interval) return made
  const fits = predicted >= interval[0] && predicted <= interval[1]
  return `${made}; the prediction is ${fits ? 'inside' : 'outside'} the interval`
}

/** Over all tasks of all cells; undefined unless every cell has a closed form, and says all of its faults. */
function meanPrediction(cells: readonly CellResult[]): number | undefined {
  if (!nameSameFaults(cells.map(({ cell }) => cell))) return undefined
  let [sum, n] = [0, 0]
  for (const { cell, tasks } of cells) {
    const ideals = tasks.map(({ idealMs }) => idealMs)
    const predicted = predictSuccess(cell, ideals)
    if (predicted === undefined) return undefined
    sum += predicted * tasks.length
    n += tasks.length
  }
  return n === 0 ? undefined : sum / n
}

/** Over untouched tasks at full length. Consistent only if twice, and half, of the published would be rejected. */
function judgeOverhead(published: number, cells: readonly CellResult[], missing: string): Judged {
  const base = { metric: 'overhead' as const, published }
  if (cells.length === 0) return { ...base, n: 0, verdict: 'not-comparable', note: missing }
  const full = cells.filter(({ overhead }) => overhead.quotable)
  const compressed = 'overhead does not scale with time: only cells at timeScale 1 can be compared'
  if (full.length === 0) return { ...base, n: 0, verdict: 'not-comparable', note: compressed }
  const values = full.flatMap(({ tasks }) => tasks.filter(({ exposed }) => !exposed).map(overheadOf))
  const interval = quantileInterval(values, 0.5)
  const measured = quantile(values, 0.5)
  const finite = measured !== undefined && measured < Infinity
  return {
    ...base,
    ...(finite && { measured }),
    ...(interval && interval[1] < Infinity && { interval }),
    n: values.length,
    verdict: interval ? weighOverhead(published, interval) : 'underpowered',
    note: 'median over tasks that no fault touched, with a distribution-free 95 % interval',
  }
}

function weighOverhead(published: number, interval: Interval): Claim['verdict'] {
  if (refutes(interval, published)) return 'refuted'
  return interval[0] > published / 2 && interval[1] < published * 2 ? 'consistent' : 'underpowered'
}

function whyMissing(plan: Plan, { pattern, arm }: Published): string {
  const excluded = plan.notApplicable.find((cell) => cell.pattern === pattern && cell.arm === arm)
  if (excluded) return `not applicable: ${excluded.reason}`
  const planned = plan.cells.some((cell) => cell.pattern === pattern && cell.arm === arm)
  return planned ? 'no cell of it could be judged' : 'it is not part of this run'
}
