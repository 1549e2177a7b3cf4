import type { CellResult, RunResults } from '../store/schema.ts'

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
}

/** A row without its end. */
export type Question = Pick<Row, 'control' | 'what' | 'expected'>

export function rowOf(row: Omit<Row, 'verdict'>, isHit: boolean): Row {
  return { ...row, verdict: isHit ? 'hit' : 'miss' }
}

/**
 * The row of cells: a miss only where the harness believes what it measured. What is right is right, although the machine
 * was busy. A cell without a result was not measured.
 */
export function rowOfCells(
  about: Question,
  cells: readonly (CellResult | undefined)[],
  read: (cells: readonly CellResult[]) => Pick<Row, 'got'> & { readonly isHit: boolean },
): Row {
  const there = cells.filter((cell) => cell !== undefined)
  if (there.length < cells.length) return { ...about, got: 'no result', verdict: 'unmeasured' }
  const { got, isHit } = read(there)
  const sick = there.find(({ verdict }) => verdict === 'INVALID')
  if (isHit || !sick) return rowOf({ ...about, got }, isHit)
  return { ...about, got: `${got}; INVALID: ${sick.reasons[0]}`, verdict: 'unmeasured' }
}

/** The one cell of a pattern under an arm. */
export function cellOf({ cells }: RunResults, pattern: string, arm = 'none'): CellResult | undefined {
  return cells.find(({ cell }) => cell.pattern === pattern && cell.arm === arm)
}
