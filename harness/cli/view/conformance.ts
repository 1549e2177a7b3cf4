import { styleText } from 'node:util'
import type { CaseResult, NamedCase } from '../../conform/suite.ts'
import { countOf, explain, explanationOf, notApplied, outcomes, type ConformReport } from '../../conform/report.ts'
import { visibleLine } from '../../core/visible.ts'
import { outputScreen } from '../output.ts'

const colours = { pass: 'green', fail: 'red', undecided: 'yellow', 'n/a': 'dim', error: 'magenta' } as const
const widest = 'undecided'.length
const indent = ' '.repeat(widest + 4)

/** What became of a case, its name, and why; below a failure what was asked, what came, what must come, and how to ask again. */
export function caseLines(result: CaseResult, known: readonly NamedCase[]): readonly string[] {
  const { outcome, reason } = result
  const why = reason === undefined ? '' : `: ${visibleLine(reason)}`
  const lines = outcome === 'fail' ? explanationOf(explain('', [result], known).cases[0]!) : []
  return [
    `  ${marked(outcome)}  ${result.case}${why}`,
    ...lines.map(([what, text]) => `${indent}${what.padEnd('asked'.length)}  ${visibleLine(text)}`),
  ]
}

/** What does not apply, by its reason, and `polling: 31 pass, 0 fail, 0 undecided, 22 n/a, 0 error`. */
export function summaryLines(report: ConformReport): readonly string[] {
  const counts = outcomes.map((outcome) => `${countOf(report, outcome)} ${outcome}`).join(', ')
  const skipped = notApplied(report).map(({ count, names, reason }) => {
    return `  ${marked('n/a')}  ${names.join(', ')} (${count}): ${visibleLine(reason)}`
  })
  return [...skipped, `${report.name}: ${counts}`]
}

function marked(outcome: CaseResult['outcome']): string {
  const mark = outcome.padEnd(widest)
  return outputScreen().colour ? styleText(colours[outcome], mark) : mark
}
