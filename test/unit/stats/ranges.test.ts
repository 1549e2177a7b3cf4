import { expect, test } from 'vitest'
import { blockMean } from '../../../harness/stats/blocks.ts'
import { boundsWhateverShared, intervalOverEpisodes } from '../../../harness/stats/episodes.ts'
import {
  testEquivalence,
  newcombePaired,
  countDiscordant,
  mcnemarExact,
} from '../../../harness/stats/paired-difference.ts'
import { worseThan } from '../../../harness/stats/fisher.ts'
import { hodgesLehmann, signedRank } from '../../../harness/stats/signed-rank.ts'
import { holm } from '../../../harness/stats/holm.ts'
import { clopperPearson, newcombe, wilson } from '../../../harness/stats/intervals.ts'
import { waitingQuantile } from '../../../harness/stats/kaplan-meier.ts'
import { pairsToTellApart, powerOfPairs, smallestDifference } from '../../../harness/stats/power.ts'
import { quantile, quantileInterval, smallestForQuantile } from '../../../harness/stats/quantiles.ts'
import { neededToSettle, powerOf, tasksToSettle } from '../../../harness/stats/sample-size.ts'
import { betaQuantile } from '../../../harness/stats/special.ts'

const nan = Number.NaN
const pairs = { both: 10, onlyA: 1, onlyB: 1, neither: 0 }
const overFive = { n: 10, failures: 5, episodes: Array.from({ length: 5 }, () => ({ n: 2, failures: 1 })) }

test.each([
  ['successes that are no number', () => clopperPearson(nan, 10)],
  ['more successes than tasks', () => clopperPearson(11, 10)],
  ['fewer than none', () => clopperPearson(-1, 10)],
  ['tasks that are no number', () => clopperPearson(1, nan)],
  ['tasks without end', () => clopperPearson(1, Infinity)],
  ['a confidence of 95', () => clopperPearson(1, 2, 95)],
  ['more successes than tasks, Wilson', () => wilson(11, 10)],
  ['no confidence, Wilson', () => wilson(1, 10, 0)],
  ['a difference with nothing', () => newcombe({ successes: 0, n: 0 }, { successes: 1, n: 2 })],
  ['a difference with more than all', () => newcombe({ successes: 3, n: 2 }, { successes: 1, n: 2 })],
  ['fewer pairs than none', () => mcnemarExact({ onlyA: -1, onlyB: 3 })],
  ['half a pair', () => mcnemarExact({ onlyA: 0.5, onlyB: 3 })],
  ['lists that are no pairs', () => countDiscordant([true], [])],
  ['a quantile beyond all', () => quantile([1, 2], 1.5)],
  ['a quantile that is no number', () => quantile([1, 2], nan)],
  ['a value that is no number', () => quantile([nan], 0.5)],
  ['an interval of a quantile that is no number', () => quantileInterval([1, 2, 3], nan)],
  ['an interval of the smallest', () => quantileInterval([1, 2, 3], 0)],
  ['an interval among values that are no numbers', () => quantileInterval(Array<number>(9).fill(nan), 0.5)],
  ['values for the smallest', () => smallestForQuantile(0)],
  ['values for the largest', () => smallestForQuantile(1)],
  ['failures that are more than the tasks', () => intervalOverEpisodes({ n: 1, failures: 2, episodes: [] }, 'fixed')],
  [
    'episodes that are more than the tasks',
    () => intervalOverEpisodes({ n: 3, failures: 0, episodes: [{ n: 4, failures: 0 }] }, 'fixed'),
  ],
  [
    'an episode that lost more than it has',
    () => boundsWhateverShared({ n: 9, failures: 4, episodes: [{ n: 2, failures: 3 }] }),
  ],
  ['a rate above 1', () => tasksToSettle(1.1, 0.9)],
  ['a limit that is no number', () => tasksToSettle(0.9, nan)],
  ['half a task', () => powerOf(0.5, 0.9, 0.8)],
  ['a power of a rate above 1', () => powerOf(10, 1.5, 0.5)],
  ['a power against a limit that is no number', () => powerOf(10, 0.9, nan)],
  ['a confidence of 1 over episodes', () => intervalOverEpisodes(overFive, 'fixed', 1)],
  ['a confidence that is no number over episodes', () => intervalOverEpisodes(overFive, 'drawn', nan)],
  ['faults for a limit that is no number', () => neededToSettle(overFive, 'fixed', nan)],
  ['tasks for a power of 80', () => tasksToSettle(0.9, 0.8, 80)],
  ['pairs that are fewer than none', () => newcombePaired({ ...pairs, onlyA: -1 })],
  ['pairs that are no number', () => newcombePaired({ ...pairs, both: nan })],
  ['a margin below none', () => testEquivalence(pairs, -0.1)],
  ['a margin wider than all', () => testEquivalence({ both: 0, onlyA: 0, onlyB: 0, neither: 0 }, 2)],
  ['a level of 5', () => powerOfPairs(10, 0, 0.1, 5)],
  ['pairs for a power of 80', () => pairsToTellApart(0, 0.1, 80)],
  ['a difference for a power that is no number', () => smallestDifference(10, nan)],
  ['a difference of no number', () => signedRank([nan, 1, 2])],
  ['a confidence of 2, Hodges-Lehmann', () => hodgesLehmann([1, 2, 3], 2)],
  ['a block of no number', () => blockMean([1, nan])],
  ['a p-value of no number', () => holm([nan, 0.1])],
  ['a p-value below 0', () => holm([-0.1])],
  ['more bad ones than there are', () => worseThan({ bad: 5, n: 3 }, { bad: 1, n: 3 })],
  ['half a bad one', () => worseThan({ bad: 0.5, n: 3 }, { bad: 1, n: 3 })],
  ['a waiting time of no number', () => waitingQuantile([{ endedMs: nan }], 0.5)],
  ['a waiting time quantile beyond all', () => waitingQuantile(['never'], 1.5)],
  ['a quantile of a distribution that is no number', () => betaQuantile(nan, 1, 1)],
])('%s: a RangeError, not a number', (_, call) => {
  expect(call).toThrow(RangeError)
})

test('nothing observed needs no number', () => {
  expect(neededToSettle({ n: 0, failures: 0, episodes: [] }, 'fixed', 0.9)).toBeUndefined()
})
