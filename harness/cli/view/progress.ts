import { allVisible } from '../../core/visible.ts'
import { clockText, describeFaults, nothingYet, watch, type CellView } from '../../live/run-view.ts'
import type { Progress } from '../../run/progress.ts'
import { plural } from '../../../reports/numbers.ts'

/** Shows progress until it is disposed of; what it showed last stays or goes as its kind sees fit. */
export interface ProgressView extends Disposable {
  tell(progress: Progress): void
}

/** Between two lines of counts: a log is read afterwards. */
const quietMs = 5_000
/** A line of counts is no longer, unless one cell alone is. */
const logColumns = 120

/** One line per change of phase, and the counts of all cells every few seconds: for logs and pipes. */
export function openPlainLines(write: (line: string) => void, now: () => number): ProgressView {
  const startedAt = now()
  let view = nothingYet
  let countedAt = startedAt
  return {
    tell(told) {
      const progress = allVisible(told)
      const elapsedMs = now() - startedAt
      view = watch(view, progress, elapsedMs)
      const due = progress.kind === 'cell-progress' && now() - countedAt >= quietMs
      if (due) countedAt = now()
      const lines = due ? joined([...view.active.values()].map(cellCounts)) : plainLine(progress)
      for (const line of lines) write(`${clockText(elapsedMs).padStart(5)}  ${line}`)
    },
    [Symbol.dispose]() {},
  }
}

/** As many of them on a line as fit. */
function joined(texts: readonly string[]): readonly string[] {
  return texts.reduce<readonly string[]>((lines, text) => {
    const last = lines.at(-1)
    if (last === undefined || last.length + 3 + text.length > logColumns) return [...lines, text]
    return [...lines.slice(0, -1), `${last} | ${text}`]
  }, [])
}

/** Those that a reader waits for; what comes between two of them within a moment says nothing. */
const toldPhases: ReadonlySet<string> = new Set(['deploy', 'load', 'drain', 'cut'])

/** What one piece of progress says by itself, if anything. */
function plainLine(progress: Progress): readonly string[] {
  switch (progress.kind) {
    case 'note':
      return [progress.text]
    case 'run-start':
      return [`${plural(progress.cells, 'cell')}, about ${clockText(progress.plannedMs)}, into ${progress.folder}`]
    case 'verify-start':
      return [`holding ${plural(progress.patterns.length, 'pattern')} against the contract`]
    case 'verify-end':
      return progress.outcome === 'pass' ? [`${progress.pattern}: keeps the contract`] : []
    case 'cell-phase':
      return toldPhases.has(progress.phase) ? [`${progress.cell}: ${progress.phase}`] : []
    case 'cell-end':
      return [endLine(progress)]
    default:
      return []
  }
}

function endLine({ cell, error, ok, tasks }: Extract<Progress, { kind: 'cell-end' }>): string {
  return error === undefined
    ? `${cell}: ended, ${ok} of ${tasks} tasks with a result`
    : `${cell}: could not be carried out: ${error}`
}

function cellCounts(cell: CellView): string {
  const { tasks, ok, failed } = cell
  const faults = describeFaults(cell)
  return `${cell.cell} ${ok + failed}/${tasks}${failed > 0 ? `, ${failed} failed` : ''}${faults && ` under ${faults}`}`
}
