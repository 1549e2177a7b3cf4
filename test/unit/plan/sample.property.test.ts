import { assert, integer, nat, property } from 'fast-check'
import { expect, test } from 'vitest'
import { sampleFaults, type SampleContext } from '../../../harness/plan/sample.ts'
import type { Arm, FaultSpec } from '../../../harness/scenario/scenario.ts'

const minute = 60_000
const context = (rest: Partial<SampleContext> = {}): SampleContext => ({
  seed: 1,
  repetition: 1,
  timeScale: 60,
  windowMs: 600 * minute,
  graceMs: 2 * minute,
  tasks: 300,
  countNodes: () => 4,
  ...rest,
})
const kill = (meanGapMs: number, rest: Partial<FaultSpec> = {}): FaultSpec => ({
  id: 'kill-1',
  fault: 'kill',
  forMs: 30_000,
  params: {},
  compose: false,
  together: false,
  target: { kind: 'node', role: 'executor', ordinal: 'any' },
  trigger: { kind: 'every', meanGapMs },
  ...rest,
})
const stall: FaultSpec = {
  id: 'stall-1',
  fault: 'stall',
  forMs: 30_000,
  params: {},
  compose: false,
  together: false,
  target: { kind: 'link', link: 'client->api', ordinal: 'all' },
  trigger: { kind: 'every', meanGapMs: 20 * minute },
}
const arm = (...faults: FaultSpec[]): Arm => ({ name: 'it', faults })
const times = (firings: ReturnType<typeof sampleFaults>) =>
  firings.map(({ trigger }) => (trigger.kind === 'time' ? trigger.atMs : Number.NaN))

test('every firing begins inside the window, in order, with an id of its own', () => {
  assert(
    property(nat(), integer({ min: 1, max: 200 }), integer({ min: 1, max: 500 }), (seed, gap, scale) => {
      const firings = sampleFaults(arm(kill(gap * minute), stall), context({ seed, timeScale: scale }))
      const at = times(firings)
      expect(at.every((ms) => ms >= 0 && ms <= (600 * minute) / scale)).toBe(true)
      expect(at).toEqual(at.toSorted((a, b) => a - b))
      expect(new Set(firings.map(({ id }) => id)).size).toBe(firings.length)
    }),
    { numRuns: 50 },
  )
})

test('a node is never hit while it is away or coming back', () => {
  assert(
    property(nat(), (seed) => {
      const firings = sampleFaults(arm(kill(3 * minute)), context({ seed }))
      for (const own of Map.groupBy(firings, ({ target }) => target.ordinal).values()) {
        const gaps = times(own).map((ms, i, all) => (i === 0 ? Infinity : ms - all[i - 1]!))
        expect(Math.min(...gaps)).toBeGreaterThanOrEqual(500 + 2500 - 0.001)
      }
    }),
    { numRuns: 30 },
  )
})

test('the number of kills is what the rate says', () => {
  // Real milliseconds: 84 s up on average, then 0.5 s away and 2.5 s to settle, in 600 s on 4 nodes.
  const seeds = Array.from({ length: 100 }, (_, seed) => seed)
  const counts = seeds.map((seed) => sampleFaults(arm(kill(84 * minute)), context({ seed })).length)
  const mean = counts.reduce((a, b) => a + b) / counts.length
  // A process that starts up has one renewal per mean cycle, less its first down time.
  const expected = (4 * 600) / (84 + 3)
  // 100 seeds: the standard error is sqrt(28 / 100) = 0.53, so four of them.
  expect(Math.abs(mean - expected)).toBeLessThan(2.2)
})

test('the first kill of a node comes after an exponential time: a task of five minutes outlives it with exp(-5/84)', () => {
  const n = 8000
  const outlived = Array.from({ length: n }, (_, seed) => {
    const [first] = sampleFaults(arm(kill(84 * minute)), context({ seed, countNodes: () => 1, windowMs: 6 * minute }))
    return !first || times([first])[0]! > 5000
  }).filter(Boolean).length
  // Standard error 0.26 points: four of them.
  expect(Math.abs(outlived / n - Math.exp(-5 / 84))).toBeLessThan(0.0105)
})

test('a fault, a node or a repetition more leaves the draws of the others alone', () => {
  assert(
    property(nat(), (seed) => {
      const alone = sampleFaults(arm(kill(30 * minute)), context({ seed }))
      const beside = sampleFaults(arm(stall, kill(30 * minute)), context({ seed }))
      expect(beside.filter(({ fault }) => fault === 'kill')).toEqual(alone)
      const more = sampleFaults(arm(kill(30 * minute)), context({ seed, countNodes: () => 5 }))
      const place = ({ target, trigger, seed }: (typeof more)[number]) => ({ target, trigger, seed })
      expect(more.filter(({ target }) => target.ordinal !== 4).map(place)).toEqual(alone.map(place))
    }),
    { numRuns: 30 },
  )
})

const deploy = kill(30 * minute, {
  id: 'rolling-deploy-1',
  fault: 'rolling-deploy',
  together: true,
  target: { kind: 'node', role: 'executor', ordinal: 'all' },
})

test('nodes that are hit together share one process, however many they are', () => {
  assert(
    property(nat(), integer({ min: 1, max: 9 }), (seed, nodes) => {
      const firings = sampleFaults(arm(deploy), context({ seed, countNodes: () => nodes }))
      expect(firings).toEqual(sampleFaults(arm(deploy), context({ seed })))
      expect(new Set(firings.map(({ target }) => target.ordinal))).toEqual(new Set(['all']))
      const gaps = times(firings).map((ms, i, all) => (i === 0 ? Infinity : ms - all[i - 1]!))
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(500 + 2500 - 0.001)
    }),
    { numRuns: 30 },
  )
})

test('arms and repetitions draw on their own', () => {
  const one = sampleFaults(arm(kill(30 * minute)), context())
  expect(sampleFaults({ ...arm(kill(30 * minute)), name: 'other' }, context())).not.toEqual(one)
  expect(sampleFaults(arm(kill(30 * minute)), context({ repetition: 2 }))).not.toEqual(one)
})

test('time scale changes the clock, not the draws', () => {
  // Without the settling time, which is real and therefore does not scale: links have none.
  const at1 = times(sampleFaults(arm(stall), context({ timeScale: 1 })))
  const at60 = times(sampleFaults(arm(stall), context({ timeScale: 60 })))
  expect(at60).toHaveLength(at1.length)
  at60.forEach((ms, i) => expect(ms * 60).toBeCloseTo(at1[i]!, 0))
})
