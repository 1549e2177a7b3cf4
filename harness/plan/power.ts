import type { CellPlan, Plan } from '../model/plan.ts'
import { designOf, outlooksOf, type Outlook, whyHopeless } from '../stats/plan-design.ts'
import { type Design, expectedInterval, fates, highestLimit, smallestDifference } from '../stats/power.ts'
import { nameSameFaults, predictSuccess } from '../stats/prediction.ts'
import { percentOf } from '../core/numbers.ts'
import type { Catalog } from '../scenario/catalog.ts'

/** What a plan can tell before anything runs. */
export interface PlanOutlook {
  readonly arms: readonly ArmOutlook[]
  readonly pairs: readonly PairOutlook[]
  readonly gates: readonly Outlook[]
}

/** One pattern under one arm, all repetitions. */
export interface ArmOutlook {
  readonly pattern: string
  readonly arm: string
  readonly design: Design
  /** Where a closed form covers its faults. */
  readonly predicted?: number
  /** About what would be shown of that. */
  readonly interval?: readonly [number, number]
  /** The highest success rate that it can show to be kept; absent with too few faults for an interval. */
  readonly highest?: number
}

/**
 * The smallest difference in success that four of five runs show (exact McNemar on matched tasks, 5 %). It assumes that
 * the worse pattern fails wherever the better one does. `independent`: as if each task had a fate of its own; `shared`:
 * as if all that share a fault had one. The truth lies between. Absent where even 0 against 100 % would not show.
 */
export interface PairOutlook {
  readonly arm: string
  readonly first: string
  readonly other: string
  readonly independent?: number
  readonly shared?: number
}

/** `idealMs` gives a task's duration in a cell's own time. */
export function outlookOf(plan: Pick<Plan, 'cells' | 'gates'>, idealMs: (cell: CellPlan) => number): PlanOutlook {
  const groups = [...Map.groupBy(plan.cells, ({ pattern, arm }) => `${arm}\n${pattern}`).values()]
  // Blocks have their patterns in a random order each.
  const order = [...new Set(plan.cells.map(({ pattern }) => pattern))]
  const arms = groups
    .map((cells) => armOutlook(cells, idealMs(cells[0]!)))
    .toSorted((a, b) => order.indexOf(a.pattern) - order.indexOf(b.pattern))
  return { arms, pairs: pairOutlooks(arms), gates: outlooksOf(plan, idealMs) }
}

function armOutlook(cells: readonly CellPlan[], idealMs: number): ArmOutlook {
  const { pattern, arm } = cells[0]!
  const design = designOf(cells, idealMs)
  const predictions = cells.map((cell) => predictSuccess(cell, idealsOf(cell, idealMs)))
  const known = predictions.filter((one) => one !== undefined)
  const isKnown = known.length === cells.length && nameSameFaults(cells)
  const predicted = isKnown ? known.reduce((sum, one) => sum + one, 0) / known.length : undefined
  const highest = highestLimit(design)
  return {
    pattern,
    arm,
    design,
    ...(predicted !== undefined && { predicted }),
    ...(predicted !== undefined && highest !== undefined && { interval: expectedInterval(design, predicted) }),
    ...(highest !== undefined && { highest }),
  }
}

/** Enough for four digits of a mean. */
const manyIdeals = 200

/** Durations as tasks draw them, evenly over the logarithm: the chance to live through a kill is no function of their mean. */
function idealsOf({ idealRangeMs }: CellPlan, idealMs: number): readonly number[] {
  if (!idealRangeMs) return [idealMs]
  const [least, most] = idealRangeMs
  return Array.from({ length: manyIdeals }, (_, i) => least * (most / least) ** ((i + 0.5) / manyIdeals))
}

/** Every other pattern of an arm against the one that is listed first. */
function pairOutlooks(arms: readonly ArmOutlook[]): readonly PairOutlook[] {
  return [...Map.groupBy(arms, ({ arm }) => arm)].flatMap(([arm, [first, ...others]]) =>
    others.map((other) => {
      const designs = [first!.design, other.design]
      const independent = smallestDifference(Math.min(...designs.map(({ tasks }) => tasks)))
      const shared = smallestDifference(Math.min(...designs.map(fates)))
      return {
        arm,
        first: first!.pattern,
        other: other.pattern,
        ...(independent !== undefined && { independent }),
        ...(shared !== undefined && { shared }),
      }
    }),
  )
}

/** What a plan can tell, with the durations of the kinds of work that it is about. */
export function lookAhead(plan: Plan, { workOf }: Pick<Catalog, 'workOf'>): PlanOutlook {
  return outlookOf(plan, ({ profile, timeScale, ownWork }) => ownWork?.idealMs ?? workOf(profile)!.idealMs / timeScale)
}

/** One sentence per gate that this plan can never settle. */
export function hopelessGates({ gates }: PlanOutlook): readonly string[] {
  return gates.map(whyHopeless).filter((why) => why !== undefined)
}

/** What `outlast plan` adds: predictions with what will be shown of them, and gates that cannot be settled. */
export function outlookLines(outlook: PlanOutlook): string {
  const predicted = outlook.arms.flatMap(({ pattern, arm, predicted, interval, design }) => {
    if (predicted === undefined || design.tasks === 0) return []
    const shown = interval
      ? `, to be shown as about ${interval.map((end) => percentOf(end)).join(' to ')}`
      : ', with too few faults for an interval'
    return [`  ${pattern} under ${arm}: ${percentOf(predicted)} of ${design.tasks} tasks${shown}`]
  })
  const least = outlook.pairs.map(({ independent }) => independent ?? 1)
  const told =
    least.length > 0
      ? [
          `Differences in success below ${(Math.min(...least) * 100).toPrecision(2)} points cannot be told; outlast power says more.`,
        ]
      : []
  const hopeless = hopelessGates(outlook)
  return [
    ...(predicted.length > 0 ? ['Predicted success, where a closed form covers the faults:', ...predicted, ''] : []),
    ...told,
    ...(hopeless.length > 0
      ? ['', 'Warning: gates that this plan can never settle:', ...hopeless.map((why) => `  ${why}`)]
      : []),
  ].join('\n')
}
