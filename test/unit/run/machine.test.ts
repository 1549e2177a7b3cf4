import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import { childrenOf, isVisible, openThreads, readCpuTimes } from '../../../harness/os/proc.ts'
import { trackCourse, trackDelay } from '../../../harness/run/machine/courses.ts'
import { watchStandstill, watchMachine } from '../../../harness/run/machine/watch.ts'
import { cellPlan } from '../stats/cells.ts'
import { spawn } from '../../support/programs.ts'

describe('a course', () => {
  test('knows its mean and its worst ten seconds', () => {
    const tracker = trackCourse()
    let total = 0
    for (let at = 0; at <= 60_000; at += 250) {
      if (at > 20_000 && at <= 25_000) total += 250
      tracker.add(at, 1000 + total)
    }
    expect(tracker.course()).toEqual({ mean: 0.0833, worst: 0.5, at: 15_000 })
  })

  test('of less than ten seconds is its mean; of one reading nothing', () => {
    const tracker = trackCourse()
    tracker.add(0, 500)
    expect(tracker.course()).toBeUndefined()
    tracker.add(4000, 1500)
    expect(tracker.course()).toEqual({ mean: 0.25, worst: 0.25, at: 0 })
  })

  test('a count that falls back a little is no share below zero', () => {
    const tracker = trackCourse()
    tracker.add(0, 100)
    tracker.add(1000, 90)
    expect(tracker.course()?.mean).toBe(0)
  })
})

describe('a delay', () => {
  test('keeps the worst spells of a window, the worst first, none overlapping', () => {
    const tracker = trackDelay(500)
    const waits = [0, 250, 200, 0, 0, 0, 100, 100, 0, 0]
    waits.forEach((waited, i) => tracker.add(i * 250, 250, waited))
    expect(tracker.delay('worker-0')).toEqual({
      name: 'worker-0',
      mean: 0.26,
      worst: [
        { at: 250, ms: 500, waitedMs: 450 },
        { at: 1500, ms: 500, waitedMs: 200 },
      ],
    })
  })

  test('a reading that came late is one long spell, and nobody waits longer than there was time', () => {
    const tracker = trackDelay(500)
    tracker.add(0, 3000, 9000)
    expect(tracker.delay('a').worst).toEqual([{ at: 0, ms: 3000, waitedMs: 3000 }])
  })

  test('calm is worth no line', () => {
    const tracker = trackDelay(500)
    for (let at = 0; at < 5000; at += 250) tracker.add(at, 250, 50)
    expect(tracker.delay('a')).toEqual({ name: 'a', mean: 0.2, worst: [] })
  })
})

test('a harness that was held up says for how long', async () => {
  using watch = watchStandstill()
  watch.start(monotonicMs())
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
  const { at, ms } = watch.longest()
  expect(ms).toBeGreaterThanOrEqual(299)
  expect(at).toBeLessThan(1000)
})

describe.skipIf(process.platform !== 'linux')('what the kernel tells', () => {
  test('a cell hears of the harness, of the machine, and of its own nodes alone', async () => {
    using watch = watchMachine()
    const child = spawn('sleep', ['5'])
    await once(child, 'spawn')
    const [mine, other] = [cellPlan({ id: 'a.none.1' }), cellPlan({ id: 'b.none.1' })]
    watch.node(mine, { node: 'worker-0', state: 'ready', pid: child.pid! })
    watch.node(other, { node: 'worker-7', state: 'exited' })
    watch.start(monotonicMs())
    watch.health(mine)
    await sleep(50)
    watch.health(mine)
    await sleep(50)
    const names = (cell: typeof mine) => watch.health(cell).processes?.map(({ name }) => name)
    expect(names(mine)?.toSorted()).toEqual(['harness', 'worker-0'])
    expect(names(other)).toEqual(['harness'])
    expect(watch.health(mine)).toMatchObject({ cores: expect.any(Number), own: { mean: expect.any(Number) } })
    child.kill('SIGKILL')
  })

  test('threads, children, processors', async () => {
    const child = spawn('sleep', ['5'])
    await once(child, 'spawn')
    expect(childrenOf(process.pid)).toContain(child.pid)
    using threads = openThreads(child.pid!)
    expect([...threads.read().keys()]).toEqual([child.pid])
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(threads.read().size).toBe(0)
    expect(isVisible(child.pid!)).toBe(false)
    expect(readCpuTimes()!.idleMs).toBeGreaterThan(0)
  })
})

test('a course is no more than all of the time, whenever the kernel brings its counts up to date', () => {
  const course = trackCourse()
  for (const [at, totalMs] of [
    [0, 0],
    [10_000, 10_200],
  ] as const)
    course.add(at, totalMs)
  expect(course.course()).toEqual({ mean: 1, worst: 1, at: 0 })
})
