import { describe, expect, test } from 'vitest'
import { createRng, type Rng } from '../../../harness/core/rng.ts'
import { traceOf } from '../../../harness/analysis/trace.ts'
import { measureEpisodes } from '../../../harness/stats/recovery.ts'
import type { Restored } from '../../../harness/model/results.ts'
import { fault, story } from '../checkers/story.ts'

/** A made-up system: what it does to a task that begins at `at` of a load, whose onset is at `onset`. */
interface World {
  readonly taskMs: number
  readonly ratePerSec: number
  readonly onsetMs: number
  readonly afterMs: number
  /** From the onset to the heal. */
  readonly faultMs: number
  /** When the client sees the result, beside the ideal time; Infinity for never. */
  lag(at: number, rng: Rng): number
}

/** What the history of this world says of its one outage, measured by the real path. */
function measure(world: World, seed: number): Restored {
  const { taskMs, ratePerSec, onsetMs, afterMs, faultMs } = world
  const rng = createRng(seed, 'world')
  const lines: Parameters<typeof story>[0][number][] = []
  let ordinal = 0
  for (let at = rng.exponential(1000 / ratePerSec); at < onsetMs + afterMs; at += rng.exponential(1000 / ratePerSec)) {
    const task = `t-${++ordinal}`
    const lag = world.lag(at - onsetMs, rng)
    const [dueAt, giveUpAt] = [at + taskMs, at + taskMs + 200_000]
    const value = { ordinal, intendedAt: at, idealMs: taskMs, steps: 1, deadlineAt: dueAt + 100_000, giveUpAt }
    const intent = { ...value, expectedDigest: 'right' }
    const about = { process: 'client', task } as const
    lines.push({ f: 'task', type: 'invoke', at, ...about, value: intent })
    if (lag === Infinity) lines.push({ f: 'task', type: 'info', at: giveUpAt, ...about, value: {} })
    else
      lines.push({ f: 'task', type: 'ok', at: dueAt + lag, ...about, value: { status: 'completed', digest: 'right' } })
  }
  const trace = traceOf(story([...lines, ...fault('f', 'store-0', onsetMs, onsetMs + faultMs)]))
  return measureEpisodes(trace, ({ end }) => (end?.type === 'ok' ? end.at : Infinity))[0]!.restored!
}

const outageMs = 7_000
const ordinaryLag = (rng: Rng): number => 20 + rng.exponential(20)
const base = { taskMs: 5_000, ratePerSec: 2, onsetMs: 40_000, afterMs: 60_000, faultMs: outageMs }

