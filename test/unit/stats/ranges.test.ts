import { expect, test } from 'vitest'
import { boundsWhateverShared, intervalOverEpisodes } from '../../../harness/stats/episodes.ts'
import { clopperPearson, newcombe, wilson } from '../../../harness/stats/intervals.ts'
import { countDiscordant, mcnemarExact } from '../../../harness/stats/paired.ts'
import { quantile, quantileInterval, smallestForQuantile } from '../../../harness/stats/quantiles.ts'
import { powerOf, tasksToSettle } from '../../../harness/stats/sample-size.ts'

const nan = Number.NaN

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
])('%s: a RangeError, not a number', (_, call) => {
  expect(call).toThrow(RangeError)
})
