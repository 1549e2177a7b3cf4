import type { NodeRole } from '../../patterns/contract/types/engine.ts'
import type { MachineLimits } from './machine.ts'
import type { Promised } from '../../patterns/contract/types/promises.ts'
import type { Floored, Tuning } from '../../patterns/contract/types/timeouts.ts'

/** A scenario, expanded: pure data, fixed before anything starts. `plan.json` is this. */
export interface Plan {
  readonly version: 1
  readonly scenario: string
  readonly question: string
  readonly seed: number
  readonly timeScale: number
  readonly runtime: string
  /** As the scenario lists them, the one first that others are held against; absent in older plans. */
  readonly patterns?: readonly string[]
  /** In the order of execution. Cells of one block run side by side. */
  readonly cells: readonly CellPlan[]
  readonly notApplicable: readonly NotApplicable[]
  readonly gates: readonly Gate[]
  /** What somebody published, to be put beside what is predicted and measured. */
  readonly published: readonly Published[]
  readonly health: HealthLimits
  /** What of the scenario was asked for; absent: all of it. */
  readonly selection?: Selection
}

/** Names of the scenario's patterns and arms; undefined: all. */
export interface Selection {
  readonly patterns?: readonly string[]
  readonly arms?: readonly string[]
}

/** A pattern that an arm cannot be carried out on, and why. */
export interface NotApplicable {
  readonly pattern: string
  readonly arm: string
  readonly reason: string
  /** Where the runtime is the reason: what it does not offer, and the runtimes that offer all that the arm needs. */
  readonly runtime?: { readonly lacks: readonly string[]; readonly instead: readonly string[] }
}

/** One pattern x one arm x one repetition. All times are already divided by `timeScale`: real milliseconds. */
export interface CellPlan {
  /** `sse-polling.kill.1`: also the cell's folder name. */
  readonly id: string
  readonly block: number
  readonly pattern: string
  readonly delivery: string
  readonly engine: string
  readonly promises: readonly Promised[]
  /** What each axis promises by itself; `promises` is what both do. Predictions need to know which axis keeps what. */
  readonly axes?: { readonly delivery: readonly Promised[]; readonly engine: readonly Promised[] }
  readonly arm: string
  readonly repetition: number
  readonly seed: number
  readonly timeScale: number
  /** What the engine's timeouts are set to. */
  readonly tuning: Tuning
  /** Timeouts of the engine that are longer than in proportion to the work; absent when there is none. */
  readonly floored?: readonly Floored[]
  /** What one takeover costs a task beyond its ideal duration, at the longest; absent where none is to be expected. */
  readonly takeoverMs?: number
  /** How long an executor may be silent before its engine can give its work to another, at the earliest; absent: not known. */
  readonly patienceMs?: number
  readonly profile: string
  readonly tasks: number
  readonly load: { readonly arrivals: 'poisson' | 'uniform'; readonly ratePerSec: number }
  /** The time beyond the ideal duration in which a result still counts. */
  readonly graceMs: number
  /** How long an exited node stays away before it is started again, as a pod would be. */
  readonly restartDelayMs: number
  readonly replicas: { readonly api: number; readonly executor: number }
  /** Nodes that execute steps, where they are not as many as `replicas` has; absent where they are. */
  readonly executors?: number
  readonly faults: readonly PlannedFault[]
  /** Faults of the arm that cannot touch this pattern, because it has no such node or link; absent when there is none. */
  readonly untouchedBy?: readonly { readonly fault: string; readonly reason: string }[]
  /** Copied from the plan, so that a history can be judged by itself. */
  readonly health: HealthLimits
}

/** One firing of a fault with every random choice already made. `schedule.json` is the list of these per arm. */
export interface PlannedFault {
  /** `kill-1#3`: the fault's id in the file and the ordinal of this firing. */
  readonly id: string
  readonly fault: string
  readonly target: Target
  readonly trigger: Trigger
  /** From armed to heal. For `kill` and `stop` the time until the node is started again. */
  readonly durationMs: number
  readonly params: Readonly<Record<string, unknown>>
  /** For the draws that a fault makes while it is active (per connection). */
  readonly seed: number
}

/**
 * `executor` is the role that runs the steps: `api` where the engine is memory, else `worker`. Ordinals wrap around. `of-step`,
 * with a step's trigger only: whoever did that step.
 */
export type Target =
  | { readonly kind: 'node'; readonly role: NodeRole | 'executor'; readonly ordinal: number | 'all' | 'of-step' }
  | { readonly kind: 'link'; readonly link: LinkName; readonly ordinal: number | 'all' }

export type Trigger =
  | { readonly kind: 'time'; readonly atMs: number }
  /** `delayMs` after the ledger saw step `step` of this task, both from 1; skipped if not seen `withinMs` after the load started. */
  | {
      readonly kind: 'step'
      readonly task: number
      readonly step: number
      readonly delayMs: number
      readonly withinMs: number
    }

export const linkNames = [
  'client->api',
  'api->store',
  'worker->store',
  'api->engine',
  'worker->engine',
  'engine->store',
  'engine->worker',
  'sender->receiver',
  'worker->tools',
] as const
export type LinkName = (typeof linkNames)[number]

export interface HealthLimits {
  readonly pacerLagP99Ms: number
  readonly eventLoopDelayP99Ms: number
  /** Of a cell alone: derived from what it measures. Absent in older plans, where nothing of it is judged. */
  readonly machine?: MachineLimits
}

/** Fails the run unless the metric's interval lies on the good side of the limit. */
export interface Gate {
  readonly pattern: string
  readonly arm: string
  readonly metric: 'success' | 'exposed-success'
  readonly min: number
  /** Tasks that a fault must have touched before it passes, where it is not the usual number. */
  readonly exposed?: number
  /** What left its cells out of this run (`--patterns`): it cannot be judged then, and is not forgotten. */
  readonly leftOut?: string
}

export interface Published {
  readonly pattern: string
  readonly arm: string
  readonly source: string
  readonly success?: number
  readonly overheadMs?: number
}
