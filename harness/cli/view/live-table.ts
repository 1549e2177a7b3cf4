import { stripVTControlCharacters, styleText } from 'node:util'
import { allVisible } from '../../core/visible.ts'
import type { Progress } from '../../run/progress.ts'
import {
  clockText,
  describeFaults,
  nothingYet,
  watch,
  type CellView,
  type ProgressView,
  type RunView,
} from './progress.ts'

/** The part of a terminal that a table needs. */
export interface Terminal {
  readonly columns?: number
  readonly rows?: number
  write(text: string): boolean
}

const frameMs = 100
const [hideCursor, showCursor, clearDown] = ['\u001B[?25l', '\u001B[?25h', '\u001B[J']
/** Synchronized output: terminals that know it show the frame at once, others ignore it. */
const [beginFrame, endFrame] = ['\u001B[?2026h', '\u001B[?2026l']

/** A table that is redrawn in place, with what is finished scrolling away above it. Restores the cursor in every case. */
export function openLiveTable(terminal: Terminal, now: () => number): ProgressView {
  const startedAt = now()
  let view = nothingYet
  let height = 0
  let finished: string[] = []
  const draw = (lines: readonly string[]): void => {
    const width = (terminal.columns ?? 80) - 1
    const up = height > 0 ? `\u001B[${height}A` : ''
    const fitting = [...finished, ...lines].map((line) => `${cut(line, width)}\n`)
    terminal.write(`${beginFrame}${up}\r${clearDown}${fitting.join('')}${endFrame}`)
    finished = []
    height = lines.length
  }
  const frame = (): void => draw(tableLines(view, now() - startedAt, (terminal.rows ?? 24) - 2))
  const restore = (): void => void terminal.write(showCursor)
  const timer = setInterval(frame, frameMs).unref()
  process.once('exit', restore)
  terminal.write(hideCursor)
  return {
    tell(told) {
      const progress = allVisible(told)
      view = watch(view, progress)
      const line = lastingLine(progress, now() - startedAt)
      if (line !== undefined) finished.push(line)
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      draw([])
      process.off('exit', restore)
      restore()
    },
  }
}

/** What stays on the screen when the table has gone on. */
export function lastingLine(progress: Progress, elapsedMs: number): string | undefined {
  const time = styleText('dim', clockText(elapsedMs).padStart(5))
  if (progress.kind === 'note') return `${time}  ${progress.text}`
  if (progress.kind !== 'cell-end') return undefined
  const { cell, error, ok, tasks } = progress
  return error === undefined
    ? `${time}  ${cell}  ${styleText(ok === tasks ? 'green' : 'yellow', `${ok}/${tasks}`)} with a result`
    : `${time}  ${cell}  ${styleText('red', `could not be carried out: ${error}`)}`
}

/** The table itself, at most `rows` high. */
export function tableLines(view: RunView, elapsedMs: number, rows: number): readonly string[] {
  const cells = [...view.active.values()]
  const about = view.plannedMs > 0 ? ` of about ${clockText(view.plannedMs)}` : ''
  const head = `${clockText(elapsedMs)}${about}  ${view.done} of ${view.cells} cells done`
  const shown = cells.slice(0, Math.max(rows - 2, 1))
  const widest = Math.max(...shown.map(({ cell }) => cell.length), 0)
  const more = cells.length > shown.length ? [`  and ${cells.length - shown.length} more`] : []
  return [styleText('bold', head), ...shown.map((cell) => cellLine(cell, widest)), ...more]
}

const barWidth = 20

function cellLine(cell: CellView, widest: number): string {
  const { tasks, ok, failed, started, phase } = cell
  const counts = `${String(ok + failed).padStart(String(tasks).length)}/${tasks}`
  const bad = failed > 0 ? styleText('red', `${failed} failed`) : ''
  const faults = describeFaults(cell)
  return [
    ` ${cell.cell.padEnd(widest)}`,
    phase.padEnd(6),
    bar(ok, failed, started, tasks),
    counts,
    bad,
    faults && styleText('yellow', faults),
  ]
    .filter((part) => part !== '')
    .join('  ')
}

/** Green: done; red: failed; pale: under way. */
function bar(ok: number, failed: number, started: number, tasks: number): string {
  const at = (n: number): number => Math.round((barWidth * n) / Math.max(tasks, 1))
  const [good, ended, sent] = [at(ok), at(ok + failed), Math.min(at(started), barWidth)]
  const part = (text: string, length: number): string => text.repeat(Math.max(length, 0))
  const under = part('━', sent - ended)
  return (
    styleText('green', part('━', good)) +
    styleText('red', part('━', ended - good)) +
    styleText('dim', under) +
    ' '.repeat(Math.max(barWidth - Math.max(sent, ended), 0))
  )
}

/** Lines must not wrap, or the table loses count of them; a line that is too long also loses its colours. */
function cut(line: string, width: number): string {
  const plain = stripVTControlCharacters(line)
  return plain.length <= width ? line : `${plain.slice(0, width - 1)}…`
}
