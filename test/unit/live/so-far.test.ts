import fc from 'fast-check'
import { expect, test } from 'vitest'
import { successSoFar } from '../../../harness/live/so-far.ts'
import { clopperPearson } from '../../../harness/stats/intervals.ts'

const counts = fc.tuple(fc.nat(200), fc.nat(50), fc.nat(50), fc.nat(50)).map(([right, other, failed, open]) => ({
  tasks: 500,
  started: right + other + failed + open,
  ok: right + other,
  failed,
  right,
}))

test('with nothing sent there is nothing to say', () => {
  expect(successSoFar({ tasks: 10, started: 0, ok: 0, failed: 0, right: 0 })).toEqual({ right: 0, ended: 0, open: 0 })
})

test('when all have ended it is the interval of the report for independent tasks', () => {
  const all = { tasks: 200, started: 200, ok: 195, failed: 5, right: 190 }
  expect(successSoFar(all)).toEqual({ right: 190, ended: 200, open: 0, interval: clopperPearson(190, 200) })
})

test('it holds what the end will say, whatever becomes of the open tasks', () => {
  fc.assert(
    fc.property(counts, fc.double({ min: 0, max: 1, noNaN: true }), (now, share) => {
      fc.pre(now.started > 0)
      const { open, interval } = successSoFar(now)
      const right = now.right + Math.round(open * share)
      const [low, high] = clopperPearson(right, now.started)
      expect(interval![0]).toBeLessThanOrEqual(low + 1e-9)
      expect(interval![1]).toBeGreaterThanOrEqual(high - 1e-9)
    }),
  )
})
