import { stripVTControlCharacters, styleText } from 'node:util'
import { wrap } from '../../core/text-table.ts'
import { allVisible } from '../../core/visible.ts'
import {
  clockText,
  describeFaults,
  nothingYet,
  plannedText,
  watch,
  type CellView,
  type PatternCheck,
  type RunView,
} from '../../live/run-view.ts'
import type { Progress } from '../../run/progress.ts'
import type { ProgressView } from './progress.ts'

/** The part of a terminal that a table needs. */
export interface Terminal {
  readonly columns?: number
  readonly rows?: number
  write(text: string): boolean
}

/** What a terminal shows. */
export interface Looks {
  readonly colour: boolean
  /** Characters beyond ASCII. */
  readonly unicode: boolean
}

const frameMs = 100
const [hideCursor, showCursor, clearDown] = ['\u001B[?25l', '\u001B[?25h', '\u001B[J']
/** Synchronized output: terminals that know it show the frame at once, others ignore it. */
const [beginFrame, endFrame] = ['\u001B[?2026h', '\u001B[?2026l']

/** A table that is redrawn in place, with what is finished scrolling away above it. Restores the cursor in every case. */
export function openLiveTable(terminal: Terminal, now: () => number, looks: Looks): ProgressView {
  const startedAt = now()
  let view = nothingYet
  let drawn: readonly string[] = []
  let finished: string[] = []
  const draw = (lines: readonly string[]): void => {
    const columns = terminal.columns ?? 80
    const height = drawn.reduce((sum, line) => sum + heightOf(line, columns), 0)
    const up = height > 0 ? `\u001B[${height}A` : ''
    const fitting = lines.map((line) => cut(line, columns - 1, looks))
    const text = [...finished, ...fitting].map((line) => `${line}\n`).join('')
    terminal.write(`${beginFrame}${up}\r${clearDown}${text}${endFrame}`)
    finished = []
    drawn = fitting
  }
  const frame = (): void => {
    const screen = { columns: (terminal.columns ?? 80) - 1, rows: (terminal.rows ?? 24) - 2, ...looks }
    draw(tableLines(view, now() - startedAt, screen))
  }
  const restore = (): void => void terminal.write(showCursor)
  const timer = setInterval(frame, frameMs).unref()
  process.once('exit', restore)
  terminal.write(hideCursor)
  return {
    tell(told) {
      const progress = allVisible(told)
      view = watch(view, progress, now() - startedAt)
      const line = lastingLine(progress, now() - startedAt, { columns: (terminal.columns ?? 80) - 1, ...looks })
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

/** Rows that a line takes now: a terminal that became narrower has wrapped it. */
function heightOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns))
}

type Colour = Parameters<typeof styleText>[0]

function paint(colour: Colour, text: string, looks: Looks): string {
  return looks.colour && text !== '' ? styleText(colour, text, { validateStream: false }) : text
}

/** What stays on the screen when the table has gone on: as many lines as it needs. */
export function lastingLine(progress: Progress, elapsedMs: number, room: Omit<Room, 'rows'>): string | undefined {
  const time = clockText(elapsedMs).padStart(5)
  const beside = (text: string): string => {
    const indent = ' '.repeat(time.length + 2)
    return paint('dim', time, room) + wrap(indent + text, room.columns, indent).slice(time.length)
  }
  if (progress.kind === 'note') return beside(progress.text)
  if (progress.kind !== 'cell-end') return undefined
  const { cell, error, ok, tasks } = progress
  return error === undefined
    ? `${beside(cell)}  ${paint(ok === tasks ? 'green' : 'yellow', `${ok}/${tasks}`, room)} with a result`
    : paint('red', beside(`${cell} could not be carried out: ${error}`), room)
}

/** The room for a table. */
export interface Room extends Looks {
  readonly columns: number
  readonly rows: number
}

/** The table itself, at most `rows` high. */
export function tableLines(view: RunView, elapsedMs: number, room: Room): readonly string[] {
  const head = `${clockText(elapsedMs)}${plannedText(elapsedMs, view.plannedMs)}  ${view.done} of ${view.cells} cells done`
  const checks = [...view.verification].filter(([, { outcome }]) => outcome === 'running' || outcome === 'waiting')
  const lines = view.active.size === 0 && checks.length > 0 ? checkLines(view, room) : cellLines(view, room)
  const shown = lines.slice(0, Math.max(room.rows - 2, 1))
  const more = lines.length > shown.length ? [`  and ${lines.length - shown.length} more`] : []
  return [paint('bold', head, room), ...shown, ...more]
}

