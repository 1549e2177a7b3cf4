import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf, emptyDigest, planTask, remainingMs, stepDigest } from '../../../patterns/agent/plan.ts'
import { profiles } from '../../../patterns/agent/profiles.ts'

const input = fc.record({ seed: fc.nat(), profile: fc.constantFrom(...profiles.keys()) })

const nonceOf = (step: number): string => `nonce ${step}`

test('a plan is a pure function of its input', () => {
  fc.assert(fc.property(input, (i) => void expect(planTask(i, 60)).toEqual(planTask(i, 60))))
})

test('durations are positive and add up to the profile, whatever the seed and the scale', () => {
  const scale = fc.double({ min: 0.5, max: 1000, noNaN: true })
  const check = fc.property(input, scale, (i, timeScale) => {
    const plan = planTask(i, timeScale)
    const total = profiles.get(i.profile)!.totalMs / timeScale
    expect(plan.idealMs).toBe(total)
    expect(Math.abs(remainingMs(plan, 0) - total)).toBeLessThan(1e-6)
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
