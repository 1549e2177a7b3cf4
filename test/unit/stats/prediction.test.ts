import { expect, test } from 'vitest'
import type { CellTraits } from '../../../harness/model/cell-traits.ts'
import type { PlannedFault } from '../../../harness/model/plan.ts'
import type { Promised } from '../../../patterns/contract/types/promises.ts'
import { areFiringsDrawn, nameSameFaults, predictSuccess } from '../../../harness/stats/prediction.ts'
import { cellPlan, plannedFault } from './cells.ts'

const keeps: readonly Promised[] = ['no-lost-task']
const minute = 60_000
const ideals = [5 * minute, 5 * minute]
const kill = (n: number, gap = 84 * minute) => plannedFault({ id: `kill-1#${n}`, params: { meanGapMs: gap } })
const stop = plannedFault({
  id: 'receiver-down-1',
  fault: 'receiver-down',
  target: { kind: 'link', link: 'sender->receiver', ordinal: 'all' },
  params: { probability: 0.062 },
  durationMs: 10 * minute,
})
const axes = (delivery: readonly Promised[], engine: readonly Promised[]) => ({ delivery, engine })

test("the article's numbers follow from its two faults", () => {
  const faults = [kill(1), kill(2), kill(3), stop]
  const memory = predictSuccess(cellPlan({ faults, axes: axes(keeps, []) }), ideals)
  expect(memory).toBeCloseTo(Math.exp(-5 / 84), 12)
  expect(Math.round(memory! * 1000)).toBe(942)
  const webhook = predictSuccess(cellPlan({ faults, axes: axes([], []) }), ideals)
  expect(webhook).toBeCloseTo(Math.exp(-5 / 84) * 0.938, 12)
  expect(Math.round(webhook! * 1000)).toBe(884)
  expect(predictSuccess(cellPlan({ faults, axes: axes([], keeps) }), ideals)).toBeCloseTo(0.938, 12)
  expect(predictSuccess(cellPlan({ faults, promises: keeps }), ideals)).toBe(1)
})

test('it is the mean over the tasks', () => {
  const cell = cellPlan({ faults: [kill(1)], axes: axes(keeps, []) })
  const expected = (Math.exp(-1 / 84) + Math.exp(-9 / 84)) / 2
  expect(predictSuccess(cell, [minute, 9 * minute])).toBeCloseTo(expected, 12)
})

test('two rates in one file add up', () => {
  const other = plannedFault({ id: 'kill-2#1', params: { meanGapMs: 42 * minute } })
  const cell = cellPlan({ faults: [kill(1), kill(2), other], axes: axes(keeps, []) })
  expect(predictSuccess(cell, ideals)).toBeCloseTo(Math.exp(-5 / 84 - 5 / 42), 12)
})

test('a fault that ends nodes suddenly is a kill, whatever its name; one that takes its time is in no formula', () => {
  const drawn = (more: { readonly sudden?: true }) =>
    plannedFault({ fault: 'of-somebody-else', params: { meanGapMs: 84 * minute }, impact: { kind: 'end', ...more } })
  const predict = (fault: PlannedFault) => predictSuccess(cellPlan({ faults: [fault], axes: axes(keeps, []) }), ideals)
  expect(predict(drawn({ sudden: true }))).toBeCloseTo(Math.exp(-5 / 84), 12)
  expect(predict(drawn({}))).toBeUndefined()
})

test('without faults nothing is lost', () => {
  expect(predictSuccess(cellPlan({ axes: axes([], []) }), ideals)).toBe(1)
})

test('tasks that wait for their turn at a tool are in no formula', () => {
  const limits = { toolRates: { task: { perSecond: 1, burst: 1 } } }
  expect(predictSuccess(cellPlan({ limits, promises: keeps }), ideals)).toBeUndefined()
  expect(predictSuccess(cellPlan({ limits: { balances: { p: 9 } }, promises: keeps }), ideals)).toBe(1)
})

test('it never guesses', () => {
  const atTime = cellPlan({ faults: [plannedFault({})], axes: axes(keeps, []) })
  expect(predictSuccess(atTime, ideals)).toBeUndefined()
  const pause = plannedFault({ fault: 'pause', params: { meanGapMs: minute } })
  expect(predictSuccess(cellPlan({ faults: [pause], axes: axes(keeps, []) }), ideals)).toBeUndefined()
  expect(predictSuccess(cellPlan({ faults: [kill(1)] }), ideals)).toBeUndefined()
  expect(predictSuccess(cellPlan({ axes: axes(keeps, []) }), [])).toBeUndefined()
})

test('callbacks are covered where a receiver is down for the whole load, and by that cause alone', () => {
  const predict = (over: Partial<PlannedFault>) =>
    predictSuccess(cellPlan({ faults: [{ ...stop, ...over }], axes: axes([], []) }), ideals)
  expect(predict({})).toBeCloseTo(0.938, 12)
  expect(predict({ fault: 'latency', params: { probability: 0.5, delayMs: 30_000 } })).toBeUndefined()
  expect(predict({ trigger: { kind: 'time', atMs: 2 * minute }, durationMs: minute / 2 })).toBeUndefined()
  expect(predict({ trigger: { kind: 'time', atMs: 1 } })).toBeUndefined()
  expect(predict({ durationMs: minute, params: { probability: 1 } })).toBeUndefined()
})

