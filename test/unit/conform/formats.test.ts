import { expect, test } from 'vitest'
import junit from '../../../harness/conform/formats/junit.ts'
import markdown from '../../../harness/conform/formats/markdown.ts'
import { explanationOf, notApplied, type ConformReport } from '../../../harness/conform/report.ts'
import { readCases, schemaProblems } from '../../support/junit.ts'

const evidence = {
  asked: 'GET http://a/v1/tasks/1',
  came: '404 text/html: "<h1>"',
  curl: `curl -is 'http://a/v1/tasks/1'`,
}
const report: ConformReport = {
  name: 'http://a',
  cases: [
    { case: 'reading/etag', outcome: 'pass', tookMs: 1234 },
    {
      case: 'reading/pages',
      outcome: 'fail',
      reason: 'it said <b>&"\u0007 ``` [x](y)',
      evidence,
      proves: 'pages are pages',
      source: 'docs/contract.md#reading',
    },
    { case: 'cancelling/race', outcome: 'undecided', reason: 'no race' },
    { case: 'clients/a', outcome: 'n/a', reason: 'no client' },
    { case: 'clients/b', outcome: 'n/a', reason: 'no client' },
    { case: 'reading/long-poll-bound', outcome: 'n/a', reason: 'no hold' },
  ],
}

test('JUnit counts what is undecided as an error, and has no character that XML has not', () => {
  const text = junit.render([report])
  expect(text).toContain('<testsuite name="http://a" tests="6" failures="1" errors="1" skipped="3">')
  expect(text).toContain('<testcase classname="http://a.reading" name="etag" time="1.234"/>')
  expect(text).toContain('message="it said &lt;b&gt;&amp;&quot;\\x07 ``` [x](y)" type="fail"')
  expect(text).toContain('came: 404 text/html: &quot;&lt;h1&gt;&quot;')
  expect(text).toContain('<error message="no race" type="undecided">')
  expect(text).toContain('<skipped message="no client"/>')
})

test('JUnit is valid by the schema, and a reader finds every case with its mark', async () => {
  const text = junit.render([report])
  expect(await schemaProblems(text)).toEqual([])
  const cases = await readCases(text)
  expect(cases.size).toBe(6)
  expect(cases.get('http://a.reading pages')!.failure![0]!.message).toBe('it said <b>&"\\x07 ``` [x](y)')
})

test('Markdown shows what a service says as text', () => {
  const text = markdown.render([report])
  expect(text).toContain('**fail** `reading/pages`: it said \\<b\\>\\&"\\\\x07 \\`\\`\\` \\[x\\](y)')
  expect(text).toContain("again  curl -is 'http://a/v1/tasks/1'")
  expect(text).toContain('- 2 n/a, `clients/*`: no client')
})

test('a failure says what was asked, what came, what must come, and how to ask again', () => {
  expect(explanationOf(report.cases[1]!)).toEqual([
    ['asked', evidence.asked],
    ['came', evidence.came],
    ['must', 'pages are pages (docs/contract.md#reading)'],
    ['again', evidence.curl],
  ])
})

test('what does not apply is grouped by its reason, and a whole group is named once', () => {
  expect(notApplied(report)).toEqual([
    { reason: 'no client', count: 2, names: ['clients/*'] },
    { reason: 'no hold', count: 1, names: ['reading/long-poll-bound'] },
  ])
})
