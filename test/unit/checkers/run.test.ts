import { describe, expect, test } from 'vitest'
import antiVacuity from '../../../harness/checkers/anti-vacuity.ts'
import harnessHealthy from '../../../harness/checkers/harness-healthy.ts'
import livenessAfterHeal from '../../../harness/checkers/liveness-after-heal.ts'
import noHang from '../../../harness/checkers/no-hang.ts'
import { plannedFault } from '../stats/cells.ts'
import { effect, end, fault, final, health, intend, story, submit } from './story.ts'

const t = 't-1'

/** Tasks submitted at these times, each with a result 100 ms later. */
function served(...times: readonly number[]): Parameters<typeof story>[0][number][] {
  return times.flatMap((at, i) => {
    const task = `t-${i + 1}`
    return [intend(task, at), submit(task, at, 'ok'), effect(task, 1, at), end(task, at + 100, 'ok')]
  })
}

describe('no-hang', () => {
  test('an outcome by the give-up time, with a second for a late timer', () => {
    expect(noHang.check(story([intend(t), end(t, 300, 'info')])).status).toBe('pass')
    expect(noHang.check(story([intend(t), end(t, 1200, 'info')])).status).toBe('pass')
    expect(noHang.check(story([intend(t), end(t, 1301, 'info')])).status).toBe('fail')
    expect(noHang.check(story([intend(t)]))).toMatchObject({
      status: 'fail',
      counts: { neverEnded: 1 },
      witnesses: [1],
    })
  })
})

