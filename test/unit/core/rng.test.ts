import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRng, drawUniform } from '../../../harness/core/rng.ts'

describe('seeded randomness', () => {
  it('repeats for the same seed and label', () => {
    fc.assert(
      fc.property(fc.integer(), fc.string(), (seed, label) => {
        const [a, b] = [createRng(seed, label), createRng(seed, label)]
        expect([a.next(), a.next(), a.exponential(5)]).toEqual([b.next(), b.next(), b.exponential(5)])
      }),
    )
  })

  it('gives a fork that does not depend on what was drawn before', () => {
    const parent = createRng(1, 'parent')
    const early = parent.fork('child').next()
    parent.next()
    expect(parent.fork('child').next()).toBe(early)
  })

  it('is uniform: each tenth of the interval gets a tenth of the draws', () => {
    const rng = createRng(2026)
    const bins = Array.from({ length: 10 }, () => 0)
    for (let i = 0; i < 100_000; i++) bins[Math.floor(rng.next() * 10)]!++
    // Chi-square with 9 degrees of freedom: 27.9 is the 99.9 % point.
    expect(bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(27.9)
  })

  it('is uniform across neighbouring labels too, since every connection and task has its own stream', () => {
    const draws = Array.from({ length: 50_000 }, (_, i) => drawUniform(42, 'fault', i))
    const bins = Array.from({ length: 10 }, () => 0)
    for (const draw of draws) bins[Math.floor(draw * 10)]!++
    expect(bins.reduce((sum, count) => sum + (count - 5000) ** 2 / 5000, 0)).toBeLessThan(27.9)
    const meanProduct =
      draws.slice(1).reduce((sum, draw, i) => sum + (draw - 0.5) * (draws[i]! - 0.5), 0) / draws.length
    expect(Math.abs(meanProduct)).toBeLessThan(0.002)
  })

  it('has exponential gaps with the mean that was asked for', () => {
    const rng = createRng(3)
    const gaps = Array.from({ length: 50_000 }, () => rng.exponential(84))
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    expect(mean).toBeGreaterThan(82)
    expect(mean).toBeLessThan(86)
  })
})
