import type { CellResult, RunResults } from '../harness/store/schema.ts'
import { duration, percent, plural } from './numbers.ts'
import { tooSmall } from './rows.ts'

/** When not to trust the numbers of this run: one sentence each, what weighs most first. Empty is good news. */
export function caveatsOf(results: RunResults): readonly string[] {
  return [
    ...results.cells.filter(({ verdict }) => verdict === 'INVALID').map(invalidCell),
    ...results.cells.flatMap(unprovenFaults),
    ...untouchedCells(results.cells),
    ...smallCells(results.cells),
    ...clusteredNote(results.cells),
    ...compressionNote(results),
    ...unmeasuredHealth(results.cells),
    ...results.environment.deviations.map((sentence) => `${sentence[0]?.toUpperCase()}${sentence.slice(1)}.`),
  ]
}

function invalidCell({ cell, reasons }: CellResult): string {
  return `${cell.id} is invalid and says nothing about ${cell.pattern}: ${reasons.join('; ') || 'no reason given'}.`
}

function unprovenFaults({ cell, faults }: CellResult): readonly string[] {
  const unproven = faults.filter(({ proven, state }) => !proven && state !== 'skipped')
  if (unproven.length === 0) return []
  const named = unproven.slice(0, 3).map(({ id, state }) => `${id} ${state}`)
  const more = unproven.length > 3 ? `, and ${unproven.length - 3} more` : ''
  return [`${cell.id}: ${plural(unproven.length, 'fault')} not proven (${named.join(', ')}${more}).`]
}

function untouchedCells(cells: readonly CellResult[]): readonly string[] {
  const spared = cells.flatMap(({ cell }) => (cell.untouchedBy ?? []).map(({ fault }) => `${cell.id} by ${fault}`))
  if (spared.length === 0) return []
  return [`A fault of the arm cannot touch some patterns, which compare well for that reason: ${spared.join(', ')}.`]
}

function smallCells(cells: readonly CellResult[]): readonly string[] {
  const small = cells.filter(({ success }) => tooSmall(success))
  if (small.length === 0) return []
  const named = small.slice(0, 4).map(({ cell, success }) => `${cell.id}: ${tooSmall(success)}`)
  const more = small.length > 4 ? `, and ${small.length - 4} more` : ''
  return [`Too small to settle anything: ${named.join(', ')}${more}.`]
}

function clusteredNote(cells: readonly CellResult[]): readonly string[] {
  if (!cells.some(({ success }) => success.clustered)) return []
  return [
    'Where one fault hits many tasks at once, tasks are not independent: those intervals are over fault episodes, and wider.',
  ]
}

function compressionNote({ plan }: RunResults): readonly string[] {
  if (plan.timeScale === 1) return []
  return [
    `Time is compressed ${plan.timeScale} times. Success and re-executed work carry over to full length; overhead and recovery in milliseconds do not and must not be quoted.`,
  ]
}

function unmeasuredHealth(cells: readonly CellResult[]): readonly string[] {
  const without = cells.filter(({ health }) => !health).map(({ cell }) => cell.id)
  if (without.length === 0) return []
  return [
    `The harness did not measure itself in ${plural(without.length, 'cell')} (${without.slice(0, 4).join(', ')}).`,
  ]
}

/** The harness about itself in one cell, against what the scenario allows. */
export function healthFacts({ health, cell }: CellResult): readonly (readonly [string, string, boolean])[] {
  if (!health) return []
  const { pacerLagP99Ms, pacerLagMaxMs, eventLoopDelayP99Ms, notOffered, cpuShare, ledgerGaps } = health
  const limits = cell.health
  return [
    [
      'pacer lag p99',
      `${duration(pacerLagP99Ms)} of ${duration(limits.pacerLagP99Ms)} allowed`,
      pacerLagP99Ms <= limits.pacerLagP99Ms,
    ],
    ['pacer lag max', duration(pacerLagMaxMs), true],
    [
      'event-loop delay p99',
      `${duration(eventLoopDelayP99Ms)} of ${duration(limits.eventLoopDelayP99Ms)} allowed`,
      eventLoopDelayP99Ms <= limits.eventLoopDelayP99Ms,
    ],
    ['tasks not offered', String(notOffered), notOffered === 0],
    ['ledger gaps', String(ledgerGaps), ledgerGaps === 0],
    ['harness CPU', `${percent(cpuShare)} of a core`, true],
  ]
}
