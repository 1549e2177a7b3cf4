import { quantile, quantileInterval } from '../harness/stats/quantiles.ts'

/** Rounds that do not count: caches and compilers are cold, connections are not yet open. */
const warmUpRounds = 20

/**
 * Lets all parties act once per round, one after the other, so a disturbance of one soon disturbs the next. Every other
 * round begins at the other end. Resolves with the times of each, in the order of rounds: those of one round are
 * matched.
 */
export async function inTurns(
  rounds: number,
  acts: readonly ((round: number) => Promise<number>)[],
): Promise<readonly (readonly number[])[]> {
  const times = acts.map((): number[] => [])
  const order = [...acts.keys()]
  for (let round = -warmUpRounds; round < rounds; round++)
    for (const i of round % 2 === 0 ? order : order.toReversed()) {
      const ms = await acts[i]!(round)
      if (round >= 0) times[i]!.push(ms)
    }
  return times
}

/** `0.31 [0.30, 0.33]`: the median of matched differences, with its distribution-free 95 % interval. */
export function describeAdded(base: readonly number[], other: readonly number[]): string {
  const differences = other.map((ms, i) => ms - base[i]!)
  const interval = quantileInterval(differences, 0.5)
  return `${formatMs(quantile(differences, 0.5))} [${interval?.map(formatMs).join(', ') ?? 'too few'}]`
}

export function describeTimes(times: readonly number[]): readonly [p50: string, p99: string] {
  return [formatMs(quantile(times, 0.5)), formatMs(quantile(times, 0.99))]
}

function formatMs(ms: number | undefined): string {
  return ms === undefined ? 'n/a' : ms.toFixed(2)
}
