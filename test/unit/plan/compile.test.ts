import { describe, expect, test } from 'vitest'
import type { CellPlan, Plan } from '../../../harness/model/plan.ts'
import { compilePlan, type CompileOptions } from '../../../harness/plan/compile.ts'
import { formatSchedule } from '../../../harness/plan/schedule.ts'
import { catalog, scenario, type Text } from './catalog.ts'

const compile = (text: Text, options: Partial<CompileOptions> = {}): Plan =>
  compilePlan(scenario(text), catalog, { runtime: 'process', ...options })
const cell = (plan: Plan, id: string): CellPlan => plan.cells.find((one) => one.id === id)!
const kills = 'kill: [{ fault: kill, target: executor, every: 4m, per: node }]'

describe('time scale', () => {
  const arms = 'a: [{ fault: latency, target: client->api, at: 5m, for: 90s, delay: 6s, jitter: 600ms, compose: true }]'
  const scaled = compile({
    arms,
    tail: 'timeScale: 60\ngrace: 3m\nrestartDelay: 30s\nhealth: { pacerLagP99: 20ms, eventLoopDelayP99: 50ms }\npublished: [{ pattern: sync, arm: a, source: me, overhead: 120ms }]',
  })
  test('divides every duration and multiplies the rate', () => {
    const { load, graceMs, restartDelayMs, faults } = cell(scaled, 'sync.a.1')
    expect({ load, graceMs, restartDelayMs }).toEqual({
      load: { arrivals: 'poisson', ratePerSec: 30 },
      graceMs: 3000,
      restartDelayMs: 500,
    })
    expect(faults).toEqual([
      {
        id: 'latency-1#1',
        fault: 'latency',
        target: { kind: 'link', link: 'client->api', ordinal: 'all' },
        trigger: { kind: 'time', atMs: 5000 },
        impact: { kind: 'delay', ms: 110 },
        durationMs: 1500,
        params: { delayMs: 100, jitterMs: 10, direction: 'response', probability: 1 },
        seed: expect.any(Number),
      },
    ])
  })
  test('does not touch what is about this machine, or was measured elsewhere', () => {
    expect(scaled.health).toEqual({ pacerLagP99Ms: 20, eventLoopDelayP99Ms: 50 })
    expect(scaled.published[0]).toMatchObject({ overheadMs: 120 })
  })
  test('names the timeouts of an engine that cannot follow', () => {
    const plan = (timeScale: number): Plan =>
      compile({ patterns: '[durable-postgres, durable-postgres@tuned, sync]', tail: `timeScale: ${timeScale}` })
    const floored = (timeScale: number) =>
      plan(timeScale).cells.map(({ tuning, floored: all }) => [tuning, all?.length])
    expect(floored(5).toSorted(([a], [b]) => (a! < b! ? -1 : 1))).toEqual([
      ['default', undefined],
      ['default', undefined],
      ['tuned', undefined],
    ])
    const tuned = plan(10).cells.find(({ pattern }) => pattern === 'durable-postgres@tuned')!
    expect(tuned).toMatchObject({ engine: 'postgres', tuning: 'tuned', delivery: 'sse-polling' })
    expect(tuned.floored).toEqual([{ name: 'leaseMs', wantedMs: 500, ms: 1000, why: 'a busy machine' }])
  })
  test('scales the defaults of a fault as well', () => {
    const arm = 'a: [{ fault: receiver-slow, at: 1m, for: 1m }]'
    const slow = compile({ arms: arm, patterns: '[webhook]', tail: 'timeScale: 10' })
    expect(cell(slow, 'webhook.a.1').faults[0]!.params).toEqual({ delayMs: 2000, probability: 1 })
  })
})

