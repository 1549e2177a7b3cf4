import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf, emptyDigest, planTask, remainingMs, stepDigest } from '../../../patterns/agent/plan.ts'
import { meanTotalMs, nameWork, profileOf, profiles } from '../../../patterns/agent/profiles.ts'

const input = fc.record({
  seed: fc.nat(),
  profile: fc.constantFrom(...profiles.keys(), 'work/4/480000', 'work/100/1000-86400000'),
})

const nonceOf = (step: number): string => `nonce ${step}`

test('a plan is a pure function of its input', () => {
  fc.assert(fc.property(input, (i) => void expect(planTask(i, 60)).toEqual(planTask(i, 60))))
})

test('durations are positive and add up to the profile, whatever the seed and the scale', () => {
  const scale = fc.double({ min: 0.5, max: 1000, noNaN: true })
  const check = fc.property(input, scale, (i, timeScale) => {
    const plan = planTask(i, timeScale)
    const { leastMs, mostMs } = profileOf(i.profile)!
    expect(plan.idealMs).toBeGreaterThanOrEqual(leastMs / timeScale)
    expect(plan.idealMs).toBeLessThanOrEqual(mostMs / timeScale)
    expect(Math.abs(remainingMs(plan, 0) - plan.idealMs)).toBeLessThan(1e-6)
    expect(Math.min(...plan.steps.map(({ durationMs }) => durationMs))).toBeGreaterThan(0)
  })
  fc.assert(check)
})

test('research-write is 12 steps in exactly five minutes of whole milliseconds', () => {
  const { steps, idealMs } = planTask({ seed: 1, profile: 'research-write' }, 1)
  expect([steps.length, idealMs]).toEqual([12, 300_000])
  expect(steps.reduce((sum, { durationMs }) => sum + durationMs, 0)).toBe(300_000)
  expect(steps.map(({ index }) => index)).toEqual(steps.map((_, i) => i + 1))
  const other = planTask({ seed: 2, profile: 'research-write' }, 1)
  expect(other.steps.map(({ durationMs }) => durationMs)).not.toEqual(steps.map(({ durationMs }) => durationMs))
})

test('the answer does not depend on the time scale, but on the seed', () => {
  const digest = (seed: number, scale: number) => digestOf(planTask({ seed, profile: 'smoke' }, scale), nonceOf)
  expect(digest(1, 1)).toBe(digest(1, 60))
  expect(digest(1, 1)).not.toBe(digest(2, 1))
})

test('a step that was lost, repeated or done out of order changes the answer', () => {
  const plan = planTask({ seed: 3, profile: 'research-write' }, 1)
  const answer = (order: readonly number[]) =>
    order.reduce((digest, i) => stepDigest(digest, plan, i, nonceOf(i)), emptyDigest)
  const rightAnswer = digestOf(plan, nonceOf)
  const right = plan.steps.map(({ index }) => index)
  expect(answer(right)).toBe(rightAnswer)
  const wrong = fc.property(fc.nat(11), fc.nat(11), (i, j) => {
    expect(answer(right.toSpliced(i, 1))).not.toBe(rightAnswer)
    expect(answer(right.toSpliced(i, 0, right[i]!))).not.toBe(rightAnswer)
    if (i !== j) expect(answer(right.with(i, right[j]!).with(j, right[i]!))).not.toBe(rightAnswer)
  })
  fc.assert(wrong)
})

test('without the answer of the tool server to one step, the result is another', () => {
  const plan = planTask({ seed: 3, profile: 'research-write' }, 1)
  for (const { index } of plan.steps)
    expect(digestOf(plan, (step) => (step === index ? 'made up' : nonceOf(step)))).not.toBe(digestOf(plan, nonceOf))
})

test('what is not planned is refused', () => {
  expect(() => planTask({ seed: 1, profile: 'none' }, 1)).toThrow(RangeError)
  const plan = planTask({ seed: 1, profile: 'smoke' }, 1)
  expect(() => stepDigest('', plan, 0, '')).toThrow(RangeError)
  expect(() => stepDigest('', plan, 4, '')).toThrow(RangeError)
})

test('work that its name describes is what the name says, within limits', () => {
  const shape = { steps: 4, leastMs: 480_000, mostMs: 480_000, resultBytes: 0 }
  expect(nameWork(shape)).toBe('work/4/480000')
  expect(planTask({ seed: 1, profile: 'work/4/480000' }, 1)).toMatchObject({ idealMs: 480_000, resultBytes: 0 })
  const wide = nameWork({ steps: 1, leastMs: 5000, mostMs: 120_000, resultBytes: 20_000 })
  expect(wide).toBe('work/1/5000-120000/20000')
  expect(planTask({ seed: 1, profile: wide }, 1).resultBytes).toBe(20_000)
  const refused = [
    'work/0/1000',
    'work/101/100000',
    'work/2/19',
    'work/1/2000-1000',
    'work/1/86400001',
    'work/1/1000/200001',
  ]
  for (const name of [...refused, 'work/1', 'work/1/1e3', 'work/-1/1000', 'xwork/1/1000'])
    expect(profileOf(name)).toBeUndefined()
})

test('a paid call takes 5 to 120 s, half of them below 25 s, and 36 s on average', () => {
  const total = (seed: number): number => planTask({ seed, profile: 'paid-llm-call' }, 1).idealMs
  const all = Array.from({ length: 4000 }, (_, seed) => total(seed)).toSorted((a, b) => a - b)
  expect([all[0]! >= 5000, all.at(-1)! <= 120_000]).toEqual([true, true])
  // The median is sqrt(5 x 120) s. Four standard errors of 4,000 draws.
  expect(Math.abs(Math.log(all[2000]! / 24_495))).toBeLessThan(0.1)
  const mean = all.reduce((sum, ms) => sum + ms, 0) / all.length
  expect(Math.abs(mean - meanTotalMs(profiles.get('paid-llm-call')!))).toBeLessThan(2000)
})
