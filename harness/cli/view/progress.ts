import type { Progress } from '../../run/progress.ts'
import { allVisible } from '../../core/visible.ts'

/** Shows progress until it is disposed of; what it showed last stays or goes as its kind sees fit. */
export interface ProgressView extends Disposable {
  tell(progress: Progress): void
}

/** What is known of a run that is under way: the fold of its progress. */
export interface RunView {
  readonly folder?: string
  readonly cells: number
  readonly plannedMs: number
  readonly done: number
  /** In the order of their starts; ended ones leave. */
  readonly active: ReadonlyMap<string, CellView>
}

export interface CellView {
  readonly cell: string
  readonly phase: string
  readonly tasks: number
  readonly started: number
  readonly ok: number
  readonly failed: number
  /** Kinds of the faults that are armed now, by id. */
  readonly faults: ReadonlyMap<string, string>
  /** How many were armed since the start. */
  readonly firings: number
}

export const nothingYet: RunView = { cells: 0, plannedMs: 0, done: 0, active: new Map() }

/** The view after one more progress message. Pure. Messages about cells that are not under way are ignored. */
export function watch(view: RunView, told: Progress): RunView {
  if (told.kind === 'run-start') return { ...view, ...told }
  if (told.kind === 'note') return view
  if (told.kind === 'cell-start') return withCell(view, { ...fresh, cell: told.cell, tasks: told.tasks })
  const known = view.active.get(told.cell)
  if (told.kind === 'cell-end') return endCell(view, told.cell)
  if (!known) return view
  if (told.kind === 'cell-phase') return withCell(view, { ...known, phase: told.phase })
  if (told.kind === 'fault') return withCell(view, withFault(known, told.change))
  const { started, ok, failed } = told
  return withCell(view, { ...known, started, ok, failed })
}

const fresh = { phase: 'deploy', started: 0, ok: 0, failed: 0, faults: new Map<string, string>(), firings: 0 }

function withCell(view: RunView, cell: CellView): RunView {
  return { ...view, active: new Map([...view.active, [cell.cell, cell]]) }
}

function endCell(view: RunView, cell: string): RunView {
  const active = new Map([...view.active].filter(([id]) => id !== cell))
  return { ...view, active, done: view.done + 1 }
}

function withFault(cell: CellView, change: Extract<Progress, { kind: 'fault' }>['change']): CellView {
  const { id, fault, state } = change
  const others = new Map([...cell.faults].filter(([known]) => known !== id))
  if (state === 'armed') return { ...cell, faults: others.set(id, fault), firings: cell.firings + 1 }
  if (state === 'proven') return cell
  return { ...cell, faults: others }
}

/** `kill x2, latency`: the kinds of the faults that are armed. */
export function describeFaults({ faults }: CellView): string {
  const kinds = Map.groupBy(faults.values(), (kind) => kind)
  return [...kinds].map(([kind, same]) => (same.length > 1 ? `${kind} x${same.length}` : kind)).join(', ')
}

/** `1:04`: minutes and seconds. */
export function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

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
      const line = due ? [...view.active.values()].map(cellCounts).join(' | ') : plainLine(progress)
      if (line !== undefined) write(`${clockText(elapsedMs).padStart(5)}  ${line}`)
    },
    [Symbol.dispose]() {},
  }
}

/** What one piece of progress says by itself, if anything. */
function plainLine(progress: Progress): string | undefined {
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

function cellCounts(cell: CellView): string {
  const { tasks, ok, failed } = cell
  const faults = describeFaults(cell)
  return `${cell.cell} ${ok + failed}/${tasks}${failed > 0 ? `, ${failed} failed` : ''}${faults && ` under ${faults}`}`
}
