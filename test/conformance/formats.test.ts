import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { discover } from '../../harness/core/discover.ts'
import type { RunResults } from '../../harness/model/results.ts'
import { compareWithFirst } from '../../harness/verdict/compare.ts'
import type { Format } from '../../reports/format.ts'
import { study } from '../unit/reports/study.ts'

const formats = await discover<Format>(new URL('../../reports/formats/', import.meta.url))
const small = excerpt(study(12))
/** The others are files for programs, whose own readers their tests use. */
const texts = [...formats.values()].filter((format) => typeof format.render(small) === 'string')
const textOf = (format: Format, results: RunResults): string => format.render(results) as string
const golden = new URL('golden/', import.meta.url)

/** Keeps the golden files small enough to read in a diff: three patterns, and the cells with a verdict of their own. */
function excerpt(results: RunResults): RunResults {
  const kept = new Set(['webhook', 'durable-restate', 'durable-postgres'])
  const keep = (id: string): boolean =>
    /^(polling|sync)\.latency/.test(id) || (kept.has(id.split('.')[0]!) && !id.includes('idle-timeout'))
  const cells = results.cells.filter(({ cell }) => keep(cell.id))
  const plan = { ...results.plan, cells: cells.map(({ cell }) => cell) }
  return { ...results, cells, plan, comparisons: compareWithFirst(plan, cells) }
}

/** A run that ended before anything happened. */
const nothing: RunResults = {
  ...small,
  plan: { ...small.plan, cells: [], notApplicable: [] },
  cells: [],
  claims: [],
  comparisons: [],
  gates: [],
  verdict: 'INVALID',
  reasons: [],
}

/** Every text of a run can hold anything: a task that failed quotes what it got. */
const hostile = '<script>alert(1)</script> & "quoted" | piped ` ticked'
const rude: RunResults = {
  ...small,
  plan: { ...small.plan, question: hostile, scenario: hostile },
  reasons: [hostile],
  cells: small.cells.map((cell) => ({ ...cell, reasons: [hostile], cell: { ...cell.cell, pattern: hostile } })),
  comparisons: small.comparisons!.map((one) => ({
    ...one,
    first: { ...one.first, pattern: hostile },
    second: { ...one.second, pattern: hostile, arm: hostile },
    leftOut: [hostile],
  })),
}

test.each(texts)('$name renders the study as it always did', async (format) => {
  await expect(textOf(format, small)).toMatchFileSnapshot(new URL(`study.${format.extension}.golden`, golden).pathname)
})

test.each([...formats.values()])('$name is pure: the same results, the same text, and nothing changed', (format) => {
  const before = structuredClone(small)
  expect(format.render(small)).toEqual(format.render(small))
  expect(small).toEqual(before)
})

test.each([...formats.values()])('$name renders a run in which nothing happened', (format) => {
  expect(format.render(nothing).length).toBeGreaterThan(0)
})

test.each(texts)('$name renders it without half-made numbers', (format) => {
  const text = textOf(format, nothing)
  // A table with a row for each of what there is has its heads alone then.
  if (text.trimEnd().includes('\n')) expect(text).toContain('INVALID')
  expect(text).not.toMatch(/NaN|undefined|Infinity/)
})

test.each(texts)('$name says the verdict and no half-made number', (format) => {
  const text = textOf(format, small)
  expect(text).toContain('FAIL')
  expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/)
})

test.each(texts)('$name ends with a newline', (format) => {
  expect(textOf(format, small)).toMatch(/[^\n]\n$/)
})

test.each([...formats.values()])('$name has a summary', (format) => {
  expect(format.summary).not.toBe('')
})

test('html keeps what a run says from becoming markup, and asks for nothing', () => {
  const page = formats.get('html')!.render(rude)
  expect(page).not.toContain('<script')
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(page).not.toMatch(/(?:src|href)="(?!#|data:,")|url\(|@import|https?:/)
})

test('markdown keeps what a run says from becoming markup', () => {
  expect(formats.get('markdown')!.render(rude)).not.toContain('<script')
})

test('terminal output for a file is ASCII without escape sequences', () => {
  expect(formats.get('terminal')!.render(small)).toMatch(/^[\n\u0020-\u007E]*$/)
})

test('every golden file belongs to a format', async () => {
  const known = texts.map(({ extension }) => `study.${extension}.golden`)
  expect((await readdir(golden)).toSorted()).toEqual(known.toSorted())
})
