import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Design, drawSample, truthOf } from '../../../bench/episode-designs.ts'
import { createRng } from '../../../harness/core/rng.ts'
import {
  boundsWhateverShared,
  type Episode,
  type Firings,
  intervalOverEpisodes,
  type Sample,
} from '../../../harness/stats/episodes.ts'
import { clopperPearson } from '../../../harness/stats/intervals.ts'

const both: readonly Firings[] = ['fixed', 'drawn']

/** Episodes of one size that lost so many tasks each. */
function lost(n: number, ...failures: readonly number[]): readonly Episode[] {
  return failures.map((each) => ({ n, failures: each }))
}

function sampleOf(n: number, episodes: readonly Episode[], outside = 0): Sample {
  return { n, failures: episodes.reduce((sum, { failures }) => sum + failures, outside), episodes }
}

describe('how many faults there are', () => {
  test('without a fault that several tasks share it is Clopper-Pearson over tasks', () => {
    for (const firings of both) {
      expect(intervalOverEpisodes(sampleOf(100, [], 9), firings)).toEqual(clopperPearson(91, 100))
      expect(intervalOverEpisodes(sampleOf(100, lost(1, 1, 0, 1, 0), 7), firings)).toEqual(clopperPearson(91, 100))
    }
  })

  test.each([1, 2, 3, 4])('%i faults have no interval, whatever became of their tasks', (faults) => {
    for (const firings of both)
      for (const each of [0, 1, 10])
        expect(
          intervalOverEpisodes(sampleOf(200, lost(10, ...Array<number>(faults).fill(each))), firings),
        ).toBeUndefined()
  })

  test('five faults that lose all or nothing of all tasks are five observations', () => {
    for (const failed of [0, 1, 3, 5]) {
      const fates = [40, 40, 40, 40, 40].map((n, i) => ({ n, failures: i < failed ? n : 0 }))
      const [low, high] = intervalOverEpisodes(sampleOf(200, fates), 'fixed')!
      expect(low).toBeCloseTo(clopperPearson(5 - failed, 5)[0], 7)
      expect(high).toBeCloseTo(clopperPearson(5 - failed, 5)[1], 7)
    }
  })

  test('drawn faults that lose the same each are a Poisson count: Garwood, 8 events are 3.4538 to 15.7632', () => {
    const [low, high] = intervalOverEpisodes(sampleOf(100_000, lost(10, ...Array<number>(8).fill(10))), 'drawn')!
    expect((1 - high) * 10_000).toBeCloseTo(3.4538, 1)
    expect((1 - low) * 10_000).toBeCloseTo(15.7632, 1)
  })
})

describe('what faults can explain is bounded by what they touched', () => {
  test('300 of 300 under drawn kills that touched a tenth', () => {
    const [low, high] = intervalOverEpisodes(sampleOf(300, lost(3, ...Array<number>(10).fill(0))), 'drawn')!
    expect(low).toBeGreaterThan(0.95)
    expect(high).toBe(1)
  })

  test('two kills that lose 0 and 12 of 12 leave at least 176 of 200, minus chance', () => {
    const sample = sampleOf(200, lost(12, 0, 12))
    const [low, high] = boundsWhateverShared(sample)
    expect(low).toBeCloseTo(0.88 * clopperPearson(176, 176)[0], 12)
    expect(high).toBe(1)
  })

  test('one large fault does not weigh like all', () => {
    const kills = [...lost(2, ...Array<number>(40).fill(0)), { n: 40, failures: 0 }]
    expect(intervalOverEpisodes(sampleOf(2000, kills), 'drawn')![0]).toBeGreaterThan(0.99)
  })
})