/** Of so many seeds, how many each answer got. */
function answers(world: World, seeds: number): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (let seed = 1; seed <= seeds; seed++) {
    const found = measure(world, seed)
    const right = found.kind === 'restored' && Math.abs(found.ms - outageMs) <= 500
    const name = found.kind === 'restored' ? (right ? 'right' : 'wrong') : found.kind
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

/** All tasks that begin in an outage are held up until its end; those before are not looked at. */
function stall(at: number, rng: Rng): number {
  return ordinaryLag(rng) + (at > 0 && at < outageMs ? outageMs - at : 0)
}

describe('an outage of 7 s is 7 s, or there were too few tasks to tell', () => {
  const cases = [0.5, 5, 300].flatMap((seconds) => [0.5, 1, 2, 5, 10].map((rate) => [seconds, rate] as const))
  test.each(cases)('tasks of %d s, %d a second', (seconds, ratePerSec) => {
    const taskMs = seconds * 1000
    const onsetMs = Math.max(40_000, taskMs + 40_000)
    const { right = 0, 'too-few': few = 0 } = answers({ ...base, taskMs, onsetMs, ratePerSec, lag: stall }, 40)
    expect(right + few).toBeGreaterThanOrEqual(39)
    if (ratePerSec >= 2) expect(right).toBeGreaterThanOrEqual(38)
  })

  test('also where the fault itself was short, and where a tenth of all tasks is lost anyway', () => {
    const lossy = (at: number, rng: Rng): number => (rng.next() < 0.1 ? Infinity : stall(at, rng))
    const { right = 0, 'too-few': few = 0 } = answers({ ...base, faultMs: 500, lag: lossy }, 200)
    expect(right + few).toBeGreaterThanOrEqual(194)
    expect(right).toBeGreaterThanOrEqual(180)
  })
})

test('a fault that does nothing is no outage, though a tenth of all tasks is lost throughout', () => {
  const lag = (_: number, rng: Rng): number => (rng.next() < 0.1 ? Infinity : ordinaryLag(rng))
  for (const ratePerSec of [1, 10]) {
    const { unbroken = 0, 'too-few': few = 0 } = answers({ ...base, faultMs: 30_000, ratePerSec, lag }, 200)
    expect(unbroken + few).toBeGreaterThanOrEqual(190)
    expect(unbroken).toBeGreaterThanOrEqual(140)
  }
})

test('where a fifth is lost for good from the onset, nothing is restored, and nothing reads as if it never was away', () => {
  const lag = (at: number, rng: Rng): number => (at > 0 && rng.next() < 0.2 ? Infinity : ordinaryLag(rng))
  for (const ratePerSec of [2, 10]) {
    const { beyond = 0, 'too-few': few = 0 } = answers({ ...base, ratePerSec, lag }, 200)
    expect(beyond + few).toBe(200)
    expect(beyond).toBeGreaterThanOrEqual(150)
  }
})

test('where everything is lost, the end of the load is all that is known', () => {
  const found = measure({ ...base, lag: (at, rng) => (at > 0 ? Infinity : ordinaryLag(rng)) }, 1)
  expect(found.kind).toBe('beyond')
  expect(found).toHaveProperty('ms', expect.closeTo(60_000, -4))
})

test('tasks that were lost in an outage tell when it was over at the latest', () => {
  const lag = (at: number, rng: Rng): number => (at > 0 && at < outageMs ? Infinity : ordinaryLag(rng))
  for (let seed = 1; seed <= 20; seed++) {
    const found = measure({ ...base, ratePerSec: 5, lag }, seed)
    expect(found).toMatchObject({ kind: 'restored', atMost: true })
    expect((found as { ms: number }).ms).toBeGreaterThanOrEqual(outageMs)
    expect((found as { ms: number }).ms).toBeLessThan(outageMs + 2_000)
  }
})

/** An outage in which only this share of the tasks is lost. */
const sparing = (share: number, loss = 0) => ({
  ...base,
  lag: (at: number, rng: Rng): number => {
    const lost = rng.next() < (at > 0 && at < outageMs ? share : loss)
    return lost ? Infinity : ordinaryLag(rng)
  },
})

test('where an outage spares two of three tasks, a bound of it is a bound', () => {
  for (const ratePerSec of [2, 5]) {
    const found = Array.from({ length: 150 }, (_, i) => measure({ ...sparing(1 / 3), ratePerSec }, i + 1))
    const bounds = found.flatMap((one) => (one.kind === 'restored' ? [one.ms] : []))
    expect(bounds.length).toBeGreaterThan(40)
    expect(bounds.filter((ms) => ms < outageMs - 500).length).toBeLessThanOrEqual(0.15 * bounds.length)
  }
})

test('an outage that spares half of few tasks is in doubt, and not as if it never was', () => {
  for (const loss of [0, 0.1]) {
    const { unbroken = 0 } = answers({ ...sparing(0.5, loss), ratePerSec: 2 }, 100)
    expect(unbroken).toBeLessThanOrEqual(12)
  }
})

test('where it ends, and a fifth of the tasks is lost from then on, nothing is restored', () => {
  const lag = (at: number, rng: Rng): number => {
    return rng.next() < (at > outageMs ? 0.2 : 0) ? Infinity : stall(at, rng)
  }
  for (const ratePerSec of [1, 2]) {
    const { right = 0, wrong = 0 } = answers({ ...base, ratePerSec, lag }, 100)
    expect(right + wrong).toBeLessThanOrEqual(12)
  }
})

test('one that the load did not outlast by the time to hold is not known to be over', () => {
  const found = measure({ ...base, afterMs: 30_000, lag: stall }, 3)
  expect(found.kind).toBe('beyond')
})

test('the length of a task does not enter, nor do those that were under way', () => {
  const interrupted = (at: number, rng: Rng): number => ordinaryLag(rng) + (at < 0 && at > -5_000 ? 3_000 : 0)
  expect(answers({ ...base, lag: interrupted }, 40)).toEqual({ unbroken: 40 })
})
