import { describe, expect, test } from 'vitest'
import { exposures } from '../../../harness/analysis/exposure.ts'
import { traceOf } from '../../../harness/analysis/trace.ts'
import { measureEpisodes } from '../../../harness/stats/recovery.ts'
import { measureRework, reworkInterval } from '../../../harness/stats/rework.ts'
import { effect, end, event, fault, intend, open, story, submit } from '../checkers/story.ts'

type Lines = Parameters<typeof story>[0]

/** Tasks every 10 ms, each done 105 ms after it was intended, except those that `lateBy` says. */
function steady(count: number, lateBy: (at: number) => number): Lines[number][] {
  return Array.from({ length: count }, (_, i) => i * 10).flatMap((at, i) => {
    const task = `t-${i + 1}`
    const late = lateBy(at)
    const begun = [intend(task, at), submit(task, at, 'ok')]
    const last = late === Infinity ? end(task, at + 300, 'info') : end(task, at + 105 + late, 'ok')
    return [...begun, effect(task, 1, at, { executor: `worker-${i % 2}` }), last]
  })
}

function episodes(lines: Lines) {
  const trace = traceOf(story(lines))
  return measureEpisodes(trace, ({ end }) => (end?.type === 'ok' ? end.at : Infinity))
}

describe('exposure', () => {
  const touched = (...lines: Lines) => [...exposures(traceOf(story(lines))).values()].flat().map(({ id }) => id)
  const t = 't-1'

  test('a node touches what ran on it at the onset', () => {
    const task = [intend(t), submit(t, 1, 'ok'), effect(t, 1, 10), end(t, 200, 'ok')]
    expect(touched(...task, ...fault('f', 'worker-0', 100, 150))).toEqual(['f'])
    expect(touched(...task, ...fault('f', 'worker-1', 100, 150))).toEqual([])
  })

  test('a task is out of reach before it is intended and after it has ended', () => {
    const task = [intend(t, 100), submit(t, 101, 'ok'), effect(t, 1, 110), end(t, 200, 'ok')]
    for (const [from, to] of [
      [50, 100],
      [200, 250],
    ] as const)
      for (const target of ['worker-0', 'store-0', 'client->api-0'])
        expect(touched(...task, ...fault('f', target, from, to))).toEqual([])
  })

  test('a task without any effect may have been anywhere; one that started elsewhere later was not there', () => {
    const begun = [intend(t), submit(t, 1, 'ok')]
    expect(touched(...begun, end(t, 300, 'info'), ...fault('f', 'worker-3', 100, 150))).toEqual(['f'])
    const later = effect(t, 1, 160)
    expect(touched(...begun, later, end(t, 250, 'ok'), ...fault('f', 'worker-3', 100, 150))).toEqual([])
    const takenOver = effect(t, 1, 160, { attempt: 2 })
    expect(touched(...begun, takenOver, end(t, 250, 'ok'), ...fault('f', 'worker-3', 100, 150))).toEqual(['f'])
  })

  test('a step that was cut short, by nothing that hit the node of the step before, may have been on any node that was hit', () => {
    const steps = [effect(t, 1, 10, { executor: 'worker-1' }), effect(t, 2, 160, { executor: 'worker-2', attempt: 2 })]
    const task = [intend(t), submit(t, 1, 'ok'), ...steps, end(t, 250, 'ok')]
    expect(touched(...task, ...fault('f', 'worker-3', 100, 150))).toEqual(['f'])
    expect(touched(...task, ...fault('f', 'worker-1', 100, 150), ...fault('g', 'worker-3', 100, 150))).toEqual(['f'])
    const earlier = fault('f', 'worker-1', 20, 40)
    expect(touched(...task, ...earlier, ...fault('g', 'worker-3', 100, 150))).toEqual(['f', 'g'])
    // The condition under which the whole load was offered explains nothing.
    const condition = fault('f', 'sender->receiver', 0, 9000)
    expect(touched(...task, ...condition, ...fault('g', 'worker-3', 100, 150))).toEqual(['f', 'g'])
    expect(touched(...task, ...fault('f', 'worker-3', 180, 190))).toEqual([])
    const within = [effect(t, 1, 10, { executor: 'worker-1' }), effect(t, 2, 160, { executor: 'worker-2' })]
    expect(touched(intend(t), ...within, end(t, 250, 'ok'), ...fault('f', 'worker-3', 100, 150))).toEqual([])
  })

  test('a task is where its latest attempt is, whatever the one before still does', () => {
    const zombie = effect(t, 2, 60, { executor: 'worker-1', endedAt: 95 })
    const heir = effect(t, 1, 50, { executor: 'worker-2', attempt: 2, endedAt: 90 })
    const task = [
      intend(t),
      submit(t, 1, 'ok'),
      effect(t, 1, 1, { executor: 'worker-1' }),
      zombie,
      heir,
      end(t, 250, 'fail'),
    ]
    expect(touched(...task, ...fault('f', 'worker-2', 100, 150))).toEqual(['f'])
    expect(touched(...task, ...fault('f', 'worker-1', 100, 150))).toEqual([])
  })

  test('an API node touches who submitted through it, a link to it likewise; the store touches all', () => {
    const task = [intend(t), submit(t, 1, 'ok'), effect(t, 1, 10), end(t, 200, 'ok')]
    const by = (target: string) => touched(...task, ...fault('f', target, 100, 150)).length
    expect([by('api-0'), by('api-1'), by('client->api-0'), by('client->api-1')]).toEqual([1, 0, 1, 0])
    expect([by('store-0'), by('worker->store-1'), by('client->api-1, client->api-0')]).toEqual([1, 1, 1])
  })
})

