import { expect, test } from 'vitest'
import type { RunResults } from '../../../harness/model/results.ts'
import { markdownParts } from '../../../reports/markdown.ts'
import { stepSummary } from '../../../reports/step-summary.ts'
import { study } from './study.ts'

const small = study(12)
const bytes = (text: string): number => new TextEncoder().encode(text).length

test('where there is room it has every part of the report, the verdict and its reasons first, then the gates', () => {
  const text = stepSummary(small, 1_000_000)
  for (const part of Object.values(markdownParts(small)).flat()) expect(text).toContain(part)
  expect(text).toMatch(/^## FAIL: fiction\n/)
  const places = ['effect-once is promised and broken', '### Gates', '### Published', '### under none']
  expect(places.map((one) => text.indexOf(one))).toEqual(
    places.map((one) => text.indexOf(one)).toSorted((a, b) => a - b),
  )
  expect(text).not.toContain('have no room')
})

test.each([1_000, 2_000, 5_000, 10_000])(
  'in %i bytes it has whole sections only, and says how many it lacks',
  (room) => {
    const text = stepSummary(small, room)
    expect(bytes(text)).toBeLessThanOrEqual(room)
    expect(text).toContain('## FAIL: fiction')
    expect(text).toMatch(/\n\*\d+ of \d+ sections have no room here: report\.md has them\.\*\n$/)
    expect(text.split('<details>').length).toBe(text.split('</details>').length)
  },
)

test.each(['ä', '€', '😀', '|'])('is never larger than its room, whatever a run says (%s)', (char) => {
  const long = char.repeat(300_000)
  const plan = { ...small.plan, scenario: long, question: long }
  const cells = Array.from({ length: 400 }, (_, i) => small.cells[i % small.cells.length]!)
  const results: RunResults = {
    ...small,
    plan,
    cells,
    reasons: Array.from({ length: 400 }, () => long.slice(0, 5_000)),
  }
  const text = stepSummary(results, 1_000_000)
  expect(bytes(text)).toBeLessThanOrEqual(1_000_000)
  expect(text.slice(0, 8)).toBe('## FAIL:')
  expect(text).toContain('### Gates')
  expect(text.isWellFormed()).toBe(true)
})
