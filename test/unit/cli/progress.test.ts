import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { lastingLine, openLiveTable, tableLines } from '../../../harness/cli/view/live-table.ts'
import { openPlainLines } from '../../../harness/cli/view/progress.ts'
import { clockText, nothingYet, watch } from '../../../harness/live/run-view.ts'
import type { FaultState } from '../../../harness/model/history.ts'
import { type Progress, tellEach } from '../../../harness/run/progress.ts'

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
  right: ok,
})
const begin: readonly Progress[] = [
  { kind: 'run-start', folder: 'runs/x', cells: 2, plannedMs: 94_000 },
  { kind: 'cell-start', cell, pattern: 'webhook', arm: 'kill', tasks: 300, plannedMs: 60_000 },
  { kind: 'cell-phase', cell, phase: 'load' },
  counts(124, 100, 4),
]
const end: Progress = { kind: 'cell-end', cell, elapsedMs: 60_000, ok: 290, tasks: 300 }
const plain = { colour: false, unicode: false }
const wide = { columns: 100, rows: 20, ...plain, unicode: true }
const after = (...told: readonly Progress[]) => told.reduce(watch, nothingYet)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('the table fits its rows and says what it leaves out', () => {
  const many = Array.from({ length: 9 }, (_, i): Progress => {
    return { kind: 'cell-start', cell: `p${i}.kill.1`, pattern: `p${i}`, arm: 'kill', tasks: 10, plannedMs: 1 }
  })
  const lines = tableLines(after(...many), 0, { ...wide, rows: 6 }).map(stripVTControlCharacters)
  expect(lines).toHaveLength(6)
  expect(lines.at(-1)).toContain('and 5 more')
})

test('the table shows time, counts, failures and faults', () => {
  const lines = tableLines(after(...begin, fault('kill-1#1', 'armed')), 34_000, wide).map(stripVTControlCharacters)
  expect(lines[0]).toBe('0:34 of about 1:34  0 of 2 cells done')
  expect(lines[1]).toMatch(/^ webhook\.kill\.1 {2}load .*104\/300 {2}4 failed {2}kill$/)
})

test('a live table hides the cursor, redraws in place, and gives everything back', () => {
  const written: string[] = []
  const write = (text: string): boolean => Boolean(written.push(text))
  using table = openLiveTable({ columns: 60, rows: 20, write }, () => 0, plain)
  for (const told of [...begin, end]) table.tell(told)
  table[Symbol.dispose]()
  expect(written[0]).toBe('\u001B[?25l')
  expect(written.at(-1)).toBe('\u001B[?25h')
  expect(stripVTControlCharacters(written.join(''))).toContain('webhook.kill.1  290/300 with a result')
})

/** A terminal whose width can change, and what was written to it. */
function terminal(columns: number) {
  const written: string[] = []
  return { columns, rows: 20, written, write: (text: string): boolean => Boolean(written.push(text)) }
}

test.each([24, 40, 60, 100])('at %i columns no line of the table wraps, and the counts are there', (columns) => {
  const long = 'webhook-retry+restate@tuned.network-and-kill.1'
  const told: readonly Progress[] = [
    { kind: 'cell-start', cell: long, pattern: 'p', arm: 'a', tasks: 300, plannedMs: 1 },
    { ...counts(124, 100, 4), cell: long } as Progress,
  ]
  const lines = tableLines(after(...told), 0, { ...wide, columns })
  expect(lines[1]).toContain('104/300')
  const screen = terminal(columns)
  using table = openLiveTable(screen, () => 0, plain)
  for (const one of told) table.tell(one)
  vi.advanceTimersByTime(150)
  const drawn = stripVTControlCharacters(screen.written.join('')).replaceAll('\r', '').split('\n')
  expect(drawn.some((line) => line.includes('104/300'))).toBe(true)
  expect(Math.max(...drawn.map(({ length }) => length))).toBeLessThan(columns)
})

