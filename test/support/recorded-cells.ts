import { writeFile } from 'node:fs/promises'
import type { BaseRun } from '../../harness/model/base.ts'
import type { Op } from '../../harness/model/history.ts'
import type { Plan } from '../../harness/model/plan.ts'
import { judgeFolder } from '../../harness/run/judge.ts'
import { createCell, createRun, type RunFolder, writeResults } from '../../harness/store/run-folder.ts'
import type { Environment } from '../../harness/model/results.ts'
import { cellIn } from '../mutants/mutations.ts'
import { ledgerOf, linesOf } from './recorded-run.ts'
import { openRegistry } from '../../harness/registry.ts'

const checkers = await openRegistry().checkers()

const environment: Environment = {
  startedAt: '2026-11-28T10:00:00.000Z',
  outlast: '0.1.0',
  node: 'v24.0.0',
  platform: 'linux x64',
  kernel: '6.0',
  cpu: 'imagined',
  cores: 2,
  memoryBytes: 2 ** 32,
  versions: {},
  runtime: {},
  deviations: [],
}

/** The folder that a run with these histories would have left, were they its cells. */
export async function recordCells(
  out: string,
  histories: readonly (readonly Op[])[],
  over: { readonly plan?: Partial<Plan>; readonly environment?: Partial<Environment>; readonly base?: BaseRun } = {},
): Promise<RunFolder> {
  const cells = histories.map(cellIn)
  const [{ seed, timeScale, health }] = cells as [(typeof cells)[number]]
  const plan: Plan = {
    version: 4,
    scenario: 'imagined',
    question: 'What would differ?',
    seed,
    timeScale,
    runtime: 'process',
    cells,
    notApplicable: [],
    gates: [],
    published: [],
    health,
    ...over.plan,
  }
  const start = { plan, schedule: '{}', scenarioText: 'name: imagined\n', ...(over.base && { base: over.base }) }
  const run = await createRun(out, { ...start, environment: { ...environment, ...over.environment } })
  for (const [i, history] of histories.entries()) {
    const folder = await createCell(run, cells[i]!.id)
    await writeFile(folder.history, linesOf(history))
    await writeFile(folder.ledger, linesOf(ledgerOf(history)))
    await writeFile(folder.evidence, '')
  }
  await writeResults(run, await judgeFolder(run, checkers, 'fresh'))
  return run
}