describe('liveness-after-heal', () => {
  const check = (lines: Parameters<typeof story>[0], faults = [plannedFault({ id: 'f' })]) =>
    livenessAfterHeal.check(story(lines, { arm: 'kill', faults }))

  test('three results after the heal show life', () => {
    expect(check([...served(0, 300, 310, 320), ...fault('f', 'worker-0', 50, 250)]).status).toBe('pass')
    const two = [...served(0, 300, 310), intend('t-9', 320)]
    expect(check([...two, ...fault('f', 'worker-0', 50, 250)]).status).toBe('unknown')
  })

  test('life is a share of right results, not three of any kind', () => {
    const lost = (from: number, many: number) =>
      Array.from({ length: many }, (_, i) => [intend(`t-${from + i}`, 400 + i), end(`t-${from + i}`, 700 + i, 'info')])
    const healed = fault('f', 'worker-0', 50, 250)
    const after = served(300, 310, 320, 330, 340, 350, 360, 370)
    expect(check([...after, ...lost(9, 2).flat(), ...healed]).status).toBe('pass')
    expect(check([...after, ...lost(9, 3).flat(), ...healed]).status).toBe('fail')
    const wrong = after.map((line) =>
      line.f === 'task' && line.type === 'ok' ? { ...line, value: { ...line.value, digest: 'wrong' } } : line,
    )
    expect(check([...wrong, ...healed]).status).toBe('fail')
    const failed = after.map((line) =>
      line.f === 'task' && line.type === 'ok' ? { ...line, type: 'fail' as const, value: {} } : line,
    )
    expect(check([...failed, ...healed]).status).toBe('fail')
  })

  test('of who was never seen to work before the fault, death after it says nothing', () => {
    const missed = (at: number, from: number, many: number) =>
      Array.from({ length: many }, (_, i) => [
        intend(`t-${from + i}`, at + i),
        end(`t-${from + i}`, at + 300 + i, 'info'),
      ])
    const healed = fault('f', 'worker-0', 1000, 1250)
    const after = missed(1500, 20, 8).flat()
    expect(check([...missed(0, 1, 3).flat(), ...after, ...healed]).status).toBe('unknown')
    expect(check([...served(0), ...missed(1, 2, 2).flat(), ...after, ...healed]).status).toBe('fail')
    // Nobody was asked before: then it is the fault that took its life.
    expect(check([...after, ...healed]).status).toBe('fail')
  })

  test('what was usual before the onset is usual after the heal; of who hardly works nothing can be said', () => {
    const half = (at: number, from: number, right: number) =>
      Array.from({ length: 10 }, (_, i) => [
        intend(`t-${from + i}`, at + i),
        i < right ? end(`t-${from + i}`, at + 100 + i, 'ok') : end(`t-${from + i}`, at + 300 + i, 'info'),
      ]).flat()
    const faults = fault('f', 'worker-0', 450, 600)
    const lines = (before: number, after: number) => [...half(0, 1, before), ...half(700, 20, after), ...faults]
    expect(check(lines(5, 4)).status).toBe('pass')
    expect(check(lines(5, 3)).status).toBe('fail')
    expect(check(lines(10, 7)).status).toBe('fail')
    expect(check(lines(2, 2)).status).toBe('unknown')
  })

  test('tasks that another outage touched, or that began after it, say nothing of this heal', () => {
    const under = [5, 6, 7, 8, 9].flatMap((i) => [intend(`t-${i}`, 390 + i), end(`t-${i}`, 690 + i, 'info')])
    const both = [plannedFault({ id: 'f' }), plannedFault({ id: 'g' })]
    const faults = [...fault('f', 'store-0', 50, 250), ...fault('g', 'store-0', 450, 9000)]
    expect(check([...served(300, 310, 320), ...under, ...faults], both)).toMatchObject({
      counts: { alive: 1, dead: 0 },
    })
  })

  test('who was lost before the next outage came is left for this heal, though that outage met it', () => {
    const silent = [11, 12, 13, 14, 15].flatMap((i) => [intend(`t-${i}`, 200 + i), end(`t-${i}`, 500 + i, 'info')])
    const both = [plannedFault({ id: 'f' }), plannedFault({ id: 'g' })]
    const until = (next: number) => [
      ...served(0, 10, 20, 210, 211, 212, 1000, 1010, 1020),
      ...silent,
      ...fault('f', 'store-0', 150, 190),
      ...fault('g', 'store-0', next, next + 20),
    ]
    // Its notice is the grace, 100 ms here: from 416 on all of them should have been seen.
    expect(check(until(420), both)).toMatchObject({ status: 'fail', counts: { dead: 1, alive: 1 } })
    expect(check(until(300), both)).toMatchObject({ counts: { dead: 0 } })
  })

  test('heals with too few tasks to tell are asked together', () => {
    const onsets = Array.from({ length: 10 }, (_, i) => 1000 + i * 500)
    const faults = onsets.map((_, i) => plannedFault({ id: `f${i}` }))
    const few = (from: number, at: number, right: number) =>
      Array.from({ length: 4 }, (_, i) => {
        const task = `t-${from + i}`
        return [intend(task, at + i), i < right ? end(task, at + 100, 'ok') : end(task, at + 300, 'info')]
      }).flat()
    const lines = (right: (heal: number) => number) => [
      ...served(0, 10, 20, 30, 40, 50),
      ...onsets.flatMap((at, i) => [...fault(`f${i}`, 'store-0', at, at + 50), ...few(20 + 4 * i, at + 60, right(i))]),
    ]
    expect(
      check(
        lines((heal) => (heal === 0 ? 4 : 0)),
        faults,
      ),
    ).toMatchObject({
      status: 'fail',
      summary: 'no life after 10 of 10 heals together, each with too few tasks to tell',
    })
    // Bad luck after two of ten is no death.
    expect(
      check(
        lines((heal) => (heal < 2 ? 2 : 4)),
        faults,
      ),
    ).toMatchObject({ status: 'pass', counts: { alive: 8 } })
  })

  test('where every task got its result nothing stayed away, however few were left after the heal', () => {
    for (const healedAt of [800, 415]) {
      const throughout = fault('f', 'worker-0', 50, healedAt)
      expect(check([...served(0, 300, 310, 320), ...throughout])).toMatchObject({
        status: 'pass',
        counts: { alive: 1 },
      })
      // One has none: nobody knows what the heal did for it.
      expect(check([...served(0, 10, 300, 310, 320), intend('t-9', 330), ...throughout]).status).toBe('unknown')
      expect(check([...served(0, 300), ...throughout]).status).toBe('unknown')
    }
  })

  test('what was never to end while a result counts is not asked for a recovery', () => {
    const lines = [...served(0), intend('t-2', 40), end('t-2', 340, 'info'), ...fault('f', 'worker-0', 120, 900)]
    const until = (endMs: number) => [
      plannedFault({ id: 'f', trigger: { kind: 'time', atMs: 120 }, durationMs: endMs - 120 }),
    ]
    const step = { kind: 'step', task: 1, step: 1, delayMs: 0, withinMs: 900 } as const
    const since = (durationMs: number) => [plannedFault({ id: 'f', trigger: step, durationMs })]
    // Their results count until 200 and 240.
    expect(check(lines, since(120)).counts).toEqual({ heals: 0 })
    expect(check(lines, since(119)).status).toBe('unknown')
    expect(check(lines, until(240)).counts).toEqual({ heals: 0 })
    expect(check(lines, until(239)).status).toBe('unknown')
  })

  test('five tasks without a result show death', () => {
    const silent = [1, 2, 3, 4, 5].flatMap((i) => [intend(`t-${i}`, 300 + i), end(`t-${i}`, 600 + i, 'info')])
    expect(check([...silent, ...fault('f', 'worker-0', 50, 250)])).toMatchObject({
      status: 'fail',
      counts: { dead: 1 },
    })
    expect(check([...silent.slice(2), ...fault('f', 'worker-0', 50, 250)]).status).toBe('unknown')
  })

  test('one heal with life does not excuse another without', () => {
    const silent = [11, 12, 13, 14, 15].flatMap((i) => [intend(`t-${i}`, 900 + i), end(`t-${i}`, 1200 + i, 'info')])
    const both = [plannedFault({ id: 'f' }), plannedFault({ id: 'g' })]
    const lines = [...served(300, 310, 320), ...fault('f', 'worker-0', 50, 250), ...fault('g', 'worker-0', 500, 800)]
    expect(check([...lines, ...silent], both)).toMatchObject({ status: 'fail', counts: { alive: 1, dead: 1 } })
  })

  test('draws per connection are no outage; an outage that is not proven proves no recovery', () => {
    const perConnection = [plannedFault({ id: 'f', params: { probability: 0.1 } })]
    const drawn = check([...served(0), ...fault('f', 'sender->receiver-0', 50, 250)], perConnection)
    expect(drawn.status).toBe('unexercised')
    expect(check(served(0, 300, 310, 320)).status).toBe('unknown')
  })
})

