import type { Plan } from '../model/plan.ts'
import { percentOf } from '../core/percent.ts'
import type { Catalog } from '../scenario/catalog.ts'
import { whyHopeless } from '../stats/plan-design.ts'
import { outlookOf, type PlanOutlook } from '../plan/power.ts'

/** What a plan can tell, with the durations of the kinds of work that it is about. */
export function lookAhead(plan: Plan, { workOf }: Pick<Catalog, 'workOf'>): PlanOutlook {
  return outlookOf(plan, ({ profile, timeScale }) => workOf(profile)!.idealMs / timeScale)
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