describe('coverage (the whole grid: npm run bench:coverage)', () => {
  const shapes = [[1], [8, 4, 2, 1]]
  const worlds = [
    { touched: 0.1, inside: 0.8, outside: 1 },
    { touched: 0.4, inside: 0.5, outside: 1 },
    { touched: 1, inside: 0.8, outside: 0.8 },
    { touched: 1, inside: 0.03, outside: 0.03 },
  ]
  const designs = both.flatMap((firings) =>
    [5, 10].flatMap((faults) =>
      shapes.flatMap((sizes) =>
        worlds.flatMap((world) =>
          [0.2, 1].map((rho): Design => ({ firings, faults, sizes, tasks: 200, ...world, rho })),
        ),
      ),
    ),
  )
  const studies = 25

  test(
    'is 93 % or more where likeness is large, in all designs together and in each within chance',
    { timeout: 60_000 },
    () => {
      let [covered, shown] = [0, 0]
      for (const design of designs) {
        const truth = truthOf(design)
        const rng = createRng(7, JSON.stringify(design))
        const intervals = Array.from({ length: studies }, () =>
          intervalOverEpisodes(drawSample(rng, design), design.firings),
        )
        const told = intervals.filter((interval) => interval !== undefined)
        const right = told.filter(([low, high]) => low - 1e-12 <= truth && truth <= high + 1e-12).length
        const chance = 4 * Math.sqrt(told.length * 0.93 * 0.07)
        expect(right, JSON.stringify(design)).toBeGreaterThanOrEqual(told.length * 0.93 - chance)
        covered += right
        shown += told.length
      }
      expect(covered / shown).toBeGreaterThan(0.95)
      expect(covered / shown).toBeLessThan(0.995)
    },
  )
})

describe('monotone', () => {
  const episodes = fc.array(fc.tuple(fc.integer({ min: 2, max: 30 }), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: 5,
    maxLength: 9,
  })
  const study = fc
    .tuple(episodes, fc.integer({ min: 0, max: 200 }), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([drawn, others, share]): Sample => {
      const made = drawn.map(([n, failing]): Episode => ({ n, failures: Math.round(n * failing) }))
      const touched = made.reduce((sum, { n }) => sum + n, 0)
      return sampleOf(touched + others, made, Math.round(others * share))
    })

  test('one more success never lowers a bound, wherever it is', () => {
    fc.assert(
      fc.property(study, fc.constantFrom(...both), fc.nat(), (sample, firings, pick) => {
        const at = pick % (sample.episodes.length + 1)
        const one = sample.episodes[at]
        const inside = sample.episodes.reduce((sum, { failures }) => sum + failures, 0)
        fc.pre(one ? one.failures > 0 : sample.failures > inside)
        const better = sample.episodes.map((each, i) => (i === at ? { n: each.n, failures: each.failures - 1 } : each))
        const before = intervalOverEpisodes(sample, firings)!
        const after = intervalOverEpisodes({ ...sample, failures: sample.failures - 1, episodes: better }, firings)!
        expect(after[0]).toBeGreaterThanOrEqual(before[0] - 1e-8)
        expect(after[1]).toBeGreaterThanOrEqual(before[1] - 1e-8)
      }),
      { numRuns: 150, seed: 3 },
    )
  })

  test('twice the same evidence is narrower, of tasks and of faults', () => {
    fc.assert(
      fc.property(study, fc.constantFrom(...both), (sample, firings) => {
        const twice = {
          n: 2 * sample.n,
          failures: 2 * sample.failures,
          episodes: [...sample.episodes, ...sample.episodes],
        }
        const [one, two] = [sample, twice].map((each) => intervalOverEpisodes(each, firings)!)
        expect(two![1] - two![0]).toBeLessThanOrEqual(one![1] - one![0] + 1e-8)
      }),
      { numRuns: 60, seed: 4 },
    )
  })

  test('the order of faults, and in what order tasks came, is nothing', () => {
    const kills = [...lost(8, 3, 0), ...lost(4, 4, 1), ...lost(2, 0, 1)]
    const [one, two] = [kills, kills.toReversed()].map((each) => intervalOverEpisodes(sampleOf(100, each, 2), 'fixed')!)
    expect(one![0]).toBeCloseTo(two![0], 9)
    expect(one![1]).toBeCloseTo(two![1], 9)
  })
})
