/** A waiting time: it ended after so long; or it had not by then, and what came later is not known; or it never ends. */
export type Waiting = { readonly endedMs: number } | { readonly openMs: number } | 'never'

/** A quantile of waiting times; `beyond`: it is later than that, and nothing tells by how much. */
export type Reached = { readonly ms: number } | { readonly beyondMs: number }

/**
 * The time by which the share `q` has ended, with what is not known taken into account (Kaplan and Meier 1958): the first end at
 * which no more than `1 - q` still wait. Infinity where so many never end. Undefined for no waiting times.
 */
export function waitingQuantile(waiting: readonly Waiting[], q: number): Reached | undefined {
  if (waiting.length === 0) return undefined
  const ends = endsOf(waiting)
  let left = 1
  for (const { ms, ended, atRisk } of ends) {
    left *= 1 - ended / atRisk
    if (left <= 1 - q + 1e-12) return { ms }
  }
  const never = waiting.filter((one) => one === 'never').length
  if (never > (1 - q) * waiting.length + 1e-9) return { ms: Infinity }
  return { beyondMs: waiting.reduce((latest, one) => Math.max(latest, lastSeen(one)), 0) }
}

function endsOf(waiting: readonly Waiting[]): readonly { ms: number; ended: number; atRisk: number }[] {
  const times = waiting.flatMap((one) => (one !== 'never' && 'endedMs' in one ? [one.endedMs] : []))
  return [...new Set(times)]
    .toSorted((a, b) => a - b)
    .map((ms) => ({
      ms,
      ended: times.filter((time) => time === ms).length,
      // Who never ends is waiting at any time; who left at this very time was still there.
      atRisk: waiting.filter((one) => one === 'never' || lastSeen(one) >= ms).length,
    }))
}

function lastSeen(one: Waiting): number {
  if (one === 'never') return 0
  return 'endedMs' in one ? one.endedMs : one.openMs
}