describe('an episode', () => {
  test('begins when the fault took effect, not when that was known', () => {
    const known = fault('f', 'worker-0', 560, 700).map((line) =>
      line.f === 'fault' && line.value.state === 'armed' ? { ...line, value: { ...line.value, onsetAt: 500 } } : line,
    )
    expect(episodes([...steady(200, () => 0), ...known])[0]).toMatchObject({ startedAt: 500, endedAt: 700 })
  })

  test('that nobody noticed was no outage', () => {
    const [episode] = episodes([...steady(200, () => 0), ...fault('f', 'worker-0', 500, 700)])
    expect(episode).toMatchObject({ restored: { kind: 'unbroken' }, lostTasks: 0, reworkedSteps: 0 })
    expect(episode).not.toHaveProperty('detectionMs')
  })

  test('of a condition has no after', () => {
    const [episode] = episodes([...steady(200, () => 0), ...fault('f', 'store-0', 0, 9000)])
    expect(episode).not.toHaveProperty('restored')
  })

  test('is measured by its tasks', () => {
    const lines = [
      ...steady(60, () => 0),
      ...['t-61', 't-62'].flatMap((task) => [
        intend(task, 600),
        submit(task, 600, 'ok'),
        open(task, 601),
        event(task, 602, 1),
      ]),
      effect('t-61', 1, 610),
      effect('t-62', 1, 610),
      ...fault('f', 'worker-0', 690, 720),
      {
        f: 'stream',
        type: 'observe',
        at: 695,
        process: 'client',
        task: 't-61',
        value: { taskId: 'x', state: 'heartbeat-missed' },
      } as const,
      effect('t-61', 1, 700, { attempt: 2, executor: 'worker-1' }),
      effect('t-61', 2, 750, { attempt: 2, executor: 'worker-1' }),
      end('t-61', 810, 'ok'),
      end('t-62', 900, 'info'),
    ]
    const [episode] = episodes(lines)
    expect(episode).toMatchObject({
      fault: 'f',
      startedAt: 690,
      endedAt: 720,
      lostTasks: 1,
      detectionMs: 5,
      interruptedTasks: 2,
      wentOnTasks: 1,
      reworkedSteps: 1,
      duplicateEffects: 1,
    })
    // Half of the affected never went on: the median is the other's 90 ms from its first step to its repetition.
    expect(episode!.affectedTasks).toBe(2)
    expect(episode!.taskStallMsMedian).toBe(90)
    expect(episode).not.toHaveProperty('taskStallMsMax')
  })

  test('a task that two faults touched is lost once', () => {
    const lines = [intend('t-1'), submit('t-1', 1, 'ok'), effect('t-1', 1, 10), end('t-1', 300, 'info')]
    const both = episodes([...lines, ...fault('f', 'worker-0', 70, 90), ...fault('g', 'worker-0', 150, 170)])
    expect(both.map(({ affectedTasks, lostTasks }) => [affectedTasks, lostTasks])).toEqual([
      [1, 1],
      [1, 0],
    ])
  })
})

