import { UsageError } from '../core/errors.ts'
import { unmeasuredBy } from '../core/verification.ts'
import { cellBegan, cellFolder } from '../store/cell-folder.ts'
import { readHistory } from '../store/history-file.ts'
import { readEnvironment, readPlan, readVerification, type RunFolder } from '../store/run-folder.ts'
import type { CellResult, RunResults } from '../store/schema.ts'
import { judgeCell } from '../verdict/cell.ts'
import { loadCheckers } from '../verdict/load-checkers.ts'
import { judgeRun } from '../verdict/run.ts'

/**
 * Everything about a run, from its plan, environment, verification and histories alone; `results.json` is not read. Cells that an
 * interrupted run never began have no result, and the run is at best inconclusive.
 */
export async function judgeFolder(run: RunFolder): Promise<RunResults> {
  const [plan, environment, verification, checkers] = await Promise.all([
    readPlan(run),
    readEnvironment(run),
    readVerification(run),
    loadCheckers(),
  ])
  const cells: CellResult[] = []
  for (const { id } of plan.cells)
    if (await cellBegan(run, id)) cells.push(judgeCell(await readHistory(cellFolder(run, id).history), checkers))
  if (cells.length === 0 && plan.cells.length > 0 && unmeasuredBy(verification).length === 0)
    throw new UsageError(`${run.path} has no histories: it was interrupted before any cell began`)
  return judgeRun({ run: run.name, plan, environment, verification, cells })
}
