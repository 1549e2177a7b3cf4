/**
 * Every process of a run carries the run's name in its environment, so that whoever cleans up finds them all,
 * also those whose start was never written down because the harness died in that moment.
 */
const variable = 'OUTLAST_RUN'
let current: string | undefined

/** From now on children carry this label. */
export function labelRun(run: string | undefined): void {
  current = run
}

export function runLabel(): Record<string, string> {
  return current === undefined ? {} : { [variable]: current }
}

/** The environment entry by which a process is recognised. */
export function labelEntry(run: string): string {
  return `${variable}=${run}`
}

/** The run whose label children carry. Throws where there is none: what has no label would be left behind. */
export function currentRun(): string {
  if (current === undefined) throw new Error('no run is under way')
  return current
}