test('rework is what was done again, and what was done for nothing', () => {
  const lines = [
    intend('t-1'),
    effect('t-1', 1, 10),
    effect('t-1', 2, 60),
    effect('t-1', 2, 200, { attempt: 2 }),
    intend('t-2'),
    effect('t-2', 1, 10),
  ]
  const { tasks } = traceOf(story(lines))
  expect(measureRework(tasks, ({ task }) => task === 't-1', new Map())).toEqual({
    plannedSteps: 4,
    executedSteps: 4,
    duplicateEffects: 1,
    ratio: 4 / 3 - 1,
    wastedMs: 100,
  })
  expect(measureRework([], () => true, new Map()).ratio).toBe(0)
})

test('a step that an exit cut off counts from the end of the step before it', () => {
  const lines = [intend('t-1'), effect('t-1', 1, 10), effect('t-1', 2, 200, { attempt: 2 })]
  const { tasks } = traceOf(story(lines))
  const [first] = tasks[0]!.effects
  const { executor, endedAt } = first!.value
  const during = new Map([[executor, [endedAt + 30]]])
  expect(measureRework(tasks, () => true, during).wastedMs).toBe(30)
  const afterwards = new Map([[executor, [100_000]]])
  expect(measureRework(tasks, () => true, afterwards).wastedMs).toBe(0)
})

describe('the interval of work done again', () => {
  const tasks = (count: number, repeats: (i: number) => boolean) => {
    const lines = Array.from({ length: count }, (_, i) => {
      const task = `t-${i + 1}`
      const again = repeats(i) ? [effect(task, 1, 200, { attempt: 2 })] : []
      return [intend(task), effect(task, 1, 10), effect(task, 2, 60), ...again]
    })
    return traceOf(story(lines.flat())).tasks
  }
  const none = new Map<string, readonly number[]>()

  test('holds the ratio, and narrows with more tasks', () => {
    const of = (count: number) => {
      const some = tasks(count, (i) => i % 10 === 0).map((task) => ({ task }))
      return reworkInterval(some, none, 'fixed').interval!
    }
    const [few, many] = [of(40), of(400)]
    for (const [low, high] of [few, many]) {
      expect(low).toBeLessThan(0.05)
      expect(high).toBeGreaterThan(0.05)
    }
    expect(many[1] - many[0]).toBeLessThan(few[1] - few[0])
  })

  test('reaches beyond nothing where nothing was done again', () => {
    const some = tasks(100, () => false).map((task) => ({ task }))
    const [low, high] = reworkInterval(some, none, 'fixed').interval!
    expect(low).toBe(0)
    expect(high).toBeCloseTo(0.0362, 4)
  })

  test('is not claimed over fewer than five faults that tasks share', () => {
    const some = tasks(40, (i) => i < 20).map((task, i) => ({ task, ...(i < 20 && { episode: `f-${i % 2}` }) }))
    expect(reworkInterval(some, none, 'fixed')).toEqual({ faults: 2 })
    expect(reworkInterval([], none, 'fixed')).toEqual({})
  })
})
