import type { FaultChange } from '../model/history.ts'
import { placeNames, type Place } from '../model/place.ts'
import type { SystemShape } from '../model/topology.ts'
import type { Progress, VerifyProgress } from '../run/progress.ts'

/** What is known of a run that is under way: the fold of its progress. Terminal and page show the same one. */
export interface RunView {
  readonly folder?: string
  readonly cells: number
  readonly plannedMs: number
  readonly done: number
  /** By pattern, in the order of the plan; empty where nothing is held against the contract. */
  readonly verification: ReadonlyMap<string, PatternCheck>
  /** In the order of their starts; ended ones leave. */
  readonly active: ReadonlyMap<string, CellView>
  readonly ended: readonly EndedCell[]
  /** The latest changes of faults, and notes: at most `mostLines`. */
  readonly log: readonly LogLine[]
  /** How many lines there were since the start. */
  readonly logged: number
}

export interface PatternCheck extends VerifyProgress {
  readonly outcome: 'waiting' | 'running' | 'pass' | 'fail' | 'undecided'
}

export interface LogLine {
  /** From 1, since the start of the run. */
  readonly number: number
  /** As the watcher's clock says. */
  readonly atMs: number
  /** What it is about; absent of a note. */
  readonly cell?: string
  readonly state?: FaultChange['state']
  readonly text: string
}

/** Tasks of a cell, as far as its clients know. */
export interface Counts {
  readonly tasks: number
  readonly started: number
  readonly ok: number
  readonly failed: number
  /** Of the `ok`: the right result before the deadline. */
  readonly right: number
}

export interface CellView extends Counts {
  readonly cell: string
  readonly pattern: string
  readonly arm: string
  readonly phase: string
  /** Absent until it runs. */
  readonly shape?: SystemShape
  /** The last that each node was heard to be: `ready`, `exited`. */
  readonly nodes: ReadonlyMap<string, string>
  /** Those that are armed now, by id. */
  readonly faults: ReadonlyMap<string, ArmedFault>
  /** How many were armed since the start. */
  readonly firings: number
}

export interface ArmedFault {
  readonly fault: string
  readonly target: readonly Place[]
}

export type EndedCell = Pick<CellView, 'cell' | 'pattern' | 'arm' | 'firings' | keyof Counts> & {
  readonly elapsedMs: number
  readonly error?: string
}

export const nothingYet: RunView = {
  cells: 0,
  plannedMs: 0,
  done: 0,
  verification: new Map(),
  active: new Map(),
  ended: [],
  log: [],
  logged: 0,
}

const mostLines = 100

/** The view after one more progress message, at this time. Pure. Messages about cells that are not under way are ignored. */
export function watch(view: RunView, told: Progress, atMs: number): RunView {
  switch (told.kind) {
    case 'run-start':
      return { ...view, folder: told.folder, cells: told.cells, plannedMs: told.plannedMs }
    case 'note':
      return withLine(view, { atMs, text: told.text })
    case 'verify-start':
    case 'verify-progress':
    case 'verify-end':
      return { ...view, verification: withCheck(view.verification, told) }
    case 'cell-start':
      return withCell(view, { ...fresh, cell: told.cell, pattern: told.pattern, arm: told.arm, tasks: told.tasks })
    default:
      return watchCell(view, told, atMs)
  }
}

type OfCell = Exclude<Extract<Progress, { cell: string }>, { kind: 'cell-start' }>

function watchCell(view: RunView, told: OfCell, atMs: number): RunView {
  const known = view.active.get(told.cell)
  if (!known) return view
  switch (told.kind) {
    case 'cell-end':
      return endCell(view, known, told, atMs)
    case 'cell-phase':
      return withCell(view, { ...known, phase: told.phase })
    case 'cell-system':
      return withCell(view, { ...known, shape: { nodes: told.nodes, links: told.links } })
    case 'node':
      return withCell(view, { ...known, nodes: new Map([...known.nodes, [told.node, told.state]]) })
    case 'fault':
      return withLine(withCell(view, withFault(known, told.change)), lineOf(told.cell, told.change, atMs))
    default: {
      const { started, ok, failed, right } = told
      return withCell(view, { ...known, started, ok, failed, right })
    }
  }
}

