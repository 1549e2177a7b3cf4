import type { Rework } from '../../model/results.ts'
import { fewestEpisodes } from '../../stats/episodes.ts'
import type { Evidence, Seen } from './evidence.ts'

/**
 * The report has a ratio and an interval for each repetition. All of these intervals together reach as far as the gate looks: it
 * passes or fails where each repetition alone would, which is no surer than any one of them (intersection-union test: Berger 1982).
 */
export function evidenceOfRework(_: unknown, { usable }: Seen): Evidence {
  const done = usable
    .map(({ rework }) => rework)
    .filter(({ plannedSteps, executedSteps }) => plannedSteps * executedSteps > 0)
  if (done.length < usable.length) return { observed: 0, n: 0, note: 'a repetition of it executed no step' }
  const n = usable.reduce((sum, { requests }) => sum + requests.tasks, 0)
  const known = done.flatMap(({ interval }) => (interval ? [interval] : []))
  const observed = meanRatio(done)
  if (known.length < done.length) return { observed, n, note: whyNone(done) }
  return {
    observed,
    n,
    interval: [Math.min(...known.map(([low]) => low)), Math.max(...known.map(([, high]) => high))],
    ...(done.length > 1 && { note: `the intervals of ${done.length} repetitions together` }),
  }
}

/** Weighed by the steps that were needed, as repetitions have the same work. */
function meanRatio(all: readonly Rework[]): number {
  const steps = all.reduce((sum, { plannedSteps }) => sum + plannedSteps, 0)
  return all.reduce((sum, { ratio, plannedSteps }) => sum + (ratio * plannedSteps) / steps, 0)
}

function whyNone(all: readonly Rework[]): string {
  const few = all.find(({ interval }) => !interval)?.faults
  return few === undefined
    ? 'no interval was recorded'
    : `${few} ${few === 1 ? 'fault' : 'faults'} in a repetition: at least ${fewestEpisodes} are needed for an interval over faults`
}