describe('cells', () => {
  const text = {
    patterns: '[sync, webhook, sse-polling, durable-postgres]',
    arms: `none: []\n${kills}`,
    tail: 'repetitions: 3',
  }
  const plan = compile(text)
  test('are one per pattern, arm and repetition, in blocks', () => {
    expect(plan.cells).toHaveLength(24)
    expect(new Set(plan.cells.map(({ id }) => id)).size).toBe(24)
    const blocks = [...Map.groupBy(plan.cells, ({ block }) => block).values()]
    expect(blocks.map(([first]) => `${first!.block} ${first!.arm}.${first!.repetition}`)).toEqual([
      '1 none.1',
      '2 kill.1',
      '3 none.2',
      '4 kill.2',
      '5 none.3',
      '6 kill.3',
    ])
  })
  test('of a block share seed and work, and differ between repetitions', () => {
    const seeds = [...Map.groupBy(plan.cells, ({ repetition }) => repetition).values()].map(
      (cells) => new Set(cells.map(({ seed }) => seed)),
    )
    expect(seeds.map(({ size }) => size)).toEqual([1, 1, 1])
    expect(new Set(seeds.flatMap((set) => [...set])).size).toBe(3)
  })
  test('say how many execute where an engine has another number of them', () => {
    const { cells } = compile({ patterns: '[sync, durable-postgres]', tail: 'replicas: { api: 1, executor: 2 }' })
    const executors = cells.map(({ pattern, executors: count = 'as given' }) => `${pattern}: ${count}`)
    expect(executors.toSorted()).toEqual(['durable-postgres: as given', 'sync: 1'])
  })
  test('of a block run in even parts where fewer at once are asked for', () => {
    const parts = compile({ ...text, tail: `${text.tail}\nsideBySide: 3` })
    const blocks = [...Map.groupBy(parts.cells, ({ block }) => block).values()]
    expect(blocks.map(({ length }) => length)).toEqual(Array.from({ length: 12 }, () => 2))
    const unnumbered = ({ cells }: Plan) => cells.map((one) => ({ ...one, block: 0 }))
    expect(unnumbered(parts)).toEqual(unnumbered(plan))
    expect(formatSchedule(parts)).toBe(formatSchedule(plan))
  })
  test('of a block run in a seeded random order', () => {
    const order = (made: Plan) => made.cells.map(({ id }) => id)
    expect(order(compile(text))).toEqual(order(plan))
    expect(order(compile(text, { seed: 2 }))).not.toEqual(order(plan))
    const first = plan.cells.filter(({ block }) => block === 1).map(({ pattern }) => pattern)
    const second = plan.cells.filter(({ block }) => block === 3).map(({ pattern }) => pattern)
    expect(first.toSorted()).toEqual(second.toSorted())
  })
  test('promise what delivery and engine both promise', () => {
    expect(cell(plan, 'sync.none.1').promises).toEqual(['no-phantom'])
    expect(cell(plan, 'durable-postgres.none.1').promises).toContain('no-lost-task')
    expect(cell(plan, 'sync.none.1').axes!.engine).toEqual(['no-phantom'])
  })
  test('say what the formulas need to know of both', () => {
    const open = { executor: 'api', inOneProcess: true, resubmits: true, callback: false }
    expect(cell(plan, 'sync.none.1').traits).toEqual(open)
    const durable = { executor: 'worker', inOneProcess: false, resubmits: false, callback: false }
    expect(cell(plan, 'durable-postgres.none.1').traits).toEqual(durable)
  })
})

describe('not applicable', () => {
  test('where the runtime does not offer what a fault needs', () => {
    const plan = compile(
      { arms: `${kills}\nstall: [{ fault: stall, target: client->api, at: 1m, for: 1m }]` },
      { runtime: 'plain' },
    )
    expect(plan.cells.map(({ arm }) => arm)).toEqual(['kill', 'kill'])
    expect(plan.notApplicable.map(({ arm, reason }) => `${arm}: ${reason}`)).toEqual([
      'stall: stall-1 needs "stall", which the runtime plain does not offer',
      'stall: stall-1 needs "stall", which the runtime plain does not offer',
    ])
  })
  test('says which runtimes could, if any', () => {
    const arms = (name: string) => compile({ arms: `a: [{ fault: ${name} }]` }).notApplicable[0]!.runtime
    expect(arms('partition, target: executor, at: 1m')).toEqual({ lacks: ['isolate'], instead: ['full'] })
    expect(arms('drop, target: client->api, at: 1m, for: 1m')).toEqual({ lacks: ['packet-filter'], instead: ['full'] })
    const mixed = compile({
      arms: 'a: [{ fault: drop, target: client->api, at: 1m, for: 1m }, { fault: pause, target: api, at: 1m }]',
    })
    expect(mixed.notApplicable[0]!.runtime).toEqual({ lacks: ['packet-filter'], instead: [] })
  })
  test('where no fault of the arm can touch the pattern', () => {
    const plan = compile({ patterns: '[sync, webhook]', arms: 'down: [{ fault: receiver-down, at: 0s, for: load }]' })
    expect(plan.cells.map(({ id }) => id)).toEqual(['webhook.down.1'])
    expect(plan.notApplicable).toEqual([
      { pattern: 'sync', arm: 'down', reason: 'receiver-down-1: sync has no sender->receiver' },
    ])
  })
  test('a fault that cannot touch a pattern leaves the others of its arm to it, and is named', () => {
    const arms = `both: [{ fault: kill, target: executor, every: 4m }, { fault: receiver-down, at: 0s, for: load }]`
    const plan = compile({ patterns: '[sync, webhook]', arms })
    const names = (id: string) => new Set(cell(plan, id).faults.map(({ fault }) => fault))
    expect(names('webhook.both.1')).toEqual(new Set(['kill', 'receiver-down']))
    expect(names('sync.both.1')).toEqual(new Set(['kill']))
    expect(cell(plan, 'sync.both.1').untouchedBy).toEqual([
      { fault: 'receiver-down-1', reason: 'sync has no sender->receiver' },
    ])
    expect(cell(plan, 'webhook.both.1')).not.toHaveProperty('untouchedBy')
  })
  test('an unknown runtime is refused with those that exist', () => {
    expect(() => compile({}, { runtime: 'mainframe' })).toThrow(
      'there is no runtime "mainframe"; runtimes: process, plain, full',
    )
  })
})

