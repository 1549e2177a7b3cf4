import { expect, test } from 'vitest'
import { type Waiting, waitingQuantile, waitingSteps } from '../../../harness/stats/kaplan-meier.ts'

const ended = (...times: readonly number[]): Waiting[] => times.map((endedMs) => ({ endedMs }))
const open = (...times: readonly number[]): Waiting[] => times.map((openMs) => ({ openMs }))

test('without anything unknown it is the nearest rank', () => {
  expect(waitingQuantile(ended(4, 1, 3, 2), 0.5)).toEqual({ ms: 2 })
  expect(waitingQuantile(ended(1, 1, 1, 9), 0.9)).toEqual({ ms: 9 })
  expect(waitingQuantile([], 0.5)).toBeUndefined()
})

test('one of 20 who was taken over after a second is not a median of a second', () => {
  const waiting: Waiting[] = [...ended(1_000), ...Array.from({ length: 19 }, () => 'never' as const)]
  expect(waitingQuantile(waiting, 0.5)).toEqual({ ms: Infinity })
  expect(waitingQuantile(waiting, 0.05)).toEqual({ ms: 1_000 })
})

/** The 21 patients treated with 6-MP of Freireich et al. 1963: the median remission is 23 weeks, S(6) = 0.857, S(22) = 0.538. */
test('agrees with the textbook', () => {
  const weeks = [...ended(6, 6, 6, 7, 10, 13, 16, 22, 23), ...open(6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)]
  expect(waitingQuantile(weeks, 0.5)).toEqual({ ms: 23 })
  expect(waitingQuantile(weeks, 1 - 0.857)).toEqual({ ms: 7 })
  expect(waitingQuantile(weeks, 0.142)).toEqual({ ms: 6 })
  expect(waitingQuantile(weeks, 0.9)).toEqual({ beyondMs: 35 })
  // Their whole table, as printed with three digits.
  const table = [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448]
  expect(waitingSteps(weeks).map(([ms]) => ms)).toEqual([6, 7, 10, 13, 16, 22, 23])
  for (const [i, [, left]] of waitingSteps(weeks).entries()) expect(left).toBeCloseTo(table[i]!, 3)
})

test('who waits for ever is left at the end', () => {
  expect(waitingSteps([...ended(1, 3), 'never', 'never'])).toEqual([
    [1, 0.75],
    [3, 0.5],
  ])
  expect(waitingSteps([])).toEqual([])
})

test('what is not known is later than the last that is, unless too many never end', () => {
  expect(waitingQuantile([...ended(1), ...open(5, 7)], 0.9)).toEqual({ beyondMs: 7 })
  expect(waitingQuantile([...ended(1), ...open(5), 'never', 'never'], 0.9)).toEqual({ ms: Infinity })
})
