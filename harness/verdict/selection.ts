import type { CellResult } from '../model/results.ts'

/** The repetitions of one pattern in one arm whose numbers can be believed: not INVALID, not INCONCLUSIVE. */
export function usableCells(
  cells: readonly CellResult[],
  { pattern, arm }: { readonly pattern: string; readonly arm: string },
): readonly CellResult[] {
  return cells.filter(({ cell, verdict }) => {
    return cell.pattern === pattern && cell.arm === arm && (verdict === 'PASS' || verdict === 'FAIL')
  })
}
