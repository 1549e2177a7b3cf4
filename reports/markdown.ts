import { summarizeNotApplicable } from '../harness/model/plan-remarks.ts'
import { unmeasuredBy } from '../harness/model/verification.ts'
import { allVisible } from '../harness/core/visible.ts'
import type { Claim } from '../harness/model/judgements.ts'
import type { CellResult, RunResults } from '../harness/model/results.ts'
import { caveatsOf } from './caveats.ts'
import { comparisonMeaning, firstPatternTable } from './compare.ts'
import { diskSentence } from './disk.ts'
import { factorialRows, factorialsOf } from './factorial.ts'
import { gateInterval, gateLimit, gateName, gateObserved, gateVerdict } from './gates.ts'
import { count, duration, percent, neededText, plural, bracketsMeaning } from './numbers.ts'
import { recoveryHeads, recoveryMeaning, recoveryRows } from './recovery.ts'
import { cellFields, cellHeads } from './summary-table.ts'
import { headline, legend, promisesLine, verdictMeaning } from './outcomes.ts'
import { armGroups } from './arm-groups.ts'
import type { SideTable } from './side-table.ts'
import { sideTables } from './side-tables.ts'

/** A section of the report. Each of its texts is whole by itself: it may be left out, and what remains is still Markdown. */
export type MarkdownPart = readonly string[]

/** What a report in Markdown has, in its order. Text from runs is escaped. */
export function markdownParts(raw: RunResults) {
  const results = allVisible(raw)
  const { plan, verdict, environment } = results
  const facts = [`seed ${plan.seed}`, `runtime ${plan.runtime}`, plural(plan.cells.length, 'cell')]
  return {
    head: [
      `## ${verdict}: ${escape(plan.scenario)}`,
      `${escape(plan.question)}  \n${facts.join(' · ')}`,
      [`${verdict}: ${verdictMeaning(results)}.`, headline(results), promisesLine(results)]
        .filter((line) => line !== undefined)
        .join('  \n'),
    ],
    reasons: [
      list(results.reasons.slice(0, mostReasons)),
      folded('More reasons', list(results.reasons.slice(mostReasons))),
    ],
    cells: armGroups(results)
      .filter(({ cells }) => cells.length > 0)
      .map(({ arm, cells }) => `### under ${escape(arm)}\n\n${cellTable(results, cells)}`),
    legend: [results.cells.length > 0 ? escape(`${legend} ${bracketsMeaning}`) : ''],
    unmeasured: [list(unmeasuredBy(results.verification).map(({ pattern, reason }) => `${pattern}: ${reason}`))],
    figures: [factorial(results), recovery(results), ...sideTables(results).map(sideTable), comparison(results)],
    disk: [diskSentence(results) ?? ''],
    gates: [gates(results)],
    claims: [claims(results)],
    caveats: [folded('When not to trust this', list(caveatsOf(results)))],
    setting: [
      folded('What it ran on', list(Object.entries(environment.runtime).map(([what, told]) => `${what}: ${told}`))),
      folded('Not applicable', list(summarizeNotApplicable(plan).map(({ what, why }) => `${what}: ${why}`))),
    ],
  } satisfies Readonly<Record<string, MarkdownPart>>
}

/** Shown unfolded. */
const mostReasons = 8

function cellTable(results: RunResults, cells: readonly CellResult[]): string {
  return table(
    cellHeads,
    cells.map((cell) => cellFields(results, cell)),
  )
}

function sideTable({ head, heads, rows, meaning }: SideTable): string {
  return `### ${head}\n\n${table(heads, rows)}\n\n${escape(meaning)}`
}

function factorial(results: RunResults): string {
  const found = factorialsOf(results)
  if (found.length === 0) return ''
  const heads = ['under', 'delivery', ...found[0]!.engines]
  return `### Success, delivery by engine\n\n${table(heads, factorialRows(found))}`
}

function recovery(results: RunResults): string {
  const rows = recoveryRows(results)
  return rows.length === 0 ? '' : `### Recovery\n\n${table(recoveryHeads, rows)}\n\n${escape(recoveryMeaning)}`
}

function comparison(results: RunResults): string {
  const found = firstPatternTable(results)
  if (!found) return ''
  const parts = [
    `### Against ${escape(found.first)}, the first pattern`,
    found.rows.length > 0 ? `${table(found.heads, found.rows)}\n\n${escape(comparisonMeaning)}` : '',
    list(found.notes),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function gates({ gates: all }: RunResults): string {
  if (all.length === 0) return ''
  const rows = all.map((result) => [
    `${gateName(result.gate)} ${gateLimit(result.gate)}`,
    gateObserved(result),
    gateInterval(result),
    result.needed ? `${count(result.n)} (${neededText(result.needed)} needed)` : count(result.n),
    gateVerdict(result),
  ])
  return `### Gates\n\n${table(['gate', 'observed', '95 % interval', 'tasks', 'verdict'], rows)}`
}

function claims({ claims: all }: RunResults): string {
  if (all.length === 0) return ''
  const heads = ['claim', 'published', 'predicted', 'measured', '95 % interval', 'verdict']
  return `### Published, predicted, measured\n\n${table(heads, all.map(claimRow))}`
}

function claimRow(claim: Claim): readonly string[] {
  const show = (value: number | undefined): string =>
    value === undefined ? '–' : claim.metric === 'success' ? percent(value) : duration(value)
  return [
    `${claim.pattern} under ${claim.arm}: ${claim.metric} (${claim.source})`,
    show(claim.published),
    show(claim.predicted),
    show(claim.measured),
    claim.interval ? `[${claim.interval.map(show).join(', ')}]` : '–',
    claim.verdict,
  ]
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => escape(cell, '*')).join(' | ')} |`
  return [line(heads), `|${heads.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

function list(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${escape(sentence)}`).join('\n')
}

function folded(summary: string, body: string): string {
  return body === '' ? '' : `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`
}

/** Text from scenarios must not become markup; `allowed` holds characters that this file itself uses as such. */
function escape(text: string, allowed = ''): string {
  return text
    .replaceAll('\n', ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_~{}|#]/g, (character) => (allowed.includes(character) ? character : `\\${character}`))
    .replaceAll(linkEnd, String.raw`\]`)
}

/** Without it there is no link, no image and no address for one; the brackets of an interval stay as they are. */
const linkEnd = /\](?=[([:])/g
