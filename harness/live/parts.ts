import { duration, percent, percentInterval, plural, count } from '../../reports/numbers.ts'
import { tag, type Child, type Markup } from '../../reports/html/markup.ts'
import { badge } from '../../reports/html/elements.ts'
import { picture, rect } from '../../reports/html/svg.ts'
import type { SystemShape } from '../model/topology.ts'
import { drawSystem } from './picture.ts'
import {
  clockText,
  describeFaults,
  plannedText,
  type CellView,
  type Counts,
  type EndedCell,
  type PatternCheck,
  type RunView,
} from './run-view.ts'
import { successSoFar, type SoFar } from './so-far.ts'

/** A piece of the page that is replaced as a whole when it changes. */
export interface Part {
  /** Unique in the page. */
  readonly id: string
  /** Id of the element that it is in: it goes to the end of that. */
  readonly inside: string
  /** One element that has the id; empty: it is gone. */
  readonly html: string
}

/** All parts of the page as it is at this time, in their order. Pure. */
export function partsOf(view: RunView, nowMs: number): readonly Part[] {
  return [
    partOf('status', 'top', status(view, nowMs)),
    partOf('verification', 'top', verification(view)),
    ...[...view.active.values()].map(cellPart),
    ...view.ended.map(endedPart),
    logPart(view.log),
  ]
}

function partOf(id: string, inside: string, { markup }: Markup): Part {
  return { id, inside, html: markup }
}

/** Views never change, so that what was drawn of one holds for as long as it is shown. */
function once<T extends object>(draw: (view: T) => Part): (view: T) => Part {
  const drawn = new WeakMap<T, Part>()
  return (view) => {
    const known = drawn.get(view)
    if (known) return known
    const part = draw(view)
    drawn.set(view, part)
    return part
  }
}

const cellPart = once((cell: CellView) => partOf(`cell-${cell.cell}`, 'cells', card(cell)))
const endedPart = once((cell: EndedCell) => partOf(`ended-${cell.cell}`, 'ended', endedRow(cell)))
const logPart = once((log: RunView['log']) => partOf('log', 'events', logList(log)))

function status({ cells, done, active, plannedMs, folder }: RunView, nowMs: number): Markup {
  const under = active.size > 0 ? `, ${count(active.size)} under way` : ''
  return tag(
    'p',
    { id: 'status', class: 'headline' },
    tag('b', { class: 'clock' }, clockText(nowMs)),
    cells === 0
      ? ' getting ready'
      : `${plannedText(nowMs, plannedMs)} · ${count(done)} of ${plural(cells, 'cell')} done${under}`,
    folder !== undefined && tag('small', { class: 'quiet' }, folder),
  )
}

function verification({ verification: checks, active, done }: RunView): Markup {
  const isOver = active.size > 0 || done > 0
  const lead = isOver ? checkedWords(checks) : 'Before the run every pattern is held against the contract:'
  return tag(
    'div',
    { id: 'verification' },
    checks.size > 0 && tag('p', { class: 'quiet' }, lead),
    checks.size > 0 && !isOver && tag('ul', { class: 'checks' }, [...checks].map(checkItem)),
  )
}

/** `2 patterns keep the contract; undecided: sync`. */
function checkedWords(checks: RunView['verification']): string {
  const named = (wanted: PatternCheck['outcome']): readonly string[] =>
    [...checks].flatMap(([name, { outcome }]) => (outcome === wanted ? [name] : []))
  const [kept, broken, open] = [named('pass').length, named('fail').join(', '), named('undecided').join(', ')]
  const parts = [
    kept > 0 && `${plural(kept, 'pattern')} ${kept === 1 ? 'keeps' : 'keep'} the contract`,
    open !== '' && `whether it is kept is undecided: ${open}`,
    broken !== '' && `not measured, because it is broken: ${broken}`,
  ]
  return parts.filter((part) => part !== false).join('; ')
}

function checkItem([name, { outcome, done, of, failed }]: readonly [string, PatternCheck]): Markup {
  const all = Math.max(of, done)
  return tag(
    'li',
    {},
    tag('span', {}, name),
    outcome === 'running' && tag('progress', { max: Math.max(all, 1), value: done, 'aria-label': `cases of ${name}` }),
    outcome === 'running' ? `${done} of ${all} cases` : badge(outcome),
    failed > 0 && tag('span', { class: 'fail' }, `${failed} failed`),
  )
}

