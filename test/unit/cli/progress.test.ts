import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { lastingLine, openLiveTable, tableLines } from '../../../harness/cli/view/live-table.ts'
import { openPlainLines, clockText, describeFaults, nothingYet, watch } from '../../../harness/cli/view/progress.ts'
import type { FaultState } from '../../../harness/model/history.ts'
import type { Progress } from '../../../harness/run/progress.ts'

const cell = 'webhook.kill.1'
const fault = (id: string, state: FaultState): Progress => ({
  kind: 'fault',
  cell,
  change: { id, fault: 'kill', target: [{ node: 'api-0' }], state },
})
const counts = (started: number, ok: number, failed: number): Progress => ({
  kind: 'cell-progress',
  cell,
  elapsedMs: 1,
  started,
  finished: ok + failed,
  ok,
  failed,
})
const begin: readonly Progress[] = [
  { kind: 'run-start', folder: 'runs/x', cells: 2, plannedMs: 94_000 },
  { kind: 'cell-start', cell, tasks: 300, plannedMs: 60_000 },
  { kind: 'cell-phase', cell, phase: 'load' },
  counts(124, 100, 4),
]
const end: Progress = { kind: 'cell-end', cell, elapsedMs: 60_000, ok: 290, tasks: 300 }
const after = (...told: readonly Progress[]) => told.reduce(watch, nothingYet)

test('the view is the fold of what was told', () => {
  const view = after(...begin)
  expect(view).toMatchObject({ folder: 'runs/x', cells: 2, done: 0 })
  expect(view.active.get(cell)).toMatchObject({ phase: 'load', tasks: 300, started: 124, ok: 100, failed: 4 })
})

test('a fault is active from armed until it is healed, whatever is proven in between', () => {
  const armed = [...begin, fault('kill-1#1', 'armed'), fault('kill-1#2', 'armed'), fault('kill-1#1', 'proven')]
  expect(describeFaults(after(...armed).active.get(cell)!)).toBe('kill x2')
  expect(describeFaults(after(...armed, fault('kill-1#1', 'healed')).active.get(cell)!)).toBe('kill')
  expect(
    describeFaults(after(...armed, fault('kill-1#1', 'lost'), fault('kill-1#2', 'leaked')).active.get(cell)!),
  ).toBe('')
})

test('an ended cell leaves, and what comes late about it is ignored', () => {
  const view = after(...begin, end, counts(1, 1, 0), fault('kill-1#1', 'armed'))
  expect(view).toMatchObject({ done: 1 })
  expect(view.active.size).toBe(0)
})

test('the table fits its rows and says what it leaves out', () => {
  const many = Array.from({ length: 9 }, (_, i): Progress => {
    return { kind: 'cell-start', cell: `p${i}.kill.1`, tasks: 10, plannedMs: 1 }
  })
  const lines = tableLines(after(...many), 0, 6).map(stripVTControlCharacters)
  expect(lines).toHaveLength(6)
  expect(lines.at(-1)).toContain('and 5 more')
})

test('the table shows time, counts, failures and faults', () => {
  const lines = tableLines(after(...begin, fault('kill-1#1', 'armed')), 34_000, 20).map(stripVTControlCharacters)
  expect(lines[0]).toBe('0:34 of about 1:34  0 of 2 cells done')
  expect(lines[1]).toMatch(/^ webhook\.kill\.1 {2}load .*104\/300 {2}4 failed {2}kill$/)
})

test('a live table hides the cursor, redraws in place, and gives everything back', () => {
  const written: string[] = []
  const write = (text: string): boolean => Boolean(written.push(text))
  using table = openLiveTable({ columns: 60, rows: 20, write }, () => 0)
  for (const told of [...begin, end]) table.tell(told)
  table[Symbol.dispose]()
  expect(written[0]).toBe('\u001B[?25l')
  expect(written.at(-1)).toBe('\u001B[?25h')
  expect(stripVTControlCharacters(written.join(''))).toContain('webhook.kill.1  290/300 with a result')
})

test('lines that are too long for the terminal are cut, never wrapped', () => {
  const written: string[] = []
  const write = (text: string): boolean => Boolean(written.push(text))
  using table = openLiveTable({ columns: 20, rows: 20, write }, () => 0)
  table.tell({ kind: 'note', text: 'x'.repeat(100) })
  table[Symbol.dispose]()
  const lines = stripVTControlCharacters(written.join('')).split('\n')
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(20)
})

test('a log gets phases at once and counts every five seconds', () => {
  const lines: string[] = []
  let now = 0
  using view = openPlainLines(
    (line) => lines.push(line),
    () => now,
  )
  for (const told of begin) view.tell(told)
  now = 5_000
  view.tell(counts(150, 130, 4))
  now = 5_500
  view.tell(counts(160, 140, 4))
  view.tell(end)
  expect(lines).toEqual([
    ' 0:00  2 cells, about 1:34, into runs/x',
    ' 0:00  webhook.kill.1: load',
    ' 0:05  webhook.kill.1 134/300, 4 failed',
    ' 0:05  webhook.kill.1: ended, 290 of 300 tasks with a result',
  ])
})

test('a cell that could not be carried out says why', () => {
  const line = lastingLine({ ...end, error: 'no port' }, 0)
  expect(stripVTControlCharacters(line!)).toContain('could not be carried out: no port')
})

test('time is minutes and seconds', () => {
  expect([0, 59_999, 60_000, 754_000].map(clockText)).toEqual(['0:00', '0:59', '1:00', '12:34'])
})
