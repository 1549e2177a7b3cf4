import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Pace } from '../../../patterns/contract/client/pacing.ts'
import { timingAt } from '../../../patterns/contract/types/timing.ts'

// Time passes as fast as nobody waits for it: these are minutes.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const timing = timingAt(1)
const never = new AbortController().signal

function paceOf(uniform = 0, giveUpAt = Infinity) {
  return new Pace({ now: () => performance.now(), random: () => uniform }, timing, { giveUpAt })
}

/** When each of these requests goes out, in milliseconds, when each fails in this way. */
async function times(pace: Pace, count: number, after: (pace: Pace) => void, operation: 'read' | 'stream' = 'read') {
  const began = performance.now()
  const at: number[] = []
  for (let i = 0; i < count; i++) {
    const turn = pace.turn(operation, never)
    await vi.runAllTimersAsync()
    await turn
    at.push(Math.round(performance.now() - began))
    after(pace)
  }
  return at
}

test('two requests in a second and no more, whatever a server says', async () => {
  const at = await times(paceOf(), 6, (pace) => pace.pause('read', { adviceMs: 0 }))
  expect(at).toEqual([0, 0, 1100, 1100, 2200, 2200])
})

test('a request that never left counts for nothing', async () => {
  const at = await times(paceOf(), 4, (pace) => pace.unsent('read'))
  expect(at).toEqual([0, 0, 0, 0])
})

test('failures in a row double the wait up to the cap, with jitter; news ends the row', async () => {
  expect(await times(paceOf(0), 8, (pace) => pace.backOff('read'))).toEqual([
    0, 0, 1100, 3100, 7100, 15100, 25100, 35100,
  ])
  expect(await times(paceOf(1), 8, (pace) => pace.backOff('read'))).toEqual([
    0, 1000, 3000, 7000, 15000, 31000, 51000, 71000,
  ])
  const renewed = await times(paceOf(0.5), 4, (pace) => {
    pace.progressed('read')
    pace.backOff('read')
  })
  expect(renewed).toEqual([0, 500, 1100, 1600])
})

test('a stream that brings nothing is opened at most eight times in a minute', async () => {
  for (const uniform of [0, 0.3, 1]) {
    const at = await times(paceOf(uniform), 12, (pace) => pace.backOff('stream'), 'stream')
    expect(at.filter((ms) => ms < 60_000).length).toBeLessThanOrEqual(8)
  }
})

test('advice is a minimum, and cut at ten minutes', async () => {
  const after = (adviceMs: number) => (pace: Pace) => pace.backOff('read', { adviceMs })
  expect(await times(paceOf(0), 3, after(20_000))).toEqual([0, 20_000, 40_000])
  expect(await times(paceOf(1), 2, after(20_000))).toEqual([0, 21_000])
  expect(await times(paceOf(0), 2, after(999_999_000))).toEqual([0, 600_000])
})

test('a wait beyond the end of the job leaves a last try, and is patient for half a minute', async () => {
  const after = (adviceMs: number) => (pace: Pace) => pace.backOff('read', { adviceMs })
  const inMs = (ms: number) => performance.now() + ms
  expect(await times(paceOf(0, inMs(90_000)), 2, after(999_999_000))).toEqual([0, 85_000])
  expect(await times(paceOf(0, inMs(90_000)), 2, after(60_000))).toEqual([0, 60_000])
  expect(await times(paceOf(0, inMs(30_000)), 2, after(20_000))).toEqual([0, 20_000])
  expect(await times(paceOf(0, inMs(15_000)), 2, after(20_000))).toEqual([0, 20_000])
})

test('a submission’s last try leaves half of the time for the work', async () => {
  const pace = paceOf(0, performance.now() + 90_000)
  pace.backOff('submit', { adviceMs: 999_999_000 })
  const began = performance.now()
  const turn = pace.turn('submit', never)
  await vi.runAllTimersAsync()
  await turn
  expect(Math.round(performance.now() - began)).toBe(45_000)
})

test('hush is for every kind of request', async () => {
  const pace = paceOf()
  pace.hush(1_500)
  const began = performance.now()
  const turns = (['read', 'stream'] as const).map((operation) => pace.turn(operation, never))
  await vi.runAllTimersAsync()
  await Promise.all(turns)
  expect(performance.now() - began).toBeGreaterThanOrEqual(1_500)
})

test('never more than two in a second, for any row of answers', async () => {
  const answers = fc.array(fc.record({ adviceMs: fc.nat(3_000), isFailure: fc.boolean() }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(answers, fc.double({ min: 0, max: 0.99, noNaN: true }), async (row, uniform) => {
      const steps = [...row]
      const at = await times(paceOf(uniform), row.length, (pace) => {
        const { adviceMs, isFailure } = steps.shift()!
        if (isFailure) pace.backOff('read', { adviceMs })
        else pace.pause('read', { adviceMs })
      })
      for (const [i, ms] of at.slice(2).entries()) expect(ms - at[i]!).toBeGreaterThanOrEqual(1_000)
    }),
    { numRuns: 30 },
  )
})
