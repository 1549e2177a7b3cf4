import type { Counter, Gauge, Histogram } from 'prom-client'
import type { CellPlan, Plan } from '../../model/plan.ts'
import type { OnProgress, OnTaskEnd, Progress } from '../../run/progress.ts'

/** What Prometheus reads while a run is under way: an observer of it, by which nothing is judged. */
export interface Metrics {
  readonly onProgress: OnProgress
  readonly onTaskEnd: OnTaskEnd
  readonly contentType: string
  /** All of it in the text format 0.0.4. */
  text(): Promise<string>
}

/** Seconds. Overheads are a few milliseconds in a healthy cell, and minutes where work is taken over. */
const bucketsS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

/** Loads its library only now: a run that nobody watches has nothing of it. */
export async function createMetrics(plan: Plan, version: string): Promise<Metrics> {
  const { Counter, Gauge, Histogram, Registry } = await import('prom-client')
  const registry = new Registry()
  const common = { registers: [registry] }
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> =>
    new Gauge({ name, help, labelNames: [...labelNames], ...common })
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name, help, labelNames: [...labelNames], ...common })
  gauge('outlast_run_info', 'The run: always 1', ['version', 'scenario', 'seed', 'runtime']).set(
    { version, scenario: plan.scenario, seed: String(plan.seed), runtime: plan.runtime },
    1,
  )
  const instruments: Instruments = {
    cells: gauge('outlast_cells', 'Cells of the plan by state', ['state']),
    started: counter('outlast_tasks_started_total', 'Tasks that clients have submitted, or tried to', where),
    finished: counter(
      'outlast_tasks_finished_total',
      'Tasks that have ended, as their clients saw it; what became of them is judged when the run is over',
      [...where, 'outcome'],
    ),
    inFlight: gauge('outlast_tasks_in_flight', 'Tasks that were started and whose clients wait', where),
    activeFaults: gauge('outlast_faults_active', 'Faults that are armed', [...where, 'fault']),
    faultChanges: counter('outlast_fault_changes_total', 'Changes of the state of faults', [
      ...where,
      'fault',
      'state',
    ]),
    overhead: new Histogram({
      name: 'outlast_task_overhead_seconds',
      help: 'Of right results: from the intended start until the client saw it, without the ideal duration; real time',
      labelNames: [...where],
      buckets: bucketsS,
      ...common,
    }),
  }
  instruments.cells.set({ state: 'planned' }, plan.cells.length)
  const { onProgress, onTaskEnd } = watchRun(plan, instruments)
  return {
    onProgress: harmless(onProgress),
    onTaskEnd: harmless(onTaskEnd),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  }
}

/** A task's end is told where it is recorded: what a metric does not take is not counted, and disturbs nobody. */
function harmless<T>(count: (told: T) => void): (told: T) => void {
  return (told) => {
    try {
      count(told)
    } catch {
      // Nothing is judged by it.
    }
  }
}

const where = ['pattern', 'arm'] as const
type Where = (typeof where)[number]

interface Instruments {
  readonly cells: Gauge<'state'>
  readonly started: Counter<Where>
  readonly finished: Counter<Where | 'outcome'>
  readonly inFlight: Gauge<Where>
  readonly activeFaults: Gauge<Where | 'fault'>
  readonly faultChanges: Counter<Where | 'fault' | 'state'>
  readonly overhead: Histogram<Where>
}

/** What of a cell is counted already. */
interface CellState {
  readonly labels: Readonly<Record<Where, string>>
  started: number
  inFlight: number
  /** Faults that are armed, by id. */
  readonly armed: Map<string, string>
}

function watchRun(plan: Plan, instruments: Instruments): Pick<Metrics, 'onProgress' | 'onTaskEnd'> {
  const cells = new Map(plan.cells.map((cell) => [cell.id, freshState(cell)]))
  const { finished, overhead } = instruments
  return {
    onProgress: (told) => {
      const state = 'cell' in told ? cells.get(told.cell) : undefined
      if (state) followCell(state, told, instruments)
    },
    onTaskEnd: ({ cell, ending, overheadMs }) => {
      const state = cells.get(cell)
      if (!state) return
      finished.inc({ ...state.labels, outcome: ending })
      if (overheadMs !== undefined) overhead.observe(state.labels, overheadMs / 1000)
    },
  }
}

function freshState({ pattern, arm }: CellPlan): CellState {
  return { labels: { pattern, arm }, started: 0, inFlight: 0, armed: new Map() }
}

function followCell(state: CellState, told: Progress, instruments: Instruments): void {
  const { cells } = instruments
  if (told.kind === 'cell-start') cells.inc({ state: 'running' })
  if (told.kind === 'cell-start') count(state, { started: 0, finished: 0 }, instruments)
  if (told.kind === 'cell-progress') count(state, told, instruments)
  if (told.kind === 'fault') followFault(state, told.change, instruments)
  if (told.kind !== 'cell-end') return
  cells.dec({ state: 'running' })
  cells.inc({ state: told.error === undefined ? 'ended' : 'failed' })
  const started = told.error === undefined ? told.tasks : state.started
  count(state, { started, finished: started }, instruments)
  for (const fault of state.armed.values()) instruments.activeFaults.dec({ ...state.labels, fault })
  state.armed.clear()
}

/** Several cells of one pattern and arm, its repetitions, are counted together. */
function count(
  state: CellState,
  { started, finished }: { readonly started: number; readonly finished: number },
  { started: all, inFlight }: Instruments,
): void {
  all.inc(state.labels, Math.max(0, started - state.started))
  inFlight.inc(state.labels, started - finished - state.inFlight)
  state.started = started
  state.inFlight = started - finished
}

type FaultChange = Extract<Progress, { kind: 'fault' }>['change']

function followFault(
  { labels, armed }: CellState,
  { id, fault, state }: FaultChange,
  { activeFaults, faultChanges }: Instruments,
): void {
  faultChanges.inc({ ...labels, fault, state })
  const was = armed.delete(id)
  const is = state === 'armed' || (was && !overStates.has(state))
  if (is) armed.set(id, fault)
  if (is !== was) activeFaults.inc({ ...labels, fault }, is ? 1 : -1)
}

/** What has one of these states harms no more, or nobody can tell. */
const overStates: ReadonlySet<FaultChange['state']> = new Set(['healed', 'leaked', 'skipped', 'not-applied'])
