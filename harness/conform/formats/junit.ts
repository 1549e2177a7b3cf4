import { junitDocument, type JunitCase, type JunitMark } from '../../core/junit.ts'
import { explanationOf, type ConformFormat, type ReportedCase } from '../report.ts'

/** A case that is undecided, or defect, is an `error`: it must not look like one that holds. */
export default {
  name: 'junit',
  summary: 'JUnit XML, for CI servers',
  render: (reports) => {
    const suites = reports.map(({ name, cases }) => ({ name, cases: cases.map((one) => caseOf(name, one)) }))
    return junitDocument('outlast conform', suites)
  },
} satisfies ConformFormat

function caseOf(suite: string, one: ReportedCase): JunitCase {
  const [group, ...rest] = one.case.split('/')
  const mark = markOf(one)
  return {
    classname: `${suite}.${group}`,
    name: rest.join('/') || group!,
    seconds: (one.tookMs ?? 0) / 1000,
    ...(mark && { mark }),
  }
}

function markOf(one: ReportedCase): JunitMark | undefined {
  const { outcome, reason: message = '' } = one
  if (outcome === 'pass') return undefined
  if (outcome === 'n/a') return { kind: 'skipped', message }
  if (outcome !== 'fail') return { kind: 'error', message, type: outcome, text: message }
  const text = explanationOf(one).map(([what, said]) => `${what}: ${said}`)
  return { kind: 'failure', message, type: outcome, text: text.join('\n') }
}
