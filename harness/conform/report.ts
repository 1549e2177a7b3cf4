import type { Named } from '../core/discover.ts'
import type { CaseResult, NamedCase } from './suite.ts'

/** What became of a pattern or a service, case by case, with what each case is about. */
export interface ConformReport {
  readonly name: string
  readonly cases: readonly ReportedCase[]
}

/** `proves` and `source` are undefined for what is no case: that it could not be started. */
export type ReportedCase = CaseResult & { readonly proves?: string | undefined; readonly source?: string | undefined }

/** Default export of a file in `formats/`: all results as one document. */
export interface ConformFormat extends Named {
  render(reports: readonly ConformReport[]): string
}

export const outcomes = [
  'pass',
  'fail',
  'undecided',
  'n/a',
  'error',
] as const satisfies readonly CaseResult['outcome'][]

export function explain(name: string, results: readonly CaseResult[], known: readonly NamedCase[]): ConformReport {
  const about = new Map(known.map((one) => [one.id, one]))
  const cases = results.map((result) => {
    const { proves, source } = about.get(result.case) ?? {}
    return { ...result, proves, source }
  })
  return { name, cases }
}

/** How many cases had each outcome. */
export function countOf({ cases }: ConformReport, outcome: CaseResult['outcome']): number {
  return cases.filter((one) => one.outcome === outcome).length
}

/** What a failure says beside its reason, line by line: what was asked, what came, what must come, and how to ask again. */
export function explanationOf({ evidence, proves, source }: ReportedCase): readonly (readonly [string, string])[] {
  return [
    ...(evidence ? [['asked', evidence.asked] as const, ['came', evidence.came] as const] : []),
    ...(proves === undefined ? [] : [['must', `${proves} (${source})`] as const]),
    ...(evidence ? [['again', evidence.curl] as const] : []),
  ]
}

/** Cases that do not apply for one reason. */
export interface NotApplied {
  readonly reason: string
  /** Names of cases, or of a whole group: `clients/*`. */
  readonly names: readonly string[]
  readonly count: number
}

export function notApplied({ cases }: ConformReport): readonly NotApplied[] {
  const byReason = Map.groupBy(
    cases.filter(({ outcome }) => outcome === 'n/a'),
    ({ reason = 'without a reason' }) => reason,
  )
  return [...byReason].map(([reason, all]) => {
    return {
      reason,
      count: all.length,
      names: shorten(
        all.map((one) => one.case),
        cases.map((one) => one.case),
      ),
    }
  })
}

/** A group of which all cases are among these is named once. */
function shorten(names: readonly string[], all: readonly string[]): readonly string[] {
  const groupOf = (name: string): string => name.split('/')[0]!
  const isWhole = (group: string): boolean => {
    const members = all.filter((name) => groupOf(name) === group)
    return members.length > 1 && members.every((name) => names.includes(name))
  }
  return [...new Set(names.map((name) => (isWhole(groupOf(name)) ? `${groupOf(name)}/*` : name)))]
}