test('kills are covered of nodes that run the steps', () => {
  const predict = (role: 'api' | 'worker' | 'store', engine: string) =>
    predictSuccess(
      cellPlan({
        engine,
        faults: [{ ...kill(1), target: { kind: 'node', role, ordinal: 0 } }],
        axes: axes(keeps, engine === 'memory' ? [] : keeps),
      }),
      ideals,
    )
  expect(predict('api', 'memory')).toBeCloseTo(Math.exp(-5 / 84), 12)
  expect(predict('worker', 'queue')).toBe(1)
  expect(predict('api', 'postgres')).toBeUndefined()
  expect(predict('store', 'postgres')).toBeUndefined()
})

test('kills are covered where nobody begins a task anew, nor finds it when the node is back', () => {
  const predict = (over: { engine?: string; delivery?: string }) =>
    predictSuccess(cellPlan({ faults: [kill(1)], axes: axes([], []), ...over }), ideals)
  expect(predict({ delivery: 'webhook' })).toBeCloseTo(Math.exp(-5 / 84), 12)
  expect(predict({ delivery: 'sync' })).toBeUndefined()
  expect(predict({ engine: 'dbos' })).toBeUndefined()
})

test('a repetition in which a rate drew nothing does not tell the faults of its arm', () => {
  const [one, two] = [plannedFault({ id: 'kill-1#1' }), plannedFault({ id: 'kill-2#1' })]
  const of = (...faults: readonly (readonly (typeof one)[])[]) =>
    nameSameFaults(faults.map((some) => ({ faults: some })))
  expect([of([one]), of([one], [{ ...one, id: 'kill-1#7' }, one]), of([], []), of([one, two], [two, one])]).toEqual(
    Array(4).fill(true),
  )
  expect([of([one], []), of([one, two], [one]), of([one], [two])]).toEqual(Array(3).fill(false))
})

test('firings are draws when they carry their mean gap', () => {
  expect(areFiringsDrawn(cellPlan({ faults: [kill(1)] }))).toBe(true)
  expect(areFiringsDrawn(cellPlan({ faults: [plannedFault({}), stop] }))).toBe(false)
})

test('who keeps all tasks has them in time only where grace has room for the takeovers that a task may meet', () => {
  const predict = (takeoverMs: number, graceMs: number, gap = 84 * minute) =>
    predictSuccess(
      cellPlan({ engine: 'postgres', faults: [kill(1, gap)], promises: keeps, takeoverMs, graceMs }),
      ideals,
    )
  expect(predict(minute, minute / 2)).toBeUndefined()
  // Two of them within six minutes have a chance of 0.2 %.
  expect(predict(minute, minute)).toBeUndefined()
  expect(predict(minute, 4 * minute)).toBe(1)
  expect(predict(minute, 4 * minute, 2 * minute)).toBeUndefined()
})

test('a client that asks when no callback came does it in time where grace is longer than it waits', () => {
  const predict = (graceMs: number) =>
    predictSuccess(
      cellPlan({
        delivery: 'webhook-retry',
        faults: [{ ...stop, durationMs: 60 * minute }],
        axes: axes(keeps, []),
        graceMs,
      }),
      ideals,
    )
  expect(predict(minute)).toBeUndefined()
  expect(predict(2 * minute)).toBe(1)
})

test('the formulas know patterns by what they do, and no plugin by its name', () => {
  const traits: CellTraits = { executor: 'worker', inOneProcess: false, resubmits: false, callback: false }
  const predict = (over: Partial<CellTraits>, faults: PlannedFault[] = [kill(1)]) =>
    predictSuccess(
      cellPlan({ engine: 'of-somebody-else', axes: axes([], []), traits: { ...traits, ...over }, faults }),
      ideals,
    )
  expect(predict({})).toBeUndefined()
  expect(predict({ inOneProcess: true })).toBeCloseTo(Math.exp(-5 / 84), 12)
  expect(predict({ inOneProcess: true, resubmits: true })).toBeUndefined()
  const atApi = { ...kill(1), target: { kind: 'node', role: 'api', ordinal: 0 } } as const
  expect(predict({ inOneProcess: true, executor: 'api' }, [atApi])).toBeCloseTo(Math.exp(-5 / 84), 12)
  expect(predict({ inOneProcess: true }, [atApi])).toBeUndefined()
  const closed = { ...stop, fault: 'of-somebody-else', impact: { kind: 'break' } } as const
  expect(predict({}, [closed])).toBeUndefined()
  expect(predict({}, [{ ...closed, impact: { kind: 'break', stopsRequests: true } }])).toBeCloseTo(0.938, 12)
})
