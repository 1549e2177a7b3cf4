import { beforeAll, describe, expect, test } from 'vitest'
import type { RunResults } from '../../../harness/model/results.ts'
import { duration } from '../../../harness/core/amounts.ts'
import html from '../../../reports/formats/html.ts'
import { curves } from '../../../reports/html/curves.ts'
import { differences } from '../../../reports/html/differences.ts'
import { matrix } from '../../../reports/html/matrix.ts'
import { storyIndex, storyPages } from '../../../reports/html/stories.ts'
import { strip } from '../../../reports/html/strip.ts'
import { waterfall } from '../../../reports/html/waterfall.ts'
import { largeRun } from '../../support/large-run.ts'
import { study } from './study.ts'

let results: RunResults
beforeAll(() => {
  results = largeRun(1_200, [])
})

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

test('the waterfall has the figures of the results, and bars that are whole', () => {
  const { markup } = waterfall(results)!
  for (const { overhead } of results.cells) {
    const { typical, slowest } = overhead.breakdown!
    expect(markup).toContain(duration(typical.totalMs))
    expect(markup).toContain(duration(slowest.totalMs))
  }
  const bars = [...markup.matchAll(/<svg[^>]*class="whisker">(.*?)<\/svg>/g)].map(([, inside]) => inside!)
  expect(bars).toHaveLength(results.cells.length)
  for (const bar of bars) {
    const sum = [...bar.matchAll(/ width="([\d.]+)"/g)].reduce((total, [, width]) => total + Number(width), 0)
    // Two bars of 230, each part of which is rounded to hundredths.
    expect(sum).toBeGreaterThan(459.8)
    expect(sum).toBeLessThan(460.2)
  }
})

test('older results, which do not tell the parts apart, have no waterfall, no stories and no curve of takeover', () => {
  const old = study(40)
  expect(waterfall(old)).toBeUndefined()
  expect(storyIndex(old)).toBeUndefined()
  expect(storyPages(old)).toBeUndefined()
  for (const one of old.recovery) delete (one as { waiting?: unknown }).waiting
  expect(curves(old)!.markup).not.toContain('takeover under')
})

describe('curves', () => {
  test('fall, and end where the share without a result is', () => {
    const { markup } = curves(results)!
    const paths = [...markup.matchAll(/<path d="M52 ([\d.]+)((?:H[\d.]+V[\d.]+)*)H338"/g)]
    const patterns = new Set(results.cells.map(({ cell }) => cell.pattern)).size
    const waiting = results.recovery.filter((one) => one.waiting).length
    expect(paths).toHaveLength(2 * patterns + waiting)
    for (const [, top, steps] of paths) {
      const downs = [Number(top), ...[...steps!.matchAll(/V([\d.]+)/g)].map(([, y]) => Number(y))]
      expect(downs).toEqual(downs.toSorted((a, b) => a - b))
    }
  })

  test('name what they show of each pattern', () => {
    const cell = results.cells.find(({ cell: { id } }) => id === 'webhook-memory.kill.1')!
    const right = cell.outcomes.ok + cell.outcomes.late
    expect(curves(results)!.markup).toContain(`webhook-memory: ${right} of 100 tasks with the right result`)
  })

  test('leave out what is invalid', () => {
    const cells = results.cells.map((cell) => ({ ...cell, verdict: 'INVALID' as const }))
    expect(curves({ ...results, cells, recovery: [] })).toBeUndefined()
  })
})

test('every square of the matrix opens on what its faults did, and leads to the evidence', () => {
  const { markup } = matrix(results)
  expect(count(markup, /<details class="tile/g)).toBe(results.cells.length)
  for (const { cell, episodes } of results.cells) {
    expect(markup).toContain(`href="#cell-${cell.id}"`)
    if (episodes.length > 6) expect(markup).toContain(`href="#episodes-${cell.id}"`)
  }
  expect(html.render(results)).toContain(`id="episodes-webhook-memory.kill.1"`)
})

test('the strip has takeover and requests of every pattern; repetitions share their takeover', () => {
  const first = results.cells.find(({ cell: { id } }) => id === 'polling-durable.kill.1')!
  const second = { ...first, cell: { ...first.cell, id: 'polling-durable.kill.2', repetition: 2 } }
  const { markup } = strip({ ...results, cells: [...results.cells, second] })
  expect(markup).toContain((first.requests.requests / first.requests.tasks).toFixed(1))
  expect(count(markup, /data-label="Takeover" rowspan="2"/g)).toBe(1)
  expect(count(markup, /data-label="Takeover"/g)).toBe(results.cells.length)
})

test('differences show what the comparison found', () => {
  const { markup } = differences(results)!
  const told = results.comparisons!.filter(({ success }) => success)
  expect(count(markup, /<circle/g)).toBe(told.length)
  expect(differences({ ...results, comparisons: [] })).toBeUndefined()
})

describe('stories', () => {
  test('are pages that the index names, in as many lines as were told', () => {
    const stories = results.stories!
    expect(stories).toHaveLength(50)
    const pages = storyPages(results)!.markup
    const index = storyIndex(results)!.markup
    for (const { cell, task } of stories) {
      expect(pages).toContain(`id="task-${cell}-${task}"`)
      expect(index).toContain(`href="#task-${cell}-${task}"`)
    }
    expect(count(pages, /<tr class="by-/g)).toBe(stories.reduce((sum, { lines }) => sum + lines.length, 0))
  })

  test('say where lines are left out', () => {
    const [story] = results.stories!
    const shortened = { ...story!, leftOut: { after: 2, lines: 7 } }
    expect(storyPages({ ...results, stories: [shortened] })!.markup).toContain('7 lines left out')
  })

  test('stay text, whatever a task is called and a server says', () => {
    const hostile = '"><script>alert(1)</script>&\u202e'
    const stories = results.stories!.slice(0, 3).map((story) => ({
      ...story,
      task: hostile,
      cell: hostile,
      head: hostile,
      end: hostile,
      lines: story.lines.map((line) => ({ ...line, text: hostile })),
    }))
    const page = html.render({ ...results, stories })
    expect(page).not.toContain('<script')
    expect(page).not.toContain('\u202e')
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  })
})
