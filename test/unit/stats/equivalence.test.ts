import { expect, test } from 'vitest'
import { createRng } from '../../../harness/core/rng.ts'
import { areEquivalent, pairedDifference } from '../../../harness/stats/equivalence.ts'

test('the difference is that of the shares, shrunk by one pair in all', () => {
  const [low, high] = pairedDifference({ onlyA: 10, onlyB: 4 }, 98, 0.9)
  expect((low + high) / 2).toBeCloseTo(-0.06, 10)
  expect(
    pairedDifference({ onlyA: 4, onlyB: 10 }, 98, 0.9)
      .map((end) => -end)
      .toReversed(),
  ).toEqual([low, high])
  expect(() => pairedDifference({ onlyA: 6, onlyB: 5 }, 10, 0.9)).toThrow(RangeError)
  expect(() => pairedDifference({ onlyA: 0, onlyB: 0 }, 0, 0.9)).toThrow(RangeError)
})

test('what differs by the margin is taken for equivalent in at most 5 %, and what is the same is found to be', () => {
  const rng = createRng(3, 'equivalence')
  const share = (onlyA: number, onlyB: number): number => {
    let equivalent = 0
    for (let run = 0; run < 2000; run++) {
      const found = { onlyA: 0, onlyB: 0 }
      for (let pair = 0; pair < 300; pair++) {
        const draw = rng.next()
        if (draw < onlyA) found.onlyA++
        else if (draw < onlyA + onlyB) found.onlyB++
      }
      if (areEquivalent(pairedDifference(found, 300, 0.9), 0.05)) equivalent++
    }
    return equivalent / 2000
  }
  expect(share(0.07, 0.02)).toBeLessThan(0.065)
  expect(share(0.02, 0.02)).toBeGreaterThan(0.9)
})
