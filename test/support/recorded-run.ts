import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Op } from '../../harness/model/history.ts'
import type { CellPlan } from '../../harness/model/plan.ts'
import { judgeFolder } from '../../harness/run/judge.ts'
import { cellFolder, type CellFolder, createRun, type RunFolder, writeResults } from '../../harness/store/run-folder.ts'
import { study } from '../unit/reports/study.ts'
import { openRegistry } from '../../harness/registry.ts'

const checkers = await openRegistry().checkers()

/** A run as it is left on the disk, with one cell of this history, which begins with its plan. */
export async function recordRun(out: string, history: readonly Op[]): Promise<{ run: RunFolder; cell: CellFolder }> {
  const planned = history[0]!.value as CellPlan
  const { environment, plan } = study(1)
  const own = { ...plan, scenario: 'recorded', cells: [planned], notApplicable: [], health: planned.health }
  const run = await createRun(out, { environment, plan: own, schedule: '{}\n', scenarioText: 'name: recorded\n' })
  const cell = cellFolder(run, planned.id)
  await mkdir(dirname(cell.history), { recursive: true })
  await writeFile(cell.history, linesOf(history))
  await writeFile(cell.ledger, linesOf(ledgerOf(history)))
  await writeFile(cell.evidence, '')
  return { run, cell }
}

/** The same, judged when it ended. */
export async function sealRun(out: string, history: readonly Op[]): Promise<{ run: RunFolder; cell: CellFolder }> {
  const made = await recordRun(out, history)
  await writeResults(made.run, await judgeFolder(made.run, checkers, 'fresh'))
  return made
}

export function linesOf(values: readonly object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('')
}

/** The tool server's own record, whose clock began some minutes before the cell. */
export function ledgerOf(history: readonly Op[], zeroMs = 812_345.678): readonly object[] {
  return history.flatMap((op) => {
    if (op.f === 'refusal') {
      const { reason: refused, said } = op.value
      return { refused, said, receivedAt: op.at + zeroMs }
    }
    if (op.f !== 'effect') return []
    const { startedAt, endedAt, ...rest } = op.value
    const times = { startedAt: startedAt + zeroMs, endedAt: endedAt + zeroMs, receivedAt: op.at + zeroMs }
    return { task: op.task, ...rest, ...times }
  })
}