/** Before a run: every pattern, and how many cases of the contract it has behind it. */
function checkLines({ verification }: RunView, room: Room): readonly string[] {
  const over = [...verification.values()].filter(({ outcome }) => outcome !== 'running' && outcome !== 'waiting')
  const lead = ` holding the patterns against the contract: ${over.length} of ${verification.size} done`
  const running = [...verification].filter(([, { outcome }]) => outcome === 'running')
  const widest = Math.max(...running.map(([name]) => name.length), 0)
  return [lead, ...running.map(([name, check]) => `  ${name.padEnd(widest)}  ${caseCounts(check, room)}`)]
}

function caseCounts({ done, of, failed }: PatternCheck, looks: Looks): string {
  const bad = failed > 0 ? `  ${paint('red', `${failed} failed`, looks)}` : ''
  return `${String(done).padStart(3)} of ${Math.max(of, done)} cases${bad}`
}

const widestBar = 20
const leastBar = 6

function cellLines({ active }: RunView, room: Room): readonly string[] {
  const cells = [...active.values()]
  const widest = (texts: readonly string[]): number => Math.max(...texts.map(({ length }) => length), 0)
  const counts = widest(cells.map(countText))
  const phase = widest(cells.map((cell) => cell.phase))
  const names = widest(cells.map(({ cell }) => cell))
  // Counts and phases stay; the bar and then the names give way.
  const left = room.columns - 1 - counts - phase - 4
  const bad = widest(cells.map(failedText))
  const bar = Math.min(widestBar, left - 2 - names - (bad > 0 ? bad + 2 : 0))
  const name = Math.max(Math.min(names, left), 3)
  return cells.map((cell) => {
    const parts = [
      ` ${cutText(cell.cell, name, room).padEnd(name)}`,
      cell.phase.padEnd(phase),
      ...(bar < leastBar ? [] : [drawBar(cell, bar, room)]),
      countText(cell).padStart(counts),
    ]
    const more: readonly Part[] = [
      ['red', failedText(cell)],
      ['yellow', describeFaults(cell)],
    ]
    return more.reduce((line, part) => withPart(line, part, room), parts.join('  '))
  })
}

type Part = readonly [colour: Colour, text: string]

/** As much of it as there is room for, and nothing where a few letters would be left. */
function withPart(line: string, [colour, text]: Part, room: Room): string {
  const left = room.columns - stripVTControlCharacters(line).length - 2
  if (text === '' || left < Math.min(text.length, 8)) return line
  return `${line}  ${paint(colour, cutText(text, left, room), room)}`
}

function failedText({ failed }: CellView): string {
  return failed > 0 ? `${failed} failed` : ''
}

function countText({ ok, failed, tasks }: CellView): string {
  return `${String(ok + failed).padStart(String(tasks).length)}/${tasks}`
}

/** Done, failed, under way. Each has a character of its own, for eyes and terminals without colours. */
function drawBar({ ok, failed, started, tasks }: CellView, width: number, looks: Looks): string {
  const at = (n: number): number => Math.min(Math.round((width * n) / Math.max(tasks, 1)), width)
  const [good, ended, sent] = [at(ok), at(ok + failed), Math.max(at(started), at(ok + failed))]
  const [done, bad, open] = looks.unicode ? ['━', '╳', '╌'] : ['=', 'x', '-']
  return (
    paint('green', done.repeat(good), looks) +
    paint('red', bad.repeat(ended - good), looks) +
    paint('dim', open.repeat(sent - ended), looks) +
    ' '.repeat(width - sent)
  )
}

function cutText(text: string, width: number, { unicode }: Looks): string {
  if (text.length <= width) return text
  const end = unicode ? '…' : '...'
  return `${text.slice(0, width - end.length)}${end}`
}

/** Lines must not wrap, or the table loses count of them; a line that is too long also loses its colours. */
function cut(line: string, width: number, looks: Looks): string {
  const plain = stripVTControlCharacters(line)
  return plain.length <= width ? line : cutText(plain, width, looks)
}
