import type { Overhead, Proportion, Rework } from '../harness/model/results.ts'
import { duration, percent, shareOf } from './numbers.ts'

/** What the brackets of the first table hold; one line for under it. */
export const bracketsMeaning =
  'In brackets the 95 % interval, or where tasks share too few faults for one, how many these are; ~: too few tasks or faults for one.'

/** `85.0% [70.2, 94.3]`; `85.0% (3 faults)` where they are too few for an interval; `–` for no task. */
export function shareWithInterval(share: Proportion): string {
  if (share.n === 0) return '–'
  const { interval, faults } = share
  return `${percent(shareOf(share))}${brackets(interval, faults)}`
}

/** Work done again, with its interval. */
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
