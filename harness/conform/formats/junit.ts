import { visible } from '../../core/visible.ts'
import { countOf, explanationOf, type ConformFormat, type ConformReport, type ReportedCase } from '../report.ts'

/**
 * As CI servers read it. There is no standard; this is what the JUnit readers of Jenkins and GitLab have in common. A case
 * that is undecided, or defect, is an `error`: it must not look like one that holds.
 */
export default {
  name: 'junit',
  summary: 'JUnit XML, for CI servers',
  render: (reports) => {
    const suites = reports.flatMap((report) => suiteOf(report))
    const all = attributes({ name: 'outlast conform', ...sum(reports) })
    return ['<?xml version="1.0" encoding="UTF-8"?>', `<testsuites ${all}>`, ...suites, '</testsuites>'].join('\n')
  },
} satisfies ConformFormat

function suiteOf(report: ConformReport): readonly string[] {
  const cases = report.cases.flatMap((one) => caseOf(report.name, one))
  return [`<testsuite ${attributes({ name: report.name, ...sum([report]) })}>`, ...cases, '</testsuite>']
}

function caseOf(suite: string, one: ReportedCase): readonly string[] {
  const [group, ...rest] = one.case.split('/')
  const time = ((one.tookMs ?? 0) / 1000).toFixed(3)
  const named = attributes({ classname: `${suite}.${group}`, name: rest.join('/') || group!, time })
  return one.outcome === 'pass' ? [`<testcase ${named}/>`] : [`<testcase ${named}>`, childOf(one), '</testcase>']
}

function childOf(one: ReportedCase): string {
  const { outcome, reason = '' } = one
  if (outcome === 'n/a') return `<skipped ${attributes({ message: reason })}/>`
  const element = outcome === 'fail' ? 'failure' : 'error'
  const lines = outcome === 'fail' ? explanationOf(one).map(([what, text]) => `${what}: ${text}`) : [reason]
  return `<${element} ${attributes({ message: reason, type: outcome })}>${escaped(lines.join('\n'))}</${element}>`
}

function sum(reports: readonly ConformReport[]): Record<string, string> {
  const count = (...of: readonly Parameters<typeof countOf>[1][]): string => {
    return String(
      reports.reduce((total, report) => total + of.reduce((part, one) => part + countOf(report, one), 0), 0),
    )
  }
  return {
    tests: count('pass', 'fail', 'undecided', 'n/a', 'error'),
    failures: count('fail'),
    errors: count('undecided', 'error'),
    skipped: count('n/a'),
  }
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(' ')
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** XML 1.0 has no control characters, and no halves of a surrogate pair. */
function escaped(text: string): string {
  return visible(text.toWellFormed())
    .replaceAll(/[&<>"]/g, (char) => entities[char]!)
    .replaceAll(/[\uFFFE\uFFFF]/g, '\uFFFD')
}
