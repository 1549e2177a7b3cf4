import type { Environment } from '../model/results.ts'
import type { Row } from './row.ts'

export interface PageFacts {
  readonly quick: boolean
  readonly seed: number
  readonly environment: Environment
}

const marks: Readonly<Record<Row['verdict'], string>> = { hit: 'yes', miss: '**no**', unmeasured: 'not measured' }

/** `docs/validity.md`: what was known to be true, what was reported, and what cannot be seen on this machine. */
export function validityPage(rows: readonly Row[], { quick, seed, environment }: PageFacts): string {
  const { startedAt, cpu, cores, node, outlast } = environment
  const misses = rows.filter(({ verdict }) => verdict !== 'hit').length
  return `# Validity

What \`npx outlast validate${quick ? ' --quick' : ''}\` found on ${startedAt.slice(0, 10)}: outlast ${outlast}, Node ${node}, ${cores} cores of ${cpu}, seed ${seed}.
The command writes this page anew; another machine has other numbers.

Every row is a system, a fault or a record that is wrong by a known amount. It went the way that a pattern goes: planned, deployed
as processes, put under load, recorded, judged. ${misses === 0 ? `All ${rows.length} rows are as expected.` : `${misses} of ${rows.length} rows are not as expected.`}

## What cannot be seen here

${resolutionOf(rows)}

## Known truth

| control | what was done | expected | got | as expected |
| --- | --- | --- | --- | --- |
${rows.map(lineOf).join('\n')}
`
}

function resolutionOf(rows: readonly Row[]): string {
  const resolutionMs = rows.find((row) => row.resolutionMs !== undefined)?.resolutionMs
  if (resolutionMs === undefined || !Number.isFinite(resolutionMs))
    return 'The null pattern was not measured: nothing is known of it.'
  return `Differences in latency below ${resolutionMs.toFixed(1)} ms cannot be seen here: twice the p95 of what the null pattern, which only
sleeps and posts its effects, needs beyond its work.`
}

function lineOf({ control, what, expected, got, verdict }: Row): string {
  const cells = [control, what, expected, got, marks[verdict]].map((text) => text.replaceAll('|', '\\|'))
  return `| ${cells.join(' | ')} |`
}
