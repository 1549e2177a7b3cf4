import { expect, test } from 'vitest'
import { countCrashes } from '../../../harness/runtimes/_shared/pod.ts'

test('the delay doubles with every crash in a row, up to a cap, and begins anew after a long life', () => {
  const delayAfter = countCrashes(10)
  expect([0, 0, 0, 0, 0, 0, 0, 0].map(delayAfter)).toEqual([10, 20, 40, 80, 160, 320, 640, 640])
  expect(delayAfter(601)).toBe(10)
  expect(delayAfter(600)).toBe(20)
})
