import { visible } from './visible.ts'

/**
 * JUnit XML, as CI servers read it. There is no standard. What is written here is what the schema of Jenkins' xUnit plugin
 * (`junit-10.xsd`) allows and GitLab reads: hence no property outside of a suite, and no `skipped` outside of one.
 */
export interface JunitSuite {
  readonly name: string
  /** ISO 8601 without a zone. */
  readonly timestamp?: string
  readonly properties?: Readonly<Record<string, string>>
  readonly cases: readonly JunitCase[]
}

export interface JunitCase {
  /** What readers group by, its parts with dots between them. */
  readonly classname: string
  readonly name: string
  readonly seconds?: number
  /** Absent: it passed. */
  readonly mark?: JunitMark
}

export interface JunitMark {
  readonly kind: 'failure' | 'error' | 'skipped'
  readonly message: string
  /** A word for the kind of it, which some readers show. */
  readonly type?: string
  /** What a reader unfolds. */
  readonly text?: string
}

export function junitDocument(name: string, suites: readonly JunitSuite[]): string {
  const { skipped: _, ...all } = totals(suites.flatMap(({ cases }) => cases))
  const body = suites.flatMap((suite) => suiteLines(suite))
  const root = `<testsuites ${attributes({ name, ...all })}>`
  return `${['<?xml version="1.0" encoding="UTF-8"?>', root, ...body, '</testsuites>'].join('\n')}\n`
}

function suiteLines({ name, timestamp, properties, cases }: JunitSuite): readonly string[] {
  const head = attributes({ name, ...totals(cases), ...(timestamp !== undefined && { timestamp }) })
  return [`<testsuite ${head}>`, ...propertyLines(properties), ...cases.flatMap(caseLines), '</testsuite>']
}

function propertyLines(properties: JunitSuite['properties']): readonly string[] {
  if (!properties) return []
  const lines = Object.entries(properties).map(([name, value]) => `<property ${attributes({ name, value })}/>`)
  return ['<properties>', ...lines, '</properties>']
}

function caseLines({ classname, name, seconds, mark }: JunitCase): readonly string[] {
  const named = attributes({ classname, name, ...(seconds !== undefined && { time: seconds.toFixed(3) }) })
  return mark ? [`<testcase ${named}>`, markLine(mark), '</testcase>'] : [`<testcase ${named}/>`]
}

function markLine({ kind, message, type, text }: JunitMark): string {
  const head = `${kind} ${attributes({ message, ...(type !== undefined && { type }) })}`
  return text === undefined ? `<${head}/>` : `<${head}>${escaped(text)}</${kind}>`
}

function totals(cases: readonly JunitCase[]): Readonly<Record<'tests' | 'failures' | 'errors' | 'skipped', string>> {
  const of = (kind: JunitMark['kind']): string => String(cases.filter(({ mark }) => mark?.kind === kind).length)
  return { tests: String(cases.length), failures: of('failure'), errors: of('error'), skipped: of('skipped') }
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escaped(value).replaceAll('\n', '&#10;')}"`)
    .join(' ')
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** XML 1.0 has no control characters, and no halves of a surrogate pair. */
function escaped(text: string): string {
  return visible(text.toWellFormed())
    .replaceAll(/[&<>"]/g, (char) => entities[char]!)
    .replaceAll(/[\uFFFE\uFFFF]/g, '\uFFFD')
}
