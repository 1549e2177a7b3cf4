import { createRng, type Rng } from '../harness/core/rng.ts'
import { type Begun, findRestored, ordinaryOf } from '../harness/stats/restored.ts'

/**
 * How often `service restored` is right, over made-up systems: a known outage of 7 s that delays or loses tasks; a
 * fault that does nothing; a fifth lost for good. Rows: rate of arrivals, time before the onset and after it, ordinary
 * loss. `right` is 7 +- 0.5 s; `atMost` a bound that holds. `node bench/restored.ts [seeds]`.
 */
const seeds = Number(process.argv[2] ?? 200)
const outageMs = 7_000
const holdMs = 30_000
const kinds = ['held up', 'lost', 'nothing', 'for good'] as const

interface Row {
  readonly kind: (typeof kinds)[number]
  readonly ratePerSec: number
  readonly beforeMs: number
  readonly loss: number
}

function arrivals(rng: Rng, ratePerSec: number, untilMs: number): readonly number[] {
  const times: number[] = []
  for (let at = rng.exponential(1000 / ratePerSec); at < untilMs; at += rng.exponential(1000 / ratePerSec))
    times.push(at)
  return times
}

function answer({ kind, ratePerSec, beforeMs, loss }: Row, seed: number): string {
  const rng = createRng(seed, `${kind}/${ratePerSec}/${beforeMs}/${loss}`)
  const lag = (): number => (rng.next() < loss ? Infinity : 20 + rng.exponential(20))
  const ordinary = ordinaryOf(arrivals(rng, ratePerSec, beforeMs).map(lag))
  if (!ordinary) return 'too-few'
  const during = (at: number): number => {
    if (kind === 'for good') return rng.next() < 0.2 ? Infinity : 0
    if (at >= outageMs || kind === 'nothing') return 0
    return kind === 'lost' ? Infinity : outageMs - at
  }
  const begun = arrivals(rng, ratePerSec, 60_000).map((at): Begun => ({ at, lagMs: lag() + during(at) }))
  const found = findRestored(begun, ordinary, { faultMs: outageMs, untilMs: 60_000, holdMs })
  if (found.kind !== 'restored') return found.kind
  if (Math.abs(found.ms - outageMs) <= 500) return 'right'
  return found.atMost && found.ms > outageMs ? 'atMost' : 'wrong'
}

console.log('tasks are   per second  before  ordinary loss  answers')
for (const kind of kinds)
  for (const ratePerSec of [0.5, 1, 2, 5, 10])
    for (const beforeMs of [20_000, 60_000, 300_000])
      for (const loss of [0, 0.02, 0.1]) {
        const counts = new Map<string, number>()
        for (let seed = 1; seed <= seeds; seed++) {
          const name = answer({ kind, ratePerSec, beforeMs, loss }, seed)
          counts.set(name, (counts.get(name) ?? 0) + 1)
        }
        const told = [...counts].toSorted((a, b) => b[1] - a[1]).map(([name, n]) => `${name} ${n}`)
        const columns = [
          kind.padEnd(10),
          String(ratePerSec).padStart(11),
          `${beforeMs / 1000} s`.padStart(6),
          `${loss * 100} %`.padStart(13),
        ]
        console.log(`${columns.join('  ')}  ${told.join(', ')}`)
      }