const fresh = {
  phase: 'deploy',
  started: 0,
  ok: 0,
  failed: 0,
  right: 0,
  nodes: new Map<string, string>(),
  faults: new Map<string, ArmedFault>(),
  firings: 0,
}

function withCheck(
  known: RunView['verification'],
  told: Extract<Progress, { kind: 'verify-start' | 'verify-progress' | 'verify-end' }>,
): RunView['verification'] {
  if (told.kind === 'verify-start')
    return new Map(told.patterns.map((pattern) => [pattern, { outcome: 'waiting', done: 0, of: 0, failed: 0 }]))
  const before = known.get(told.pattern)
  if (!before) return known
  if (told.kind === 'verify-end') return new Map([...known, [told.pattern, { ...before, outcome: told.outcome }]])
  const { done, of, failed } = told
  return new Map([...known, [told.pattern, { outcome: 'running', done, of, failed }]])
}

function withCell(view: RunView, cell: CellView): RunView {
  return { ...view, active: new Map([...view.active, [cell.cell, cell]]) }
}

function endCell(
  view: RunView,
  known: CellView,
  { ok, elapsedMs, error }: Extract<Progress, { kind: 'cell-end' }>,
  atMs: number,
): RunView {
  const { cell, pattern, arm, firings, tasks, started, failed, right } = known
  const counts = { tasks, started, ok, failed, right }
  const ended = { cell, pattern, arm, firings, ...counts, elapsedMs, ...(error !== undefined && { error }) }
  const active = new Map([...view.active].filter(([id]) => id !== cell))
  const after = { ...view, active, done: view.done + 1, ended: [...view.ended, ended] }
  return error === undefined ? after : withLine(after, { atMs, cell, text: `could not be carried out: ${error}` })
}

/** What is proven or not is said at the end of its window, before it is healed; what leaked is still there. */
const over: ReadonlySet<FaultChange['state']> = new Set(['healed', 'not-applied', 'skipped'])

function withFault(cell: CellView, { id, fault, target, state }: FaultChange): CellView {
  if (state === 'armed')
    return { ...cell, faults: new Map([...cell.faults, [id, { fault, target }]]), firings: cell.firings + 1 }
  if (!over.has(state)) return cell
  return { ...cell, faults: new Map([...cell.faults].filter(([known]) => known !== id)) }
}

function withLine(view: RunView, line: Omit<LogLine, 'number'>): RunView {
  const number = view.logged + 1
  return { ...view, log: [...view.log, { ...line, number }].slice(-mostLines), logged: number }
}

function lineOf(
  cell: string,
  { id, fault, target, state, reason }: FaultChange,
  atMs: number,
): Omit<LogLine, 'number'> {
  const what = id.startsWith(fault) ? id : `${id} (${fault})`
  const why = reason === undefined ? '' : `: ${reason}`
  return { atMs, cell, state, text: `${what} on ${placeNames(target)} ${state}${why}` }
}

/** `kill x2, latency`: the kinds of the faults that are armed. */
export function describeFaults({ faults }: Pick<CellView, 'faults'>): string {
  const kinds = Map.groupBy(faults.values(), ({ fault }) => fault)
  return [...kinds].map(([kind, same]) => (same.length > 1 ? `${kind} x${same.length}` : kind)).join(', ')
}

/** What follows the time that has passed: ` of about 1:34`; empty where nothing is planned yet. */
export function plannedText(elapsedMs: number, plannedMs: number): string {
  if (plannedMs === 0) return ''
  return `${elapsedMs <= plannedMs ? ' of' : ', planned were'} about ${clockText(plannedMs)}`
}

/** `1:04`: minutes and seconds. */
export function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