function card(cell: CellView): Markup {
  const soFar = successSoFar(cell)
  const faults = describeFaults(cell)
  return tag(
    'article',
    { id: `cell-${cell.cell}`, class: 'card cellcard' },
    tag(
      'header',
      {},
      tag('h3', {}, cell.pattern, tag('small', {}, ` under ${cell.arm}`)),
      tag('span', { class: 'badge' }, cell.phase),
    ),
    tag('p', { class: 'big' }, tag('b', {}, `${count(soFar.open)} in flight`), ` · ${successWords(soFar)}`),
    successBar(cell, soFar),
    tag('p', { class: 'quiet' }, countWords(cell)),
    cell.shape && systemPicture(cell.shape, cell),
    tag(
      'p',
      { class: faults === '' ? 'quiet' : 'armed' },
      faults === '' ? firedWords(cell.firings) : `armed now: ${faults}`,
    ),
  )
}

/** As it was drawn last, while nothing in it changed: counts do all the time. */
function systemPicture(shape: SystemShape, cell: CellView): Markup {
  const last = pictures.get(shape)
  if (last?.nodes === cell.nodes && last.faults === cell.faults) return last.drawn
  const drawn = drawSystem(shape, cell)
  pictures.set(shape, { nodes: cell.nodes, faults: cell.faults, drawn })
  return drawn
}

const pictures = new WeakMap<SystemShape, Pick<CellView, 'nodes' | 'faults'> & { readonly drawn: Markup }>()

function firedWords(firings: number): string {
  return firings === 0 ? 'no fault until now' : `no fault armed now, ${count(firings)} until now`
}

/** `57 of 60 right so far [81.5%, 99.0%]`. */
function successWords({ right, ended, interval }: SoFar): string {
  if (ended === 0) return 'no task has ended yet'
  const brackets = interval ? ` ${percentInterval(interval)}` : ''
  return `${count(right)} of ${count(ended)} right so far${brackets}`
}

function countWords({ tasks, started, ok, failed, right }: Counts): string {
  const other = ok - right
  return [
    `${count(tasks - started)} of ${plural(tasks, 'task')} to come`,
    failed > 0 && `${count(failed)} failed`,
    other > 0 && `${count(other)} late or wrong`,
  ]
    .filter((part) => part !== false)
    .join(', ')
}

const bar = { width: 320, height: 12 }

/** Right, late or wrong, failed, in flight; below it the interval of success, from 0 to 100 %. */
function successBar({ tasks, started, ok, failed, right }: Counts, { interval }: SoFar): Markup {
  const at = (n: number): number => (bar.width * n) / Math.max(tasks, 1)
  const part = (from: number, until: number, css: string): Markup =>
    rect({ x: at(from), y: 0, width: at(until) - at(from), height: bar.height }, css)
  const whisker = interval && [interval[0] * bar.width, Math.max((interval[1] - interval[0]) * bar.width, 2)]
  const words = `${right} right, ${ok - right} late or wrong, ${failed} failed, ${started - ok - failed} in flight, of ${tasks}`
  return picture(
    [bar.width, bar.height + 10],
    interval ? `${words}; success between ${interval.map(percent).join(' and ')}` : words,
    'counts',
    part(0, tasks, 'tocome'),
    part(0, right, 'right'),
    part(right, ok, 'other'),
    part(ok, ok + failed, 'failed'),
    part(ok + failed, started, 'open'),
    whisker && rect({ x: whisker[0]!, y: bar.height + 4, width: whisker[1]!, height: 4 }, 'whisker'),
  )
}

function endedRow(cell: EndedCell): Markup {
  const { interval, right } = successSoFar(cell)
  const success: Child =
    cell.error === undefined
      ? `${count(right)} of ${count(cell.tasks)}${interval ? ` ${percentInterval(interval)}` : ''}`
      : tag('span', { class: 'fail' }, 'not carried out')
  return tag(
    'tr',
    { id: `ended-${cell.cell}` },
    tag('th', { scope: 'row' }, cell.cell),
    tag('td', { class: 'number' }, success),
    tag('td', { class: 'number' }, count(cell.firings)),
    tag('td', { class: 'number' }, duration(cell.elapsedMs)),
  )
}

function logList(log: RunView['log']): Markup {
  const earlier = (log[0]?.number ?? 1) - 1
  const lines = log
    .toReversed()
    .map(({ atMs, cell, state, text }) =>
      tag(
        'li',
        { class: state },
        tag('time', {}, clockText(atMs)),
        tag(
          'div',
          {},
          cell !== undefined && tag('span', { class: 'where' }, cell),
          tag('span', { class: 'what' }, text),
        ),
      ),
    )
  return tag(
    'ol',
    { id: 'log', class: 'log' },
    lines.length === 0 && tag('li', { class: 'quiet' }, 'nothing yet'),
    lines,
    earlier > 0 && tag('li', { class: 'quiet' }, `and ${plural(earlier, 'line')} before: all faults are in the report`),
  )
}
