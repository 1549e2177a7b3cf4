import { expect, test } from 'vitest'
import { describeFaults, nothingYet, watch } from '../../../harness/live/run-view.ts'
import type { FaultState } from '../../../harness/model/history.ts'
import type { Progress } from '../../../harness/run/progress.ts'

const cell = 'webhook.kill.1'
const fault = (id: string, state: FaultState, reason?: string): Progress => ({
  kind: 'fault',
  cell,
  change: { id, fault: 'kill', target: [{ node: 'api-0' }], state, ...(reason !== undefined && { reason }) },
})
const counts = (started: number, ok: number, failed: number, right = ok): Progress => ({
  kind: 'cell-progress',
  cell,
  elapsedMs: 1,
  started,
  finished: ok + failed,
  ok,
  failed,
  right,
})
const begin: readonly Progress[] = [
  { kind: 'run-start', folder: 'runs/x', cells: 2, plannedMs: 94_000 },
  { kind: 'cell-start', cell, pattern: 'webhook', arm: 'kill', tasks: 300, plannedMs: 60_000 },
  { kind: 'cell-phase', cell, phase: 'load' },
  counts(124, 100, 4),
]
const end: Progress = { kind: 'cell-end', cell, elapsedMs: 60_000, ok: 290, tasks: 300 }
const after = (...told: readonly Progress[]) => told.reduce(watch, nothingYet)
const seen = (...told: readonly Progress[]) => after(...begin, ...told).active.get(cell)!

test('the view is the fold of what was told', () => {
  const view = after(...begin)
  expect(view).toMatchObject({ folder: 'runs/x', cells: 2, done: 0 })
  expect(view.active.get(cell)).toMatchObject({ phase: 'load', tasks: 300, started: 124, ok: 100, failed: 4 })
})

test('a fault is active from armed until it is healed, whatever is proven in between', () => {
  const armed = [fault('kill-1#1', 'armed'), fault('kill-1#2', 'armed'), fault('kill-1#1', 'proven')]
  expect(describeFaults(seen(...armed))).toBe('kill x2')
  expect(describeFaults(seen(...armed, fault('kill-1#1', 'healed')))).toBe('kill')
  expect(seen(...armed).firings).toBe(2)
})

test('what is lost is there until it is healed, and what leaked stays', () => {
  const armed = [fault('kill-1#1', 'armed'), fault('kill-1#1', 'lost')]
  expect(describeFaults(seen(...armed))).toBe('kill')
  expect(describeFaults(seen(...armed, fault('kill-1#1', 'healed')))).toBe('')
  expect(describeFaults(seen(...armed, fault('kill-1#1', 'leaked')))).toBe('kill')
})

test('a fault that never came is in the log alone, with its reason', () => {
  const view = after(...begin, fault('kill-1#1', 'skipped', 'its trigger never fired'))
  expect(view.active.get(cell)).toMatchObject({ firings: 0 })
  expect(view.log).toEqual([
    { number: 1, atMs: 4, cell, state: 'skipped', text: 'kill-1#1 on api-0 skipped: its trigger never fired' },
  ])
})

test('an ended cell leaves with what was known of it, and what comes late about it is ignored', () => {
  const view = after(...begin, counts(300, 290, 10, 280), end, counts(1, 1, 0), fault('kill-1#1', 'armed'))
  expect(view.done).toBe(1)
  expect(view.active.size).toBe(0)
  expect(view.ended).toEqual([
    expect.objectContaining({ cell, pattern: 'webhook', arm: 'kill', tasks: 300, right: 280, elapsedMs: 60_000 }),
  ])
  expect(view.log).toEqual([])
})

test('the system of a cell is its shape, and the last that was heard of each node', () => {
  const shape = { nodes: [{ name: 'api-0', role: 'api' as const }], links: [] }
  const heard = (state: 'ready' | 'exited'): Progress => ({ kind: 'node', cell, node: 'api-0', state })
  const system: Progress = { kind: 'cell-system', cell, ...shape }
  expect(seen(heard('ready'), system, heard('exited'))).toMatchObject({ shape, nodes: new Map([['api-0', 'exited']]) })
})

test('the log keeps the latest hundred lines and counts all', () => {
  const notes = Array.from({ length: 250 }, (_, i): Progress => ({ kind: 'note', text: `${i + 1}` }))
  const view = after(...notes)
  expect(view.logged).toBe(250)
  expect(view.log.map(({ number, text }) => [number, text])).toEqual(
    Array.from({ length: 100 }, (_, i) => [151 + i, `${151 + i}`]),
  )
})

test('a pattern is waiting, then at its cases, then judged', () => {
  const start: Progress = { kind: 'verify-start', patterns: ['a', 'b'] }
  const some: Progress = { kind: 'verify-progress', pattern: 'a', done: 3, of: 37, failed: 1 }
  expect([...after(start, some).verification]).toEqual([
    ['a', { outcome: 'running', done: 3, of: 37, failed: 1 }],
    ['b', { outcome: 'waiting', done: 0, of: 0, failed: 0 }],
  ])
  const view = after(start, some, { kind: 'verify-end', pattern: 'a', outcome: 'fail' })
  expect(view.verification.get('a')).toEqual({ outcome: 'fail', done: 3, of: 37, failed: 1 })
})
