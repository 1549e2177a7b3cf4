import { areFiringsDrawn } from '../stats/prediction.ts'
import { type Cluster, clusteredInterval } from '../stats/clusters.ts'
import { clopperPearson, type Interval, wilson } from '../stats/intervals.ts'
import type { CellPlan } from '../core/plan.ts'
import type { Proportion, TaskRow } from '../store/schema.ts'

/** A cell's tasks, or those of them that count. */
export interface Rows {
  readonly cell: CellPlan
  readonly tasks: readonly TaskRow[]
}

/** Successes among the tasks of one cell, or of several repetitions pooled, with every interval that applies. */
export function proportionOf(cells: readonly Rows[], isSuccess: (task: TaskRow) => boolean): Proportion {
  const tasks = cells.flatMap((cell) => cell.tasks)
  const n = tasks.length
  const successes = tasks.filter(isSuccess).length
  const episodes = cells.flatMap((cell) => countEpisodes(cell.tasks, isSuccess))
  const firings = cells.some(({ cell }) => areFiringsDrawn(cell)) ? 'drawn' : 'fixed'
  const clustered = clusteredInterval({ n, failures: n - successes, episodes }, firings)
  return {
    successes,
    n,
    wilson: wilson(successes, n),
    clopperPearson: clopperPearson(successes, n),
    ...(clustered && { clustered }),
  }
}

/** The interval to claim and to gate by: over episodes where tasks share them, else Clopper-Pearson. */
export function claimInterval({ clustered, clopperPearson }: Proportion): Interval {
  return clustered?.interval ?? clopperPearson
}

function countEpisodes(tasks: readonly TaskRow[], isSuccess: (task: TaskRow) => boolean): readonly Cluster[] {
  const shared = Map.groupBy(tasks, ({ episode }) => episode)
  shared.delete(undefined)
  return [...shared.values()].map((members) => {
    return { n: members.length, failures: members.filter((task) => !isSuccess(task)).length }
  })
}
