import { describe, expect, test } from 'vitest'
import type { CellPlan, Gate, PlannedFault } from '../../../harness/model/plan.ts'
import { designOf, outlooksOf, whyHopeless } from '../../../harness/stats/plan-design.ts'
import { cellPlan, plannedFault } from './cells.ts'

const second = 1000
/** 200 tasks of 5 s at 10/s: 50 in flight, on three executors. */
const cell = (over: Partial<CellPlan> = {}): CellPlan =>
  cellPlan({
    engine: 'postgres',
    arm: 'kill',
    tasks: 200,
    load: { arrivals: 'poisson', ratePerSec: 10 },
    replicas: { api: 2, executor: 3 },
    ...over,
  })
const kill = (atMs: number, over: Partial<PlannedFault> = {}): PlannedFault =>
  plannedFault({ id: `kill-1#${atMs}`, trigger: { kind: 'time', atMs }, durationMs: 500, ...over })
const design = (...faults: readonly PlannedFault[]) => designOf([cell({ faults })], 5 * second)

describe('what planned faults touch', () => {
  test('is a third of those in flight where one of three executors is killed', () => {
    const made = design(kill(10_000), kill(15_000))
    expect(made).toMatchObject({ tasks: 200, faults: 2, firings: 'fixed' })
    expect(made.touched * 200).toBeCloseTo(100 / 3, 9)
  })

  test('is less while the system fills, and nothing after the load', () => {
    expect(design(kill(1500)).touched * 200).toBeCloseTo(5, 9)
    expect(design(kill(26_000))).toMatchObject({ faults: 0, touched: 0 })
  })

  test('is all of them where all are hit, once', () => {
    const target = (ordinal: number) => ({ kind: 'node', role: 'executor', ordinal }) as const
    const all = [0, 1, 2].map((ordinal) => kill(10_000, { id: `kill-1#${ordinal}`, target: target(ordinal) }))
    const made = design(...all)
    expect(made.faults).toBe(1)
    expect(made.touched * 200).toBeCloseTo(50, 9)
  })

  test('includes on a link whoever begins under it', () => {
    const drop = kill(10_000, {
      fault: 'drop',
      durationMs: second,
      target: { kind: 'link', link: 'client->api', ordinal: 0 },
    })
    expect(design(drop).touched * 200).toBeCloseTo(30, 9)
  })

  test('is no episode where each connection draws, or where it holds for the load', () => {
    const link = { kind: 'link', link: 'sender->receiver', ordinal: 'all' } as const
    expect(design(kill(10_000, { target: link, params: { probability: 0.1 } })).faults).toBe(0)
    expect(design(kill(0, { target: link, durationMs: 25_000 })).faults).toBe(0)
  })

  test('adds up over repetitions, and knows what was drawn', () => {
    const drawn = cell({ faults: [kill(10_000, { params: { meanGapMs: second } })] })
    expect(designOf([drawn, drawn], 5 * second)).toMatchObject({ tasks: 400, faults: 2, firings: 'drawn' })
    expect(designOf([], second)).toEqual({ tasks: 0, faults: 0, touched: 0, firings: 'fixed' })
  })
})

