import { allVisible } from '../../core/visible.ts'
import type { Progress } from '../../run/progress.ts'
import type { ProgressView } from './live-table.ts'
import { clockText, describeFaults, nothingYet, watch, type CellView, type RunView } from './progress.ts'

/** Between two lines of counts: a log is read afterwards. */
const quietMs = 5_000

/** One line per change of phase, and the counts of all cells every few seconds: for logs and pipes. */
export function openPlainLines(write: (line: string) => void, now: () => number): ProgressView {
  const startedAt = now()
  let view = nothingYet
  let countedAt = startedAt
  return {
    tell(told) {
      const progress = allVisible(told)
      view = watch(view, progress)
      const elapsedMs = now() - startedAt
      const due = progress.kind === 'cell-progress' && now() - countedAt >= quietMs
      if (due) countedAt = now()
      const line = due ? countLine(view) : plainLine(progress)
      if (line !== undefined) write(`${clockText(elapsedMs).padStart(5)}  ${line}`)
    },
    [Symbol.dispose]() {},
  }
}

/** What one piece of progress says by itself, if anything. */
export function plainLine(progress: Progress): string | undefined {
  if (progress.kind === 'note') return progress.text
  if (progress.kind === 'run-start')
    return `${progress.cells} cells, about ${clockText(progress.plannedMs)}, into ${progress.folder}`
  if (progress.kind === 'cell-phase') return `${progress.cell}: ${progress.phase}`
  if (progress.kind !== 'cell-end') return undefined
  const { cell, error, ok, tasks } = progress
  return error === undefined
    ? `${cell}: ended, ${ok} of ${tasks} tasks with a result`
    : `${cell}: could not be carried out: ${error}`
}

function countLine({ active }: RunView): string {
  return [...active.values()].map(cellCounts).join(' | ')
}

function cellCounts(cell: CellView): string {
  const { tasks, ok, failed } = cell
  const faults = describeFaults(cell)
  return `${cell.cell} ${ok + failed}/${tasks}${failed > 0 ? `, ${failed} failed` : ''}${faults && ` under ${faults}`}`
}
