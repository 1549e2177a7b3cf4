import { percentOf } from '../core/numbers.ts'
import type { CellResult, RunResults } from '../model/results.ts'

/** One thing whose truth is known, and what the harness made of it. */
export interface Row {
  /** What `--without` and `--only` call it. */
  readonly control: string
  /** What was done, in a few words. */
  readonly what: string
  readonly expected: string
  readonly got: string
  /** `unmeasured`: the harness itself said that this was no measurement. */
  readonly verdict: 'hit' | 'miss' | 'unmeasured'
  /** The smallest difference in latency that can be seen here, where the row is about that. */
  readonly resolutionMs?: number
}

export type Question = Pick<Row, 'control' | 'what' | 'expected'>

export function rowOf(row: Omit<Row, 'verdict'>, isHit: boolean): Row {
  return { ...row, verdict: isHit ? 'hit' : 'miss' }
}

interface Reading extends Pick<Row, 'got' | 'resolutionMs'> {
  readonly isHit: boolean
  /** Times varied too much to tell what is right from what is wrong, although the harness kept its schedule. */
  readonly tooCoarse?: boolean
}

/** A miss counts only where the harness believes its measurement. A cell without a result was not measured. */
export function rowOfCells(
  about: Question,
  cells: readonly (CellResult | undefined)[],
  read: (cells: readonly CellResult[]) => Reading,
): Row {
  const there = cells.filter((cell) => cell !== undefined)
  if (there.length < cells.length) return { ...about, got: 'no result', verdict: 'unmeasured' }
  const { isHit, tooCoarse = false, ...found } = read(there)
  const row = { ...about, ...found }
  if (isHit) return { ...row, verdict: 'hit' }
  const sick = there.find(isNoMeasurement)
  if (sick) return { ...row, got: `${found.got}; ${sick.verdict}: ${shortReason(sick)}`, verdict: 'unmeasured' }
  return {
    ...row,
    verdict: 'miss',
    ...(tooCoarse && { verdict: 'unmeasured', got: `${found.got}; times are too coarse on this machine` }),
  }
}

/** Shares of all processors, and of the time. Beyond them how long something takes says little about it. */
const [othersAtMost, pressureAtMost] = [0.25, 0.5]

/** Whether the machine had so much else to do that times tell nothing, although the harness kept its schedule. */
export function isBusy({ health }: CellResult): boolean {
  const { others, cpuPressure } = health?.machine ?? {}
  return (others?.worst ?? 0) > othersAtMost || (cpuPressure?.worst ?? 0) > pressureAtMost
}

/** The harness itself says that the machine was not fit. A fault that does nothing on a quiet machine is a miss: of the harness. */
function isNoMeasurement(cell: CellResult): boolean {
  return cell.verdict === 'INVALID' || (isBusy(cell) && cell.faults.some(({ proven }) => !proven))
}

/** Why a cell is what it is, in a few words: without its name, and only the first of its reasons. */
export function shortReason({ cell, reasons: [first = ''] }: CellResult): string {
  const [clause = ''] = first.replace(`${cell.id}: `, '').split(/; |, the limit/)
  return clause
}

export function cellOf({ cells }: RunResults, pattern: string, arm = 'none'): CellResult | undefined {
  return cells.find(({ cell }) => cell.pattern === pattern && cell.arm === arm)
}

export function percent(share: number): string {
  return percentOf(share)
}
