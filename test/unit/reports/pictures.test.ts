import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TaskRow } from '../../../harness/model/results.ts'
import { assignTracks, lifelines } from '../../../reports/html/lifelines.ts'
import { all, tag } from '../../../reports/html/markup.ts'
import { spread } from '../../../reports/html/scatter.ts'
import { study } from './study.ts'

const row = (intendedAt: number, idealMs: number, lateMs: number): TaskRow => ({
  ordinal: 0,
  task: 't',
  intendedAt,
  idealMs,
  seenAt: intendedAt + idealMs + lateMs,
  outcome: 'ok',
  exposed: false,
})

test('no two tasks share a track at one time, and there are no more tracks than tasks in flight', () => {
  const ms = fc.integer({ min: 0, max: 1000 })
  const tasks = fc.array(fc.tuple(ms, ms, ms), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(tasks, (times) => {
      const rows = times
        .map(([at, ideal, late]) => row(at, ideal + 1, late))
        .sort((a, b) => a.intendedAt - b.intendedAt)
      const tracks = assignTracks(rows, 0)
      const together = (a: TaskRow, b: TaskRow): boolean => a.intendedAt < b.seenAt! && b.intendedAt < a.seenAt!
      for (const [i, a] of rows.entries())
        for (const [k, b] of rows.entries()) if (i < k && together(a, b)) expect(tracks[i]).not.toBe(tracks[k])
      const inFlight = rows.map((a) => rows.filter((b) => b.intendedAt <= a.intendedAt && b.seenAt! > a.intendedAt))
      expect(Math.max(...tracks) + 1).toBe(Math.max(...inFlight.map(({ length }) => length)))
    }),
  )
})

test('labels keep their order and their distance', () => {
  expect(spread([10, 12, 50], 11)).toEqual([10, 21, 50])
  expect(spread([50, 12, 10], 11)).toEqual([50, 21, 10])
  expect(spread([])).toEqual([])
})

test('every task that was not seen is a cross, every other one a dot', () => {
  const cell = study(300).cells.find(({ cell: { id } }) => id === 'webhook.kill.1')!
  const picture = lifelines(cell)!.markup
  const lost = cell.tasks.filter(({ seenAt }) => seenAt === undefined).length
  const count = (pattern: RegExp): number => picture.match(pattern)?.length ?? 0
  expect(lost).toBeGreaterThan(0)
  expect(count(/h0/g)).toBe(300 - lost)
  // Once where its bar ends, once in the lane of those that were never seen.
  expect(count(/l5 5m0-5l-5 5/g)).toBe(2 * lost)
})

test('a picture of 5,000 tasks stays below 400 KB', () => {
  const cell = study(5_000).cells.find(({ cell: { id } }) => id === 'durable-restate.kill.1')!
  expect(lifelines(cell)!.markup.length).toBeLessThan(400_000)
})

test('text becomes text, whatever it says', () => {
  const hostile = '"><script>&'
  const escaped = '&quot;&gt;&lt;script&gt;&amp;'
  expect(tag('b', { title: hostile }, hostile).markup).toBe(`<b title="${escaped}">${escaped}</b>`)
})

test('what is absent leaves no trace', () => {
  expect(tag('rect', { x: 1.23456, class: undefined, hidden: true }).markup).toBe('<rect x="1.23" hidden/>')
  expect(all(undefined, false, ['a', 1]).markup).toBe('a1')
})
