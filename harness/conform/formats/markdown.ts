import { visibleLine } from '../../core/visible.ts'
import { countOf, explanationOf, notApplied, outcomes, type ConformFormat, type ConformReport } from '../report.ts'

export default {
  name: 'markdown',
  summary: 'Markdown, for a pull request or a job summary',
  render: (reports) => [`# Conformance`, ...reports.flatMap((report) => sectionOf(report)), ''].join('\n'),
} satisfies ConformFormat

function sectionOf(report: ConformReport): readonly string[] {
  const counts = outcomes.map((outcome) => `${countOf(report, outcome)} ${outcome}`).join(', ')
  const marked = (['fail', 'undecided', 'error'] as const).flatMap((outcome) => listOf(report, outcome))
  const skipped = notApplied(report).map(({ count, names, reason }) => {
    return `- ${count} n/a, ${names.map(code).join(', ')}: ${prose(reason)}`
  })
  return ['', `## ${prose(report.name)}`, '', `${counts}.`, ...marked, ...(skipped.length > 0 ? ['', ...skipped] : [])]
}

function listOf(report: ConformReport, outcome: (typeof outcomes)[number]): readonly string[] {
  const those = report.cases.filter((one) => one.outcome === outcome)
  return those.flatMap((one) => {
    const lines =
      outcome === 'fail' ? explanationOf(one).map(([what, text]) => `${what.padEnd(5)}  ${visibleLine(text)}`) : []
    const block = lines.length > 0 ? ['', '```', ...lines.map((line) => line.replaceAll('```', "'''")), '```'] : []
    return ['', `**${outcome}** ${code(one.case)}: ${prose(one.reason ?? '')}`, ...block]
  })
}

function code(text: string): string {
  return `\`${visibleLine(text).replaceAll('`', "'")}\``
}

/** Text of a service is text, and neither markup nor HTML. */
function prose(text: string): string {
  return visibleLine(text).replaceAll(/[\\`*_[\]<>|#&]/g, String.raw`\$&`)
}
