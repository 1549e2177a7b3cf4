import { summarizeNotApplicable } from '../../harness/model/plan-remarks.ts'
import { unmeasuredBy } from '../../harness/model/verification.ts'
import { allVisible, toAscii } from '../../harness/core/visible.ts'
import type { Claim, GateResult } from '../../harness/model/judgements.ts'
import type { RunResults } from '../../harness/model/results.ts'
import { caveatsOf } from '../caveats.ts'
import { comparisonColumns, comparisonMeaning, firstPatternTable } from '../compare.ts'
import { diskSentence } from '../disk.ts'
import { factorialRows, factorialsOf } from '../factorial.ts'
import { plainScreen, type Format } from '../format.ts'
import { gateInterval, gateName, gateObserved, gateVerdict, plainGateLimit } from '../gates.ts'
import { count, duration, percent, neededText, plural, bracketsMeaning } from '../numbers.ts'
import { recoveryHeads, recoveryMeaning, recoveryRows } from '../recovery.ts'
import { firstTable } from '../summary-table.ts'
import { headline, legend, promisesLine, verdictMeaning } from '../outcomes.ts'
import type { SideTable } from '../side-table.ts'
import { sideTables } from '../side-tables.ts'
import { type Column, type Screen, type TableRow, textTable, wrap } from '../../harness/core/text-table.ts'

export default {
  name: 'terminal',
  summary: 'tables for a screen; plain ASCII where there is none',
  output: 'screen',
  usual: true,
  extension: 'txt',
  render(raw, screen = plainScreen) {
    const results = allVisible(raw)
    const parts = [
      title(results, screen),
      ...headlines(results, screen),
      cellTable(results, screen),
      ...factorial(results, screen),
      ...recovery(results, screen),
      ...sideTables(results).flatMap((one) => sideTable(one, screen)),
      ...comparison(results, screen),
      ...ranOn(results, screen),
      ...notApplicable(results, screen),
      ...section('Gates', gateTable(results.gates, screen), screen),
      ...section('Claims', claimTable(results.claims, screen), screen),
      ...bullets('When not to trust this', caveatsOf(results), screen),
      ...bullets('Why', results.reasons, screen),
      verdictLine(results, screen),
    ]
    const text = `${parts.join('\n\n')}\n`
    return screen.unicode ? text : toAscii(text)
  },
} satisfies Format

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36 } as const
type Colour = keyof typeof codes

function paint(text: string, name: Colour | undefined, { colour }: Screen): string {
  return colour && name ? `\u001B[${codes[name]}m${text}\u001B[0m` : text
}

const verdictColours: Readonly<Record<string, Colour>> = {
  PASS: 'green',
  FAIL: 'red',
  INCONCLUSIVE: 'yellow',
  INVALID: 'magenta',
  kept: 'green',
  broken: 'red',
  'not tested': 'yellow',
  consistent: 'green',
  refuted: 'red',
  underpowered: 'yellow',
}

function title({ plan }: RunResults, screen: Screen): string {
  const facts = [`seed ${plan.seed}`, `runtime ${plan.runtime}`, plural(plan.cells.length, 'cell')]
  if (plan.timeScale !== 1) facts.push(`time compressed ${plan.timeScale}x`)
  const question = wrap(plan.question, screen.columns, '')
  const [name, line] = [paint(plan.scenario, 'bold', screen), facts.join(' · ')]
  const isShort = plan.scenario.length + 3 + line.length <= screen.columns
  return `${name}${isShort ? ' · ' : '\n'}${line}\n${question}`
}

function cellTable(results: RunResults, screen: Screen): string {
  const { columns, rows } = firstTable(results, screen.columns)
  const lines = [legend, bracketsMeaning].map((line) => wrap(`  ${line}`, screen.columns, '  '))
  return `${withPaint(columns, rows, screen)}\n${paint(lines.join('\n'), 'dim', screen)}`
}

function headlines(results: RunResults, screen: Screen): readonly string[] {
  const lines = [headline(results), promisesLine(results)].flatMap((line) => line ?? [])
  return lines.length === 0 ? [] : [lines.map((line) => wrap(`  ${line}`, screen.columns, '  ')).join('\n')]
}