describe('anti-vacuity', () => {
  test('the control needs a success, with an effect behind it', () => {
    expect(antiVacuity.check(story(served(0))).status).toBe('pass')
    expect(
      antiVacuity.check(story([intend(t), submit(t, 0, 'ok'), end(t, 9, 'fail', { reason: 'gone' })])).status,
    ).toBe('fail')
    expect(antiVacuity.check(story([intend(t), submit(t, 0, 'ok'), end(t, 100, 'ok')])).status).toBe('fail')
  })

  test('of a control that fails it is said how one of its tasks did', () => {
    const lost = { ...end('t-2', 301, 'info'), error: 'gave up; the last answer: HTTP 201 without what was asked for' }
    const bad = [intend('t-2', 1), submit('t-2', 1, 'info'), lost]
    const said = (lines: Parameters<typeof story>[0]) => antiVacuity.check(story(lines)).summary
    const example = 't-2: gave up; the last answer: HTTP 201 without what was asked for'
    expect(said(bad)).toBe(`no task succeeded although nothing was broken; ${example}`)
    expect(said([...served(0), ...bad, intend('t-3', 2), end('t-3', 302, 'info')])).toBe(
      `only 1 of 3 tasks succeeded although nothing was broken; ${example}`,
    )
    const long = said([...bad.slice(0, 2), { ...lost, error: 'x'.repeat(9999) }])
    expect(long.length).toBeLessThan(500)
  })

  test('tasks that were not offered are nothing', () => {
    const lines = [intend(t), end(t, 0, 'fail', { reason: 'not-offered' })]
    expect(antiVacuity.check(story(lines))).toMatchObject({ status: 'fail', counts: { sent: 0 } })
  })

  test('another arm needs tasks under a proven fault, and may well end without any success', () => {
    const under = (lines: Parameters<typeof story>[0]) => antiVacuity.check(story(lines, { arm: 'kill' })).status
    const gone = [intend(t), submit(t, 0, 'ok'), end(t, 200, 'fail', { reason: 'gone' })]
    expect(under([...gone, ...fault('f', 'api-0', 50, 250)])).toBe('pass')
    expect(under([...gone, ...fault('f', 'api-0', 400, 500)])).toBe('fail')
    expect(under([...gone, ...fault('f', 'api-1', 50, 250)])).toBe('fail')
    expect(under(gone)).toBe('fail')
  })

  test('a fate that nobody knows cannot be counted', () => {
    const lines = [...served(0), intend('t-2'), submit('t-2', 1, 'ok'), end('t-2', 300, 'info')]
    expect(antiVacuity.check(story([...lines, final('t-2', 'info', { found: false })])).status).toBe('unknown')
    expect(antiVacuity.check(story([...lines, final('t-2', 'ok', { found: false })])).status).toBe('pass')
  })
})

describe('harness-healthy', () => {
  const check = (over: Parameters<typeof health>[0], ...more: Parameters<typeof story>[0]) =>
    harnessHealthy.check(story([...served(0), health(over), ...more]))

  test('within its limits', () => {
    expect(check({}).status).toBe('pass')
    expect(check({ pacerLagP99Ms: 5, eventLoopDelayP99Ms: 20 }).status).toBe('pass')
  })

  test.each([{ pacerLagP99Ms: 5.1 }, { eventLoopDelayP99Ms: 20.1 }, { notOffered: 1 }, { ledgerGaps: 1 }])(
    '%o is sick',
    (over) => {
      expect(check(over).status).toBe('fail')
    },
  )

  test('a task that ends twice, or is not in the plan, is a broken record', () => {
    expect(check({}, end(t, 120, 'ok')).status).toBe('fail')
    expect(harnessHealthy.check(story([...served(0), health()], { tasks: 2 })).status).toBe('fail')
  })

  test('silence is not health', () => {
    expect(harnessHealthy.check(story(served(0))).status).toBe('unknown')
  })
})
