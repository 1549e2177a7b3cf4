import { describe, expect, test } from 'vitest'
import type { FaultResult, RunResults } from '../../../harness/model/results.ts'
import { armsBeyondPlan, windowNotes, windowWords } from '../../../reports/windows.ts'
import { caveatsOf } from '../../../reports/caveats.ts'

type Window = Pick<FaultResult, 'plannedMs' | 'lastedMs'>

function run(timeScale: number, arms: Readonly<Record<string, readonly Window[]>>): RunResults {
  const cells = Object.entries(arms).map(([arm, windows]) => ({
    cell: { id: `a.${arm}.1`, arm, engine: 'memory', tuning: 'default', faults: [] },
    verdict: 'PASS',
    faults: windows.map((window) => ({ ...window, state: 'healed', proven: true })),
    checks: [],
    success: { n: 1000, successes: 1000 },
    health: {},
    disk: {},
  }))
  return {
    cells,
    plan: { timeScale },
    environment: { deviations: [] },
    verification: { version: 1, patterns: [] },
  } as unknown as RunResults
}

const kills = [
  { plannedMs: 500, lastedMs: 1900 },
  { plannedMs: 500, lastedMs: 3300 },
]

describe('windows against the plan', () => {
  test('are told per arm, with what they are in the task world', () => {
    expect(windowNotes(run(60, { none: [], kill: kills }))).toEqual([
      "Under kill, what was planned for 500 ms lasted 1.90 s to 3.30 s: 114.0 s to 3.3 min of the task's world instead of 30.0 s.",
    ])
  })
  test('at full length have no other world', () => {
    expect(windowNotes(run(1, { kill: [{ plannedMs: 1000, lastedMs: 1400 }] }))).toEqual([
      'Under kill, what was planned for 1.00 s lasted 1.40 s.',
    ])
  })
  test('that are those of the plan, or were never healed, need no sentence', () => {
    const fine = [{ plannedMs: 500, lastedMs: 560 }, { plannedMs: 500 }, {}]
    expect(windowNotes(run(60, { kill: fine }))).toEqual([])
    expect(armsBeyondPlan(run(60, { kill: fine }).cells)).toEqual([])
  })
  test('beyond a factor of 2, up or down, take back that success carries over to full length', () => {
    const carries = /Success and re-executed work carry over to full length/
    const said = (one: Window) => caveatsOf(run(60, { kill: [one] })).join(' ')
    expect(said({ plannedMs: 500, lastedMs: 990 })).toMatch(carries)
    for (const lastedMs of [1010, 240]) {
      expect(said({ plannedMs: 500, lastedMs })).not.toMatch(carries)
      expect(said({ plannedMs: 500, lastedMs })).toMatch(
        /Outages under kill were not those planned, by more than a factor of 2: success and re-executed work under them do not carry over/,
      )
    }
  })
})

test.each([
  [{ plannedMs: 500, lastedMs: 1900 }, 'planned 500 ms, lasted 1.90 s'],
  [{ plannedMs: 500 }, 'planned 500 ms'],
  [{}, '–'],
])('%o reads %s', (window, words) => {
  expect(windowWords(window)).toBe(words)
})
