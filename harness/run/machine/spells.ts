import type { ProcessDelay, Spell } from '../../model/machine.ts'

/** How much of its time a process waited, followed while it happens. */
export interface DelayTracker {
  /** It waited so much of the `ms` that began at `at`. */
  add(at: number, ms: number, waitedMs: number): void
  delay(name: string): ProcessDelay
}

const keptAtMost = 50
/** Below this share of their time spells are not worth a line. */
const worthShare = 0.25

/** Mean, and the worst spells that are at least `windowMs` long. */
export function trackDelay(windowMs: number): DelayTracker {
  let window: Spell[] = []
  let spells: Spell[] = []
  let total = { ms: 0, waitedMs: 0 }
  return {
    add(at, ms, waitedMs) {
      const waited = Math.min(waitedMs, ms)
      total = { ms: total.ms + ms, waitedMs: total.waitedMs + waited }
      window.push({ at, ms, waitedMs: waited })
      while (window.length > 1 && lengthOf(window.slice(1)) >= windowMs) window = window.slice(1)
      const spell = joined(window)
      if (spell.ms >= windowMs && spell.waitedMs > worthShare * spell.ms) spells = keep(spells, spell)
    },
    delay: (name) => ({
      name,
      mean: total.ms > 0 ? round(total.waitedMs / total.ms) : 0,
      worst: spells
        .toSorted(byShare)
        .map(({ at, ms, waitedMs }) => ({ at: round(at), ms: round(ms), waitedMs: round(waitedMs) })),
    }),
  }
}

/** Of spells that overlap the worse one stays. */
function keep(spells: readonly Spell[], spell: Spell): Spell[] {
  const last = spells.at(-1)
  if (last && last.at + last.ms > spell.at)
    return byShare(last, spell) <= 0 ? [...spells] : [...spells.slice(0, -1), spell]
  const all = [...spells, spell]
  if (all.length <= keptAtMost) return all
  const least = all.toSorted(byShare).at(-1)
  return all.filter((one) => one !== least)
}

function byShare(a: Spell, b: Spell): number {
  return b.waitedMs / b.ms - a.waitedMs / a.ms
}

function joined(parts: readonly Spell[]): Spell {
  return { at: parts[0]!.at, ms: lengthOf(parts), waitedMs: parts.reduce((sum, { waitedMs }) => sum + waitedMs, 0) }
}

function lengthOf(parts: readonly Spell[]): number {
  return parts.reduce((sum, { ms }) => sum + ms, 0)
}

function round(value: number): number {
  return Math.round(value * 1e3) / 1e3
}