describe('gates that a plan can never settle', () => {
  const gate = (over: Partial<Gate> = {}): Gate => ({ pattern: 'a', arm: 'kill', metric: 'success', min: 0.9, ...over })
  const why = (plan: CellPlan, over: Partial<Gate> = {}) =>
    outlooksOf({ cells: [plan], gates: [gate(over)] }, () => 5 * second).map(whyHopeless)

  test('are named, with what they need', () => {
    expect(why(cell({ tasks: 100 }), { min: 0.99 })).toEqual([
      'a under kill: success >= 99 % can never pass: without any loss it would show, at most 96.4 %; 368 tasks would do',
    ])
    expect(why(cell({ faults: [kill(8000), kill(14_000), kill(19_000)] }))[0]).toMatch(
      /^a under kill: success >= 90 % can never pass: too few faults for an interval, 3 of at least 5 faults; \d+ faults would do$/,
    )
  })

  test('are not those that it can, or whose cells are not planned', () => {
    expect(why(cell({}), { min: 0.98 })).toEqual([undefined])
    expect(why(cell({}), { arm: 'other' })).toEqual([])
  })

  test('are those that ask for tasks that no fault can touch', () => {
    const [pause, seconds] = [kill(5000, { fault: 'pause', durationMs: 4 }), kill(5000, { fault: 'pause' })]
    const name = 'a under kill: success >= 90 % can never pass: '
    expect(why(cell({}), { exposed: 1 })).toEqual([`${name}no fault is planned that could touch a task`])
    expect(why(cell({}), { metric: 'exposed-success' })[0]).toMatch(/can never pass: no fault is planned/)
    expect(why(cell({ faults: [pause] }))).toEqual([`${name}its faults are too short or too small to be felt`])
    expect(why(cell({ faults: [pause, seconds] }))[0]).not.toMatch(/to be felt/)
    expect(why(cell({ faults: [seconds] }), { exposed: 201 })).toEqual([`${name}it asks for 201 touched tasks of 200`])
  })

  test('of exposed tasks alone count those', () => {
    const five = [5, 8, 11, 14, 17].map((at) => kill(at * second))
    expect(why(cell({ faults: five }), { min: 0.6 })).toEqual([undefined])
    expect(why(cell({ faults: five }), { min: 0.6, metric: 'exposed-success' })[0]).toContain('at most 47.8 %')
  })

  test('of what is better the less there is of it say how much is left', () => {
    const late = { metric: 'late', min: undefined, max: 0.01 } as never
    expect(why(cell({ tasks: 100 }), late)).toEqual([
      'a under kill: late <= 1 % can never pass: without any of it, it would show at most 3.62 %; 368 tasks would do',
    ])
    expect(why(cell({ tasks: 368 }), late)).toEqual([undefined])
  })

  test('of control want enough of what is controlled, and as many faults as they want of it', () => {
    const on = (metric: string, max = 0.1) => ({ metric, min: undefined, max }) as never
    const control = (kind: 'cancel' | 'steer', many: number) =>
      Array.from({ length: many }, (_, i) => ({ key: `c-${i}`, kind, seed: 1, atMs: 0, afterMs: 1 }))
    expect(why(cell({ control: control('cancel', 30) }), on('after-cancel'))).toEqual([
      'a under kill: after-cancel <= 10 % can never pass: without any of it, it would show at most 11.6 %, by 30 cancelled tasks',
    ])
    expect(why(cell({ control: control('cancel', 36) }), on('after-cancel'))).toEqual([undefined])
    // Three commands each.
    expect(why(cell({ control: control('steer', 12) }), on('commands-lost'))).toEqual([undefined])
    const six = Array.from({ length: 6 }, (_, i) => kill((4 + 2 * i) * second))
    expect(why(cell({ control: control('steer', 40), faults: six }), on('commands-lost'))[0]).toContain(
      'at most 45.9 %, by 6 faults, each of which is one observation',
    )
    expect(why(cell({ control: control('steer', 40), faults: six }), on('stopped p50', 900))[0]).toContain(
      'tasks that share a fault have no interval of times',
    )
    expect(why(cell({ control: control('steer', 5) }), on('stopped p50', 900))[0]).toContain(
      'its interval takes 6 steered tasks, and there are 5',
    )
  })

  test('of times and work want enough of what they are over', () => {
    const on = (metric: string, more: object = {}) => ({ metric, min: undefined, max: 5, ...more }) as never
    const name = (metric: string) => `a under kill: ${metric} <= 5 ms can never pass: `
    expect(why(cell({ tasks: 367 }), on('overhead p99'))).toEqual([
      `${name('overhead p99')}its interval takes 368 tasks, and there are 367 tasks`,
    ])
    expect(why(cell({ tasks: 368 }), on('overhead p99'))).toEqual([undefined])
    expect(why(cell({}), on('restored'))[0]).toContain('no fault is planned that could touch a task')
    const [four, six] = [4, 6].map((n) => Array.from({ length: n }, (_, i) => kill((4 + 2 * i) * second)))
    expect(why(cell({ faults: four! }), on('restored'))).toEqual([
      `${name('restored')}it takes 6 outages, and 4 are planned`,
    ])
    expect(why(cell({ faults: six! }), on('restored'))).toEqual([undefined])
    expect(why(cell({ faults: four! }), on('takeover p90'))[0]).toContain(
      'too few faults for an interval, 4 of at least 5',
    )
    expect(why(cell({ faults: six! }), on('takeover p90'))).toEqual([undefined])
    expect(why(cell({ faults: six! }), { minFaults: 7 })[0]).toContain('it takes 7 faults, and 6 are planned')
  })
})
