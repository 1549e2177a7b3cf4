import { type Gate, limitOf } from '../../model/plan.ts'
import { metricOf } from '../../model/metrics.ts'
import type { Proportion } from '../../model/judgements.ts'
import type { TaskRow } from '../../model/results.ts'
import type { TaskShare } from '../../model/task-shares.ts'
import type { Interval } from '../../stats/intervals.ts'
import { neededToSettle } from '../../stats/sample-size.ts'
import { firingsOf, proportionOf, type Rows, sampleOf } from '../proportion.ts'
import type { Evidence, EvidenceOf, Seen } from './evidence.ts'

/** Repetitions are pooled. A metric that is better the lower is the share of the others. */
export function evidenceOfShare({ counts = () => true, isGood }: TaskShare): EvidenceOf {
  return (gate: Gate, { usable, confidence }: Seen): Evidence => {
    const rows = usable.map(({ cell, tasks }): Rows => ({ cell, tasks: tasks.filter(counts) }))
    const good = (task: TaskRow): boolean => isGood(task, gate)
    const proportion = proportionOf(rows, good, confidence)
    const { n, faults, interval, method, bounds } = proportion
    const side = metricOf(gate.metric).good
    return {
      observed: observed(proportion, side),
      n,
      ...(faults !== undefined && { faults }),
      ...(interval && { interval: onSide(interval, side) }),
      ...(bounds && { bounds: onSide(bounds, side) }),
      ...(n > 0 && !interval && { note: method }),
      needed: () => {
        const share = side === 'high' ? limitOf(gate) : 1 - limitOf(gate)
        const needed = neededToSettle(sampleOf(rows, good), firingsOf(rows), share, confidence)
        return needed && isMore(needed, proportion) ? needed : undefined
      },
    }
  }
}

function observed({ successes, n }: Proportion, side: 'high' | 'low'): number {
  if (n === 0) return 0
  return side === 'high' ? successes / n : (n - successes) / n
}

function onSide([low, high]: Interval, side: 'high' | 'low'): Interval {
  return side === 'high' ? [low, high] : [1 - high, 1 - low]
}

/** What settles by its number alone is kept open by something else. */
function isMore(needed: NonNullable<ReturnType<typeof neededToSettle>>, { n, faults = 0 }: Proportion): boolean {
  return 'tasks' in needed ? needed.tasks > n : needed.faults > faults
}
