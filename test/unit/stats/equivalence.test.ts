import { expect, test } from 'vitest'
import { createRng } from '../../../harness/core/rng.ts'
import { testEquivalence } from '../../../harness/stats/paired-difference.ts'

/** Of 2,000 studies of 300 pairs, of which these shares succeed on one side only and half of the others on both. */
function shareShown(onlyA: number, onlyB: number): number {
  const rng = createRng(3, 'equivalence')
  let shown = 0
  for (let run = 0; run < 2000; run++) {
    const counts = { both: 0, onlyA: 0, onlyB: 0, neither: 0 }
    for (let pair = 0; pair < 300; pair++) {
      const draw = rng.next()
      if (draw < onlyA) counts.onlyA++
      else if (draw < onlyA + onlyB) counts.onlyB++
      else if (draw < (1 + onlyA + onlyB) / 2) counts.both++
      else counts.neither++
    }
    if (testEquivalence(counts, 0.05).isShown) shown++
  }
  return shown / 2000
}

test('what differs by the margin is taken for equivalent in at most 5 %, and what is the same is found to be', () => {
  expect(shareShown(0.07, 0.02)).toBeLessThan(0.07)
  expect(shareShown(0.02, 0.02)).toBeGreaterThan(0.9)
})

test('few pairs show nothing, and neither does a difference', () => {
  expect(testEquivalence({ both: 10, onlyA: 0, onlyB: 0, neither: 0 }, 0.05).isShown).toBe(false)
  expect(testEquivalence({ both: 200, onlyA: 60, onlyB: 0, neither: 40 }, 0.1).isShown).toBe(false)
})