test('what stays above the table is whole, however narrow the terminal is', () => {
  const screen = terminal(20)
  using table = openLiveTable(screen, () => 0, plain)
  const text = 'one two three four five six seven eight nine ten'
  table.tell({ kind: 'note', text })
  table[Symbol.dispose]()
  const lines = stripVTControlCharacters(screen.written.join('')).replaceAll('\r', '').split('\n')
  expect(lines.join(' ').replaceAll(/ +/g, ' ')).toContain(`0:00 ${text}`)
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(20)
})

test('a terminal that became narrower has wrapped the table: all of its rows are cleared', () => {
  const screen = terminal(80)
  using table = openLiveTable(screen, () => 0, plain)
  for (const told of begin) table.tell(told)
  vi.advanceTimersByTime(150)
  const line = stripVTControlCharacters(screen.written.at(-1)!).trimEnd().split('\n').at(-1)!
  expect(line.length).toBeGreaterThan(40)
  screen.columns = 30
  vi.advanceTimersByTime(100)
  const rows = 1 + Math.ceil(line.length / 30) + (screen.written.at(-2)!.includes('of about') ? 1 : 0)
  expect(screen.written.at(-1)).toContain(`\u001B[${rows}A`)
})

test('without colours and beyond ASCII every part of the bar is another character', () => {
  const [, line] = tableLines(after(...begin), 0, { columns: 100, rows: 20, ...plain })
  expect(line).toMatch(/^[\x20-\x7e]+$/)
  expect(line).toMatch(/=+x*-+/)
  expect(tableLines(after(...begin), 0, wide)[1]).toMatch(/━+╌+/)
})

test('before a run the table shows how far each pattern is', () => {
  const told: readonly Progress[] = [
    { kind: 'verify-start', patterns: ['sync', 'polling', 'webhook'] },
    { kind: 'verify-progress', pattern: 'sync', done: 37, of: 37, failed: 0 },
    { kind: 'verify-end', pattern: 'sync', outcome: 'pass' },
    { kind: 'verify-progress', pattern: 'polling', done: 12, of: 37, failed: 1 },
  ]
  expect(tableLines(after(begin[0]!, ...told), 8_000, wide).map(stripVTControlCharacters)).toEqual([
    '0:08 of about 1:34  0 of 2 cells done',
    ' holding the patterns against the contract: 1 of 3 done',
    '  polling   12 of 37 cases  1 failed',
  ])
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
  const line = lastingLine({ ...end, error: 'no port' }, 0, wide)
  expect(stripVTControlCharacters(line!)).toContain('could not be carried out: no port')
})

test('time is minutes and seconds', () => {
  expect([0, 59_999, 60_000, 754_000].map(clockText)).toEqual(['0:00', '0:59', '1:00', '12:34'])
})

test('a log says how the check before the run goes, and puts no more cells on a line than fit', () => {
  const lines: string[] = []
  let now = 0
  using view = openPlainLines(
    (line) => lines.push(line),
    () => now,
  )
  view.tell({ kind: 'verify-start', patterns: ['sync', 'webhook'] })
  view.tell({ kind: 'verify-progress', pattern: 'sync', done: 1, of: 37, failed: 0 })
  view.tell({ kind: 'verify-end', pattern: 'sync', outcome: 'pass' })
  expect(lines.splice(0)).toEqual([' 0:00  holding 2 patterns against the contract', ' 0:00  sync: keeps the contract'])
  const ids = Array.from({ length: 6 }, (_, i) => `webhook-retry+restate.network-and-kill.${i}`)
  for (const id of ids) view.tell({ kind: 'cell-start', cell: id, pattern: 'p', arm: 'a', tasks: 300, plannedMs: 1 })
  now = 5_000
  view.tell({ ...counts(124, 100, 4), cell: ids[0]! } as Progress)
  expect(lines.join(' ').match(/webhook-retry/g)).toHaveLength(6)
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(130)
})

test('a watcher that throws is told no more, and disturbs nobody', () => {
  const heard: string[] = []
  const defects: unknown[] = []
  const tell = tellEach(
    [
      () => {
        throw new Error('broken')
      },
      ({ kind }) => heard.push(kind),
    ],
    (error) => defects.push(error),
  )
  for (const told of begin) tell(told)
  expect(heard).toHaveLength(begin.length)
  expect(defects).toEqual([new Error('broken')])
})
