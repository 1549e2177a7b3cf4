import type { Needed, Proportion } from '../harness/model/judgements.ts'
import type { Overhead, Rework } from '../harness/model/results.ts'
import { count, duration, plural } from '../harness/core/amounts.ts'

export { count, duration, plural }

/**
 * A share as a percentage that never rounds a loss away: 0.9998 is `99.98%`, and only 1 is `100%`.
 * Shares so close to an end that four digits hide them are printed as a bound.
 */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return 'n/a'
  // An interval's end that is 0 or 1 but for the last bits of a double is 0 or 1.
  if (share < 1e-12) return '0%'
  // Work done again may be more than the work needed.
  if (share > 1 + 1e-9) return `${(share * 100).toFixed(0)}%`
  if (share > 1 - 1e-12) return '100%'
  for (let digits = 1; digits <= 4; digits++) {
    const text = (share * 100).toFixed(digits)
    if (Number(text) > 0 && Number(text) < 100) return `${text}%`
  }
  return share < 0.5 ? '<0.0001%' : '>99.9999%'
}

/** `[92.6%, 95.5%]`, both ends as percentages. */
export function percentInterval([low, high]: readonly [number, number]): string {
  return `[${percent(low)}, ${percent(high)}]`
}

/** The 95 % interval of a share, or why there is none. */
export function shownInterval({ interval, method, n }: Pick<Proportion, 'interval' | 'method' | 'n'>): string {
  if (n === 0) return '–'
  return interval ? percentInterval(interval) : method
}

export function shareOf({ successes, n }: Proportion): number {
  return n === 0 ? Number.NaN : successes / n
}

/** `72 tasks`, `36 faults`: what would settle a gate in four of five runs. */
export function neededText(needed: Needed | undefined): string {
  if (!needed) return ''
  return 'tasks' in needed ? plural(needed.tasks, 'task') : plural(needed.faults, 'fault')
}

/** What the brackets of the first table hold; one line for under it. */
export const bracketsMeaning =
  'In brackets the 95 % interval, or where tasks share too few faults for one, how many these are; ~: too few tasks or faults for one.'

/** `85.0% [70.2, 94.3]`; `85.0% (3 faults)` where they are too few for an interval; `–` for no task. */
export function shareWithInterval(share: Proportion): string {
  if (share.n === 0) return '–'
  const { interval, faults } = share
  return `${percent(shareOf(share))}${brackets(interval, faults)}`
}

export function reworkWithInterval({ ratio, interval, faults, plannedSteps }: Rework): string {
  return plannedSteps === 0 ? '–' : `${percent(ratio)}${brackets(interval, faults)}`
}

function brackets(interval: readonly [number, number] | undefined, faults: number | undefined): string {
  if (interval) return ` [${interval.map((end) => percent(end).replace('%', '')).join(', ')}]`
  return faults === undefined ? '' : ` (${faults} ${faults === 1 ? 'fault' : 'faults'})`
}

/** `12 ms [10, 14]`, `950 ms [800 ms, 1.20 s]`, `~∞`. */
export function timeWithInterval(overhead: Overhead, name: 'p50' | 'p95' | 'p99'): string {
  if (overhead.n === 0) return '–'
  const value = duration(overhead[name])
  const interval = overhead.intervals?.[name]
  if (!interval) return `~${value}`
  const ends = interval.map(duration)
  const unit = unitOf(value)
  const same = [value, ...ends].every((text) => text === '∞' || unitOf(text) === unit)
  return `${value} [${ends.map((text) => (same ? text.replace(` ${unit}`, '') : text)).join(', ')}]`
}

function unitOf(text: string): string {
  return text.split(' ')[1] ?? ''
}
