import { expect, test } from 'vitest'
import type { CellResult, RunResults } from '../../../harness/model/results.ts'
import { factorialRows, factorialsOf } from '../../../reports/factorial.ts'

type Entry = readonly [delivery: string, engine: string, arm: string, successes: number, repetition?: number]

function run(...entries: readonly Entry[]): RunResults {
  const cells = entries.map(([delivery, engine, arm, successes, repetition = 1]) => ({
    cell: {
      pattern: `${delivery}+${engine}`,
      delivery,
      engine,
      arm,
      tuning: 'default',
      repetition,
      faults: arm === 'none' ? [] : [{}],
    },
    verdict: 'PASS',
    success: { successes, n: 100 },
    episodes: [],
  }))
  return { cells: cells as unknown as CellResult[], plan: { notApplicable: [] } } as unknown as RunResults
}

const crossed: readonly Entry[] = [
  ['webhook', 'memory', 'both', 70],
  ['webhook', 'postgres', 'both', 88],
  ['sse-polling', 'memory', 'both', 81],
  ['sse-polling', 'postgres', 'both', 100],
]

test('a crossed run is a grid per arm, the weakest of each axis first', () => {
  const found = factorialsOf(run(...crossed))
  expect(found.map(({ arm, engines }) => [arm, engines])).toEqual([['both', ['memory', 'postgres']]])
  expect(factorialRows(found)).toEqual([
    ['both', 'webhook', '70.0%', '88.0%'],
    ['', 'sse-polling', '81.0%', '100%'],
  ])
})

test('repetitions are one square together', () => {
  const again = crossed.map(([delivery, engine, arm]): Entry => [delivery, engine, arm, 60, 2])
  expect(factorialRows(factorialsOf(run(...crossed, ...again)))[0]).toEqual(['both', 'webhook', '65.0%', '74.0%'])
})

test('what is not crossed completely is no grid', () => {
  expect(factorialsOf(run(...crossed.slice(1)))).toEqual([])
  expect(factorialsOf(run(...crossed.filter(([delivery]) => delivery === 'webhook')))).toEqual([])
})

test('a pair that an arm does not touch leaves its square open', () => {
  const [first, ...others] = crossed
  const found = factorialsOf(run(...crossed, ...others.map(([d, e]): Entry => [d, e, 'kill', 90])))
  expect(found.find(({ arm }) => arm === 'kill')!.rows[0]!.squares[0]).toEqual([])
  expect(factorialRows(found)).toContainEqual(['kill', first![0], 'n/a', '90.0%'])
})