/** The last column holds the verdict and gets its colour. */
function withPaint(columns: readonly Column[], rows: readonly TableRow[], screen: Screen): string {
  return textTable(columns, rows, screen, (text, column, row) => {
    if (row < 0) return paint(text, 'dim', screen)
    return column === columns.length - 1 ? paint(text, verdictColours[text.trim().replace(/ \(.*/, '')], screen) : text
  })
}

function factorial(results: RunResults, screen: Screen): readonly string[] {
  const found = factorialsOf(results)
  if (found.length === 0) return []
  const columns = ['under', 'delivery', ...found[0]!.engines].map((head): Column => ({ head, align: 'left', spare: 0 }))
  const table = textTable(columns, factorialRows(found), screen)
  return section('Success, delivery by engine', table, screen)
}

const recoveryColumns = recoveryHeads.map((head, i): Column => {
  const left = ['under', 'pattern', 'went on', 'service restored'].includes(head)
  return { head, align: left ? 'left' : 'right', spare: [0, 0, 3, 5, 0, 4, 1, 2, 0][i]! }
})

function recovery(results: RunResults, screen: Screen): readonly string[] {
  const rows = recoveryRows(results)
  if (rows.length === 0) return []
  const table = withPaint(recoveryColumns, ruled(rows), screen)
  const meaning = paint(wrap(`  ${recoveryMeaning}`, screen.columns, '  '), 'dim', screen)
  return section('Recovery', `${table}\n${meaning}`, screen)
}

function comparison(results: RunResults, screen: Screen): readonly string[] {
  const found = firstPatternTable(results)
  if (!found) return []
  const table = textTable(comparisonColumns(found.heads), found.rows, screen)
  const lines = [
    ...(found.rows.length > 0
      ? [table, paint(wrap(`  ${comparisonMeaning}`, screen.columns, '  '), 'dim', screen)]
      : []),
    ...found.notes.map((text) => wrap(`  ${text}`, screen.columns, '    ')),
  ]
  return section(`Against ${found.first}, the first pattern`, lines.join('\n'), screen)
}

/** Words are on the left: names, and shares with their intervals. */
function sideTable({ head, heads, rows, meaning, spares = [] }: SideTable, screen: Screen): readonly string[] {
  const columns = heads.map((name, i): Column => {
    return { head: name, align: toTheLeft.has(name) ? 'left' : 'right', spare: spares[i] ?? 0 }
  })
  const told = paint(wrap(`  ${meaning}`, screen.columns, '  '), 'dim', screen)
  return section(head, `${withPaint(columns, ruled(rows), screen)}\n${told}`, screen)
}

const toTheLeft: ReadonlySet<string> = new Set(['under', 'pattern', 'fault', 'one alone', 'never two at once'])

/** A rule before every row that begins something new. */
function ruled(rows: readonly (readonly string[])[]): readonly TableRow[] {
  return rows.flatMap((row, i): TableRow[] => (i > 0 && row[0] !== '' ? ['rule', row] : [row]))
}

function ranOn(results: RunResults, screen: Screen): readonly string[] {
  const disk = diskSentence(results)
  return disk === undefined ? [] : [wrap(`  ${disk}`, screen.columns, '  ')]
}

function notApplicable(results: RunResults, screen: Screen): readonly string[] {
  const broken = unmeasuredBy(results.verification).map(({ pattern, reason }) => `  null ${pattern}: ${reason}`)
  const others = summarizeNotApplicable(results.plan).map(({ what, why }) => `  n/a  ${what}: ${why}`)
  const lines = [...broken, ...others].map((line) => wrap(line, screen.columns, '       '))
  return lines.length > 0 ? [lines.join('\n')] : []
}

const gateColumns: readonly Column[] = [
  { head: 'gate', align: 'left', spare: 0 },
  { head: 'limit', align: 'right', spare: 0 },
  { head: 'observed', align: 'right', spare: 0 },
  { head: '95% interval', align: 'left', spare: 1 },
  { head: 'n', align: 'right', spare: 2 },
  { head: 'needed', align: 'right', spare: 3 },
  { head: 'verdict', align: 'left', spare: 0 },
]

function gateTable(gates: readonly GateResult[], screen: Screen): string | undefined {
  if (gates.length === 0) return undefined
  const rows = gates.map((result) => [
    gateName(result.gate),
    plainGateLimit(result.gate),
    gateObserved(result),
    gateInterval(result),
    count(result.n),
    neededText(result.needed),
    gateVerdict(result),
  ])
  return withPaint(gateColumns, rows, screen)
}

const claimColumns: readonly Column[] = [
  { head: 'claim', align: 'left', spare: 0 },
  { head: 'published', align: 'right', spare: 0 },
  { head: 'predicted', align: 'right', spare: 1 },
  { head: 'measured', align: 'right', spare: 0 },
  { head: '95% interval', align: 'left', spare: 2 },
  { head: 'n', align: 'right', spare: 3 },
  { head: 'published by', align: 'left', spare: 9 },
  { head: 'verdict', align: 'left', spare: 0 },
]

function claimTable(claims: readonly Claim[], screen: Screen): string | undefined {
  if (claims.length === 0) return undefined
  const rows = claims.map((claim) => {
    const show = (value: number | undefined): string =>
      value === undefined ? '-' : claim.metric === 'success' ? percent(value) : duration(value)
    const interval = claim.interval && claim.interval.map(show).join(', ')
    return [
      `${claim.pattern} under ${claim.arm}: ${claim.metric}`,
      show(claim.published),
      show(claim.predicted),
      show(claim.measured),
      interval ? `[${interval}]` : '-',
      count(claim.n),
      claim.source,
      claim.verdict,
    ]
  })
  return withPaint(claimColumns, rows, screen)
}

function section(head: string, body: string | undefined, screen: Screen): readonly string[] {
  return body === undefined ? [] : [`${paint(head, 'bold', screen)}\n${body}`]
}

/** The rest would push the verdicts off the screen. */
const mostSentences = 8

function bullets(head: string, sentences: readonly string[], screen: Screen): readonly string[] {
  const shown = sentences.length > mostSentences + 1 ? sentences.slice(0, mostSentences) : sentences
  const lines = shown.map((sentence) => wrap(`  - ${sentence}`, screen.columns, '    '))
  if (shown.length < sentences.length) lines.push(`  and ${sentences.length - shown.length} more: see the report`)
  return section(head, lines.length > 0 ? lines.join('\n') : undefined, screen)
}

function verdictLine(results: RunResults, screen: Screen): string {
  const { verdict } = results
  const indent = ' '.repeat(verdict.length + 2)
  const meaning = wrap(`${indent}${verdictMeaning(results)}`, screen.columns, indent).slice(verdict.length)
  return `${paint(verdict, verdictColours[verdict], screen)}${paint(meaning, 'dim', screen)}`
}
