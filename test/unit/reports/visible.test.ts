import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { discover } from '../../../harness/core/discover.ts'
import type { RunResults } from '../../../harness/model/results.ts'
import type { Format } from '../../../reports/format.ts'
import { study } from './study.ts'

const formats = await discover<Format>(new URL('../../../reports/formats/', import.meta.url))
const esc = '\u001B'
const hostile = 'x\u001B[2J\u009B31m\u0007\u0000\r\u202E\u2028y'
/** What acts on a terminal or turns the text; the colours of a screen are ours and not among these. */
const acting = /(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u

/** Every text that somebody else may have written. */
function poisoned(): RunResults {
  const results = study(1)
  const { plan, environment } = results
  return {
    ...results,
    reasons: [hostile, ...results.reasons],
    record: [hostile],
    environment: {
      ...environment,
      deviations: [hostile],
      runtime: { engine: hostile, [hostile]: '1' },
      versions: { ...environment.versions, hono: hostile },
    },
    plan: {
      ...plan,
      scenario: hostile,
      question: hostile,
      notApplicable: [{ pattern: 'sync', arm: 'kill', reason: hostile }],
    },
    verification: {
      version: 1,
      patterns: [{ pattern: 'webhook', cases: [{ case: 'task/start', outcome: 'fail', reason: hostile }] }],
    },
    claims: results.claims.map((claim) => ({ ...claim, source: hostile, note: hostile })),
    cells: results.cells.map((cell) => ({
      ...cell,
      reasons: [hostile],
      faults: cell.faults.map((fault) => ({ ...fault, reason: hostile, target: [{ node: hostile }] })),
      checks: cell.checks.map((check) => ({ ...check, summary: hostile })),
    })),
  }
}

test.each([...formats.keys()].filter((name) => name !== 'parquet'))(
  '%s shows control characters, and obeys none',
  (name) => {
    const text = String(formats.get(name)!.render(poisoned()))
    expect(acting.exec(text)?.[0]).toBeUndefined()
    expect(text).toMatch(name === 'json' ? /\\u001b\[2J\\u009b31m/ : /\\+x1b\\?\[2J/)
  },
)

test('a terminal with colours gets our colours and no sequence of anybody else', () => {
  const text = String(formats.get('terminal')!.render(poisoned(), { columns: 100, colour: true, unicode: true }))
  expect(acting.exec(stripVTControlCharacters(text.replaceAll(`${esc}[2J`, 'obeyed\u0007')))?.[0]).toBeUndefined()
  expect(text).not.toContain('\u001B[2J')
})

test('markdown makes no link and no image of what a run says, and leaves intervals as they are', () => {
  const lure = '![x](http://127.0.0.1/a.png) ![2](http://127.0.0.1/b.png) [c]: http://127.0.0.1 ![c]'
  const { plan, ...results } = study(1)
  const text = formats.get('markdown')!.render({ ...results, reasons: [lure], plan: { ...plan, question: lure } })
  expect(text).not.toMatch(/(?<!\\)\][([:]/)
  expect(text).toContain('100% [2.5, 100]')
})
