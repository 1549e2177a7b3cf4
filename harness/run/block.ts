import { planTask } from '../../patterns/agent/plan.ts'
import { monotonicMs } from '../../patterns/contract/types/timer.ts'
import { describeError } from '../core/errors.ts'
import type { CellPlan } from '../model/plan.ts'
import { settleAll } from '../core/async.ts'
import { estimateCellMs } from '../plan/estimate.ts'
import { prepareCell, type ReadyCell } from './cell.ts'
import type { BlockContext, RunContext } from './cell-context.ts'
import { watchHealth } from './health.ts'
import { watchMachine } from './machine/watch.ts'
import type { OnProgress } from './progress.ts'

type Block = readonly CellPlan[]

/** In the order in which they are carried out. */
export function blocksOf(cells: readonly CellPlan[]): readonly Block[] {
  return [...Map.groupBy(cells, ({ block }) => block).values()]
}

/** Of a task in this cell. */
export function idealMsOf({ profile, timeScale }: CellPlan): number {
  return planTask({ seed: 1, profile }, timeScale).idealMs
}

/** Cells of one block run side by side: the same work, the same faults, the same noise. */
export async function conductBlock(block: Block, context: RunContext, onProgress: OnProgress): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const startedAt = monotonicMs()
  const machine = stack.use(watchMachine())
  const settled = await Promise.allSettled(block.map((cell) => prepare(cell, { ...context, machine }, onProgress)))
  const ready = settled.flatMap((one) => (one.status === 'fulfilled' ? [stack.use(one.value)] : []))
  const whyNot = (reason: unknown): unknown => (context.signal.aborted ? context.signal.reason : reason)
  settled.forEach(
    (one, i) => one.status === 'rejected' && reportFailure(block[i]!, whyNot(one.reason), startedAt, onProgress),
  )
  await machine.settle(context.signal)
  if (context.signal.aborted) return cutShort(ready)
  const health = watchHealth()
  // A moment for every cell to reach its starting line.
  const epochMs = monotonicMs() + 100
  machine.start(epochMs)
  const ticker = setInterval(() => ready.forEach((cell) => reportCounts(cell, epochMs, onProgress)), 500)
  // Nothing of a cell may be taken away while another one fails: it would fail in turn.
  const loaded = await settleAll(ready.map((cell) => cell.underLoad(epochMs))).finally(() => clearInterval(ticker))
  const seen = health.stop()
  if (context.signal.aborted) return cutShort(ready)
  await settleAll(loaded.map((cell) => cell.completeHistory(seen)))
  for (const cell of ready) {
    reportCounts(cell, epochMs, onProgress)
    reportEnd(cell, startedAt, onProgress)
  }
}

async function cutShort(ready: readonly ReadyCell[]): Promise<void> {
  await Promise.all(ready.map((cell) => cell.cut()))
}

async function prepare(cell: CellPlan, context: BlockContext, onProgress: OnProgress): Promise<ReadyCell> {
  const { id, pattern, arm, tasks } = cell
  onProgress({ kind: 'cell-start', cell: id, pattern, arm, tasks, plannedMs: estimateCellMs(cell, idealMsOf) })
  onProgress({ kind: 'cell-phase', cell: cell.id, phase: 'deploy' })
  return prepareCell(cell, context, {
    phase: (phase) => onProgress({ kind: 'cell-phase', cell: cell.id, phase }),
    fault: (change) => onProgress({ kind: 'fault', cell: cell.id, change }),
    node: ({ node, state }) => onProgress({ kind: 'node', cell: cell.id, node, state }),
    system: (shape) => onProgress({ kind: 'cell-system', cell: cell.id, ...shape }),
  })
}

function reportFailure(cell: CellPlan, reason: unknown, startedAt: number, onProgress: OnProgress): void {
  const error = describeError(reason)
  onProgress({ kind: 'cell-end', cell: cell.id, elapsedMs: monotonicMs() - startedAt, ok: 0, tasks: cell.tasks, error })
}

function reportCounts({ cell, counts }: ReadyCell, epochMs: number, onProgress: OnProgress): void {
  const { started, ok, failed, right } = counts
  const progress = { started, ok, failed, right, finished: ok + failed }
  onProgress({ kind: 'cell-progress', cell: cell.id, elapsedMs: monotonicMs() - epochMs, ...progress })
}

function reportEnd({ cell, counts }: ReadyCell, startedAt: number, onProgress: OnProgress): void {
  const elapsedMs = monotonicMs() - startedAt
  onProgress({ kind: 'cell-end', cell: cell.id, elapsedMs, ok: counts.ok, tasks: cell.tasks })
}
