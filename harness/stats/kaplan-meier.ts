import { checkShare } from './intervals.ts'

/** A waiting time: it ended after so long; or it had not by then, and what came later is not known; or it never ends. */
export type Waiting = { readonly endedMs: number } | { readonly openMs: number } | 'never'

/** A quantile of waiting times; `beyond`: it is later than that, and nothing tells by how much. */
export type Reached = { readonly ms: number } | { readonly beyondMs: number }

/**
 * The time by which the share `q` has ended, with censored times taken into account (Kaplan and Meier 1958). It is the
 * first end at which no more than `1 - q` still wait. Infinity where so many never end. Undefined for no waiting times.
 * Throws RangeError for a time that is NaN, or a share outside [0, 1].
 */
export function waitingQuantile(waiting: readonly Waiting[], q: number): Reached | undefined {
  checkShare(q, 'a quantile')
  if (waiting.some((one) => Number.isNaN(lastSeen(one)))) throw new RangeError('NaN is no waiting time')
  if (waiting.length === 0) return undefined
  const reached = waitingSteps(waiting).find(([, left]) => left <= 1 - q + 1e-12)
  if (reached) return { ms: reached[0] }
  const never = waiting.filter((one) => one === 'never').length
  if (never > (1 - q) * waiting.length + 1e-9) return { ms: Infinity }
  return { beyondMs: waiting.reduce((latest, one) => Math.max(latest, lastSeen(one)), 0) }
}

/** The share that still waits after each end, in order: what `waitingQuantile` reads its answers off. */
export function waitingSteps(waiting: readonly Waiting[]): readonly (readonly [ms: number, left: number])[] {
  let left = 1
  return endsOf(waiting).map(({ ms, ended, atRisk }) => [ms, (left *= 1 - ended / atRisk)] as const)
}

/** The distinct ends in their order, and how many were still waiting then: who never ends always is. */
function endsOf(waiting: readonly Waiting[]): readonly { ms: number; ended: number; atRisk: number }[] {
  const known = waiting.filter((one) => one !== 'never').toSorted((a, b) => lastSeen(a) - lastSeen(b))
  const ends: { ms: number; ended: number; atRisk: number }[] = []
  for (const [i, one] of known.entries()) {
    const ms = lastSeen(one)
    const isFirst = i === 0 || lastSeen(known[i - 1]!) < ms
    if (isFirst) ends.push({ ms, ended: 0, atRisk: waiting.length - i })
    if ('endedMs' in one) ends.at(-1)!.ended++
  }
  return ends.filter(({ ended }) => ended > 0)
}

function lastSeen(one: Waiting): number {
  if (one === 'never') return 0
  return 'endedMs' in one ? one.endedMs : one.openMs
}
