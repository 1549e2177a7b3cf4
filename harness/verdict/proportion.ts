import type { CellPlan } from '../model/plan.ts'
import {
  boundsWhateverShared,
  type Episode,
  type Firings,
  fewestEpisodes,
  intervalOverEpisodes,
  type Sample,
  splitSample,
} from '../stats/episodes.ts'
import { defaultConfidence } from '../stats/intervals.ts'
import { areFiringsDrawn } from '../stats/prediction.ts'
import type { Proportion } from '../model/judgements.ts'
import type { TaskRow } from '../model/results.ts'

/** A cell's tasks, or those of them that count. */
export interface Rows {
  readonly cell: CellPlan
  readonly tasks: readonly TaskRow[]
}

type IsSuccess = (task: TaskRow) => boolean

/** Successes among the tasks of one cell, or of several repetitions pooled, with the one interval that there is. */
export function proportionOf(cells: readonly Rows[], isSuccess: IsSuccess, confidence = defaultConfidence): Proportion {
  const sample = sampleOf(cells, isSuccess)
  const { n, failures } = sample
  const faults = splitSample(sample).shared.length
  const firings = firingsOf(cells)
  const interval = n === 0 ? undefined : intervalOverEpisodes(sample, firings, confidence)
  return {
    successes: n - failures,
    n,
    ...(interval && { interval }),
    method: n === 0 ? 'no task' : nameMethod(faults, firings),
    ...(faults > 0 && { faults }),
    ...(n > 0 && !interval && { bounds: boundsWhateverShared(sample, confidence) }),
  }
}

/** The tasks, and what became of those that share a fault. */
export function sampleOf(cells: readonly Rows[], isSuccess: IsSuccess): Sample {
  const tasks = cells.flatMap((cell) => cell.tasks)
  const episodes = cells.flatMap((rows) => countEpisodes(rows, isSuccess))
  return { n: tasks.length, failures: tasks.filter((task) => !isSuccess(task)).length, episodes }
}

export function firingsOf(cells: readonly Pick<Rows, 'cell'>[]): Firings {
  return cells.some(({ cell }) => areFiringsDrawn(cell)) ? 'drawn' : 'fixed'
}

function nameMethod(faults: number, firings: Firings): string {
  if (faults === 0) return 'Clopper-Pearson'
  if (faults < fewestEpisodes)
    return `${faults} ${faults === 1 ? 'fault' : 'faults'}: too few for an interval over faults`
  const over = firings === 'drawn' ? 'drawn faults' : 'faults'
  return `Clopper-Pearson outside, Gaffke over ${faults} ${over}`
}

/** Within so long no lease runs out and no client gives up: faults that the plan has so close meet one state of the system. */
const oneOccasionMs = 500

/**
 * One observation per occasion, by a firing's id: a fault on eight workers at once says no more than one on one, nor do
 * eight in a row. What is drawn from a rate is apart, as its draws are.
 */
export function occasionsOf({ faults }: Pick<CellPlan, 'faults'>): (firing: string) => string {
  const occasions = new Map(faults.map(({ id, trigger }) => [id, JSON.stringify(trigger)]))
  let first = { id: '', atMs: -Infinity }
  for (const { id, atMs } of plannedTimes(faults))
    if (atMs - first.atMs < oneOccasionMs) occasions.set(id, occasions.get(first.id)!)
    else first = { id, atMs }
  return (firing) => occasions.get(firing) ?? firing
}

function plannedTimes(faults: CellPlan['faults']): readonly { readonly id: string; readonly atMs: number }[] {
  return faults
    .flatMap(({ id, trigger, params }) =>
      trigger.kind === 'time' && params.meanGapMs === undefined ? { id, atMs: trigger.atMs } : [],
    )
    .toSorted((a, b) => a.atMs - b.atMs)
}

function countEpisodes({ cell, tasks }: Rows, isSuccess: IsSuccess): readonly Episode[] {
  const occasion = occasionsOf(cell)
  const shared = Map.groupBy(tasks, ({ episode }) => episode && occasion(episode))
  shared.delete(undefined)
  return [...shared.values()].map((members) => {
    return { n: members.length, failures: members.filter((task) => !isSuccess(task)).length }
  })
}
