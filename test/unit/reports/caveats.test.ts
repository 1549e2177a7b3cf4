import { expect, test } from 'vitest'
import type { CellPlan } from '../../../harness/model/plan.ts'
import type { CellResult, RunResults } from '../../../harness/model/results.ts'
import { caveatsOf } from '../../../reports/caveats.ts'

function run(...cells: readonly Partial<CellPlan>[]): RunResults {
  const made = cells.map((cell) => ({
    cell: { id: 'a.kill.1', engine: 'temporal', tuning: 'tuned', faults: [], ...cell },
    verdict: 'PASS',
    faults: [],
    checks: [],
    success: { n: 1000, successes: 1000 },
    health: { machine: {} },
  }))
  return {
    cells: made as unknown as CellResult[],
    plan: { timeScale: 1 },
    environment: { deviations: [] },
    verification: { version: 1, patterns: [] },
  } as unknown as RunResults
}

test('timeouts on their floors are told once per engine and tuning', () => {
  const floored = [{ name: 'heartbeatTimeoutMs', wantedMs: 500, ms: 2000, why: 'a busy machine' }]
  expect(caveatsOf(run({ floored }, { floored }, { tuning: 'default' }))).toEqual([
    'Timeouts of temporal (tuned) stand on floors that do not shrink with time: heartbeatTimeoutMs 2.00 s instead of 500 ms.',
  ])
})

test('callbacks of another run’s work are told', () => {
  const checks = [{ checker: 'no-phantom', counts: { foreignCallbacks: 3 } }] as unknown as CellResult['checks']
  const [cell] = run({ id: 'a.none.1' }).cells
  expect(caveatsOf({ ...run(), cells: [{ ...cell!, checks }] })).toEqual([
    'Callbacks for work of another run came, and were refused, in a.none.1 (3).',
  ])
})

test('of who does not number attempts it is said that takeover is not told', () => {
  const [cell] = run({ pattern: 'own' }).cells
  expect(caveatsOf({ ...run(), cells: [{ ...cell!, attemptsUntold: true }] })).toEqual([
    expect.stringMatching(/^Effects of own do not show .* takeover are not told\.$/),
  ])
})

test('a fault at another place of the same pattern spares nobody, one of another kind does', () => {
  const untouchedBy = [{ fault: 'stall-1', reason: 'no such link' }]
  const stalled = [{ id: 'stall-2#1', fault: 'stall' }] as unknown as CellPlan['faults']
  const killed = [{ id: 'kill-1#1', fault: 'kill' }] as unknown as CellPlan['faults']
  const control = { arm: 'none' }
  expect(caveatsOf(run(control, { untouchedBy, faults: stalled }))).toEqual([])
  expect(caveatsOf(run(control, { untouchedBy, faults: killed }))).toEqual([
    expect.stringContaining('a.kill.1 by stall-1'),
  ])
})

test('a fault that was carried out in part broke something: it is told as that, with what is missing', () => {
  const [cell] = run({}).cells
  const faults = [{ id: 'kill-1#1', state: 'partly', proven: false, reason: 'worker-2 was not running' }]
  const told = caveatsOf({ ...run(), cells: [{ ...cell, faults }] as unknown as CellResult[] })
  expect(told).toEqual([
    'Carried out in part only, so what was harmed is not what was planned: kill-1#1 in a.kill.1 (worker-2 was not running).',
  ])
})

test('a run that held no pattern against the contract says so first', () => {
  const { verification: _, ...unverified } = run({})
  expect(caveatsOf(unverified as RunResults)[0]).toMatch(/were not held against the task contract/)
})

test('who has another number of executors than the scenario gives is told once', () => {
  const one = { pattern: 'durable-restate', replicas: { api: 1, executor: 2 }, executors: 1 }
  expect(caveatsOf(run(one, one))).toEqual([
    'Not all patterns have as many executors as the scenario gives: durable-restate (1 instead of 2). Where there is one, nobody can take over from it.',
  ])
  expect(caveatsOf(run({ ...one, executors: 3 }))).toEqual([expect.stringMatching(/\(3 instead of 2\)\.$/)])
})

test('a machine that could not be watched, and a run from before there was a watch, say so', () => {
  const blind = run({})
  const health = { ...blind.cells[0]!.health!, machine: { unwatched: 'there is no /proc/pressure' } }
  const over = (of: unknown) => ({ ...blind, cells: [{ ...blind.cells[0]!, health: of }] }) as unknown as RunResults
  expect(caveatsOf(over(health))).toEqual(['The machine could not be watched here: there is no /proc/pressure.'])
  expect(caveatsOf(over({}))).toEqual(['Whether the machine starved anybody was not measured: a.kill.1.'])
})

test('patterns under a fault without a control are named', () => {
  const killed = [{ id: 'kill-1#1', fault: 'kill' }] as unknown as CellPlan['faults']
  expect(caveatsOf(run({ pattern: 'a' }, { pattern: 'a', faults: killed }, { pattern: 'b', faults: killed }))).toEqual([
    'Without an arm without faults nothing shows how tasks that no fault touched would have fared: b.',
  ])
})

test('a service that is faster than its scenario says has overheads that mean nothing', () => {
  const task = (seenAt: number) => ({ outcome: 'ok', intendedAt: 1000, idealMs: 500, seenAt })
  const told = (...seen: readonly number[]) => {
    const [cell] = run({ pattern: 'mine', ownWork: { idealMs: 500, steps: 1, tellsEffects: false } }).cells
    return caveatsOf({ ...run(), cells: [{ ...cell, tasks: seen.map(task) }] as unknown as CellResult[] })
  }
  expect(told(1500, 1600)).toEqual([])
  expect(told(1100, 1300, 1600)).toEqual([
    'mine takes less time than its scenario says: 2 of 3 results came too soon, by 400 ms at most. Its overhead is not to be quoted; write a shorter takes.',
  ])
})