test('a gate on what is counted has a number and a share', () => {
  const gates = "gates: [{ pattern: sync, arm: none, posts: '<= 1 in >= 95 %', exposed: 3 }]"
  expect(compile({ tail: gates }).gates).toEqual([
    { pattern: 'sync', arm: 'none', metric: 'posts', atMost: 1, min: 0.95, exposed: 3 },
  ])
})

describe('work', () => {
  test('is research-write unless the scenario says otherwise', () => {
    expect(cell(compile({}), 'sync.none.1').profile).toBe('research-write')
  })
  test('can be described in the place of a profile, and decides how long the load lasts', () => {
    const arms = 'a: [{ fault: kill, target: executor, on: { task: 3, step: 1 } }]'
    const plan = compile({ arms, tail: 'work: { steps: 2, duration: 8m..10m }' })
    const { profile, faults } = cell(plan, 'sync.a.1')
    expect(profile).toBe('work/2/480000-600000')
    // 300 tasks at 30 a minute, and nine minutes for the last one.
    expect(faults).toMatchObject([{ trigger: { withinMs: 19 * 60_000 } }])
  })
})

describe('triggers', () => {
  test('by a step keep task and step, and end with the load', () => {
    const plan = compile({
      arms: 'a: [{ fault: kill, target: executor, on: { task: 3, step: 4, after: 2s } }]',
      tail: 'timeScale: 10',
    })
    expect(cell(plan, 'sync.a.1').faults[0]!.trigger).toEqual({
      kind: 'step',
      task: 3,
      step: 4,
      delayMs: 200,
      withinMs: 90_000,
    })
  })
  test('aimed at who did a step are one firing in every pattern, with no node chosen before the run', () => {
    const arms = 'kill: [{ fault: kill, target: executor-of-step, on: { task: 6, step: 1, after: 30s } }]'
    const plan = compile({ arms, patterns: '[sync, durable-postgres]', tail: 'timeScale: 60' })
    for (const id of ['sync.kill.1', 'durable-postgres.kill.1'])
      expect(cell(plan, id).faults).toMatchObject([
        {
          target: { kind: 'node', role: 'executor', ordinal: 'of-step' },
          trigger: { kind: 'step', task: 6, step: 1, delayMs: 500 },
        },
      ])
    expect(formatSchedule(plan)).toContain('"ordinal":"of-step"')
  })
  test('after an acceptance or an effect are one firing a task, each drawn from its window of real time', () => {
    const arms =
      'a: [{ fault: kill, target: api-of-task, on: accepted }]\nb: [{ fault: kill, target: executor-of-step, on: { effect: 7, within: 3ms } }]'
    const plan = compile({ arms, patterns: '[durable-postgres]', tail: 'timeScale: 60' })
    const accepted = cell(plan, 'durable-postgres.a.1').faults
    expect(accepted).toHaveLength(300)
    expect(accepted[4]).toMatchObject({
      id: 'kill-1#5',
      target: { kind: 'node', role: 'api', ordinal: 'of-task' },
      trigger: { kind: 'accepted', task: 5, windowMs: 20, withinMs: 17_000 },
    })
    const delays = accepted.map(({ trigger }) => (trigger.kind === 'accepted' ? trigger.delayMs : Number.NaN))
    expect([Math.min(...delays) >= 0, Math.max(...delays) < 20, new Set(delays).size > 290]).toEqual([true, true, true])
    expect(cell(plan, 'durable-postgres.b.1').faults).toMatchObject([
      { target: { ordinal: 'of-step' }, trigger: { kind: 'step', task: 7, step: 1, windowMs: 3 } },
    ])
  })
  test('without an ordinal hit one node, the same for every pattern', () => {
    const plan = compile({
      arms: 'a: [{ fault: kill, target: executor, at: 1m }]',
      tail: 'replicas: { api: 4, executor: 4 }',
    })
    const [a, b] = plan.cells.map(({ faults }) => faults)
    expect(a).toHaveLength(1)
    expect(a).toEqual(b)
  })
  test('with a star hit all nodes that a pattern has', () => {
    const plan = compile({
      arms: 'a: [{ fault: kill, target: executor-*, at: 1m }]',
      tail: 'replicas: { api: 2, executor: 3 }',
    })
    const hit = (id: string) => cell(plan, id).faults.map(({ target }) => target.ordinal)
    expect(hit('sync.a.1')).toEqual([0, 1])
    expect(hit('durable-postgres.a.1')).toEqual([0, 1, 2])
  })
  test('by a rate give each node its own process: a pattern with fewer nodes has those of its nodes', () => {
    const plan = compile({ arms: kills, tail: 'replicas: { api: 2, executor: 4 }' })
    const more = cell(plan, 'durable-postgres.kill.1').faults
    expect(cell(plan, 'sync.kill.1').faults).toEqual(more.filter(({ target }) => Number(target.ordinal) < 2))
    expect(new Set(more.map(({ target }) => target.ordinal))).toEqual(new Set([0, 1, 2, 3]))
    expect(more.map(({ params }) => params.meanGapMs)).toEqual(more.map(() => 240_000))
  })
  test.each([
    ['executor', 'all'],
    ['executor-*', 'all'],
    ['executor-1', 1],
  ])('of a fault that acts on all together hit %s at once', (target, ordinal) => {
    const arms = `a: [{ fault: partition, target: ${target}, at: 1m }]`
    const plan = compile({ arms, tail: 'replicas: { api: 2, executor: 3 }' }, { runtime: 'full' })
    for (const id of ['sync.a.1', 'durable-postgres.a.1'])
      expect(cell(plan, id).faults.map(({ id, target }) => [id, target.ordinal])).toEqual([['partition-1#1', ordinal]])
  })
  test('by a rate of a fault that acts on all together are one process, the same for every pattern', () => {
    const arms = 'a: [{ fault: rolling-deploy, target: executor, every: 3m, for: 1m }]'
    const plan = compile({ arms, tail: 'replicas: { api: 2, executor: 3 }' }, { runtime: 'full' })
    const { faults } = cell(plan, 'durable-postgres.a.1')
    expect(new Set(faults.map(({ target }) => target.ordinal))).toEqual(new Set(['all']))
    expect(cell(plan, 'sync.a.1').faults).toEqual(faults)
  })
  test('for: load lasts until the last task can no longer succeed', () => {
    const plan = compile({ patterns: '[webhook]', arms: 'a: [{ fault: receiver-down, at: 1m, for: load }]' })
    expect(cell(plan, 'webhook.a.1').faults[0]!.durationMs).toBe((10 + 5 + 2 - 1) * 60_000)
  })
  test('a rate that never fires is refused: its cell would look like a success', () => {
    expect(() => compile({ arms: 'a: [{ fault: kill, target: executor, every: 8000h }]' })).toThrow(
      /^kill-1 \(mean gap 8000h\) never fires in (sync|durable-postgres)\.a\.1 with seed 1; shorten its gap, offer more tasks, or take another seed$/m,
    )
  })
})

test('the same seed gives the same bytes, another seed others', () => {
  expect(formatSchedule(compile({ arms: kills }))).toBe(formatSchedule(compile({ arms: kills })))
  expect(formatSchedule(compile({ arms: kills }, { seed: 9 }))).not.toBe(formatSchedule(compile({ arms: kills })))
})
