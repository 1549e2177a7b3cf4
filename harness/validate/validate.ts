import { type Lab, type LabOptions, openLab, type Study } from './lab.ts'
import type { Row } from './row.ts'
import burners from './studies/burners.ts'
import edits from './studies/edits.ts'
import exact from './studies/exact.ts'
import kills from './studies/kills.ts'
import loss from './studies/loss.ts'
import pauses from './studies/pauses.ts'
import scale from './studies/scale.ts'
import timing from './studies/timing.ts'
import type { Environment } from '../model/results.ts'

/** In the order in which they are carried out. */
export const studies: readonly Study[] = [exact, timing, pauses, loss, kills, scale, edits, burners]

export interface ValidateOptions extends LabOptions {
  /** Only the studies that have one of these controls; all of them otherwise. */
  readonly only?: ReadonlySet<string>
  readonly onStudy: (study: Study) => void
  readonly onRow: (row: Row) => void
}

/** A machine that was busy for a moment is asked again; one that stays so gives no measurement. */
const attempts = 3

/** Put everything whose truth is known through the real path. Resolves with one row per control, in order. */
export async function validate(options: ValidateOptions): Promise<readonly Row[]> {
  const lab = openLab(options)
  const rows: Row[] = []
  for (const study of studies) {
    const wanted = Object.keys(study.controls).filter((control) => options.only?.has(control) ?? true)
    if (wanted.length === 0) continue
    options.onStudy(study)
    const found = (await carryOut(study, lab, options)).filter(({ control }) => wanted.includes(control))
    for (const row of found) options.onRow(row)
    rows.push(...found)
  }
  return rows
}

async function carryOut(study: Study, lab: Lab, { onProgress }: ValidateOptions): Promise<readonly Row[]> {
  for (let attempt = 1; ; attempt++) {
    const rows = await study.run(lab)
    const busy = rows.find(({ verdict }) => verdict === 'unmeasured')
    if (attempt === attempts || !busy) return rows
    onProgress({ kind: 'note', text: `once more, since the machine was busy: ${busy.control}: ${busy.got}` })
  }
}

interface PageFacts {
  readonly quick: boolean
  readonly seed: number
  readonly environment: Environment
}

const marks: Readonly<Record<Row['verdict'], string>> = { hit: 'yes', miss: '**no**', unmeasured: 'not measured' }

const elsewhere = '## False alarms'

/** What a page has that a validation does not measure: it stays when the page is written anew. */
export function measuredElsewhere(page: string): string {
  const from = page.indexOf(`\n${elsewhere}`)
  return from < 0 ? '' : page.slice(from)
}

/** `docs/validity.md`: what was known to be true, what was reported, and what cannot be seen on this machine. */
export function validityPage(
  rows: readonly Row[],
  { quick, seed, environment }: PageFacts,
  measuredElsewhere = '',
): string {
  const { startedAt, cpu, cores, node, outlast } = environment
  const misses = rows.filter(({ verdict }) => verdict !== 'hit').length
  return `# Validity

What \`npx outlast validate${quick ? ' --quick' : ''}\` found on ${startedAt.slice(0, 10)}: outlast ${outlast}, Node ${node}, ${cores} cores of ${cpu}, seed ${seed}.
The command writes this part anew; another machine has other numbers.

Every row is a system, a fault or a record that is wrong by a known amount. It went the way that a pattern goes: planned, deployed
as processes, put under load, recorded, judged. ${misses === 0 ? `All ${rows.length} rows are as expected.` : `${misses} of ${rows.length} rows are not as expected.`}

## What cannot be seen here

${resolutionOf(rows)}

## Known truth

| control | what was done | expected | got | as expected |
| --- | --- | --- | --- | --- |
${rows.map(lineOf).join('\n')}
${measuredElsewhere}`
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
