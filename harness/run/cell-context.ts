import { monotonicMs } from '../../patterns/contract/types/timer.ts'
import type { HarnessError } from '../core/errors.ts'
import type { TraceIdsOf } from '../analysis/trace-ids.ts'
import type { FaultChange, Phase } from '../model/history.ts'
import type { CallbackPath } from '../model/callback-path.ts'
import type { CellPlan } from '../model/plan.ts'
import type { Target } from '../model/target.ts'
import type { TargetSpeech } from '../targets/speech.ts'
import type { Deployment, NodeEvent, Runtime } from '../model/runtime.ts'
import type { SystemShape } from '../model/topology.ts'
import type { Fault } from '../model/fault.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import type { Journal } from '../cleanup/journal.ts'
import type { RunFolder } from '../store/run-folder.ts'
import type { JobRunner, PlannedJob } from './jobs.ts'
import type { Ledger } from './ledger.ts'
import type { MachineWatch } from './machine/watch.ts'
import type { OnTaskEnd } from './progress.ts'
import type { ProbeParts } from './control-probes.ts'
import type { Recorder } from './recorder.ts'
import type { TaskWatch } from './nemesis.ts'
import type { StrangerWatch } from './strangers.ts'

export interface RunContext {
  readonly folder: RunFolder
  readonly temp: string
  readonly journal: Journal
  readonly runtime: Runtime
  readonly engines: ReadonlyMap<string, Engine>
  /** Services of the user's, by the name of their pattern. Absent: there is none. */
  readonly targets?: ReadonlyMap<string, Target>
  readonly faults: ReadonlyMap<string, Fault>
  /** Where requests say which trace they belong to. */
  readonly traceIds?: TraceIdsOf
  /** Who wants to know of every task's end. */
  readonly onTaskEnd?: OnTaskEnd
  readonly signal: AbortSignal
  /** A part of the harness failed: the run ends in order, and its signal aborts with this. The first one counts. */
  readonly breakOff: (error: HarnessError) => void
}

/** What the cells of a block share, which run side by side. */
export interface BlockContext extends RunContext {
  readonly machine: MachineWatch
}

export interface CellEvents {
  readonly phase: (phase: Phase) => void
  readonly fault: (change: FaultChange) => void
  readonly node: (event: NodeEvent) => void
  /** Its system is up. */
  readonly system: (shape: SystemShape) => void
}

/** A cell's machinery, from its start until it is disposed. */
export interface CellParts {
  readonly cell: CellPlan
  readonly context: BlockContext
  readonly recorder: Recorder
  readonly ledger: Ledger
  readonly taskWatch: TaskWatch
  readonly callbacks: CallbackPath
  readonly deployment: Deployment
  readonly jobs: readonly PlannedJob[]
  readonly runner: JobRunner
  /** Of tasks beside the load: the way to the system, and the ids that their clients learned. */
  readonly probes: Pick<ProbeParts, 'ports' | 'taskIds' | 'principals'>
  readonly token: string
  readonly watch: StrangerWatch
  /** Of a target: how it is spoken to. */
  readonly speech?: TargetSpeech
  readonly events: CellEvents
  /** Folder with the logs of its nodes, each named as its node. */
  readonly logs: string
}

/** `error`: why what the history says is no measurement. */
export function enterPhase({ recorder, events }: CellParts, phase: Phase, error?: string): void {
  recorder.record({ f: 'phase', type: 'observe', process: 'harness', value: { phase }, ...(error && { error }) })
  events.phase(phase)
}

/** From here on `at` counts; the history says which time of day that was. */
export function beginLoad({ recorder, events }: CellParts, epochMs: number): void {
  recorder.startAt(epochMs)
  const zeroAt = new Date(Date.now() + epochMs - monotonicMs()).toISOString()
  recorder.record({ f: 'phase', type: 'observe', process: 'harness', value: { phase: 'load', zeroAt } })
  events.phase('load')
}

export function engineOf(cell: CellPlan, context: RunContext): Engine {
  return context.engines.get(cell.engine)!
}
