import type { Gate, HealthLimits, LinkName, Published } from '../model/plan.ts'
import type { NodeRole } from '../../patterns/contract/types/engine.ts'
import type { ControlKind } from '../model/control.ts'
import type { Target } from '../model/target.ts'

/**
 * A scenario as it was meant, checked and with every default filled in. Durations and rates are those of the task's
 * own world, as written: `compile.ts` divides by `timeScale`. The exceptions are real milliseconds at any scale:
 * `health` (it is about this machine) and the overhead in `published` (it was measured somewhere else).
 */
export interface Scenario {
  readonly name: string
  readonly question: string
  readonly seed: number
  readonly timeScale: number
  readonly profile: string
  readonly patterns: readonly string[]
  /** Services of the user's among them. */
  readonly targets: readonly Target[]
  readonly load: Load
  /** How many tasks beside the load are controlled, of each kind. */
  readonly control?: Readonly<Record<ControlKind, number>>
  readonly graceMs: number
  readonly replicas: { readonly api: number; readonly executor: number }
  readonly restartDelayMs: number
  readonly repetitions: number
  /** How many cells run at once at most; absent: all cells of a block. */
  readonly sideBySide?: number
  /** In the order of the file. An arm without faults is a control. */
  readonly arms: readonly Arm[]
  readonly gates: readonly Gate[]
  readonly published: readonly Published[]
  readonly health: HealthLimits
}

export interface Load {
  readonly tasks: number
  readonly arrivals: 'poisson' | 'uniform'
  readonly ratePerSec: number
}

export interface Arm {
  readonly name: string
  readonly faults: readonly FaultSpec[]
}

/** One entry of an arm: a fault, what it hits, and when. */
export interface FaultSpec {
  /** Unique in its arm: as written, or the fault's name and its number among the arm's faults of that name. */
  readonly id: string
  readonly fault: string
  readonly target: TargetSpec
  /** The pattern whose node or link it is; absent: those of every pattern. */
  readonly only?: string
  readonly trigger: TriggerSpec
  /** `load`: until the last task has ended or has been given up. */
  readonly forMs: number | 'load'
  /** As the fault's own schema reads them; durations in task-world milliseconds. */
  readonly params: Readonly<Record<string, unknown>>
  /** May overlap another fault on the same link. */
  readonly compose: boolean
  /** One firing acts on the whole target; a role without a number is all of its nodes. Else each firing has one node. */
  readonly together: boolean
}

/**
 * `any`: one node, drawn with the seed; a fault that acts on all nodes together never has it. `of-step`: the node that did
 * the step of the trigger `on`. `of-task`: the node that accepted its task.
 */
export type TargetSpec =
  | {
      readonly kind: 'node'
      readonly role: NodeRole | 'executor'
      readonly ordinal: number | 'any' | 'all' | 'of-step' | 'of-task'
    }
  | { readonly kind: 'link'; readonly link: LinkName; readonly ordinal: number | 'all' }

export type TriggerSpec =
  | { readonly kind: 'at'; readonly atMs: number }
  /** Exponential gaps with this mean, from the end of one firing to the next: for each node of a role, or for the link. */
  | { readonly kind: 'every'; readonly meanGapMs: number }
  /** `task` and `step` count from 1. */
  | { readonly kind: 'on'; readonly task: number; readonly step: number; readonly afterMs: number }
  | MomentTrigger

/**
 * Within `windowMs` of a moment of a task, or of each: when its client had the answer that it is accepted, or when the ledger
 * saw its first effect. What races there (a flush to the disk, an answer on its way) does not scale: real milliseconds.
 */
export interface MomentTrigger {
  readonly kind: 'moment'
  readonly moment: 'accepted' | 'effect'
  /** Counts from 1. */
  readonly task: number | 'all'
  readonly windowMs: number
}

/** Real milliseconds for a node to be ready before the next harm: 1.1 to 2.6 s after a kill on two busy cores. */
export const settleMs = 2500

/** The time from the start of the load to the ideal end of the last task, on average, in task-world milliseconds. */
export function loadWindowMs(load: Load, idealMs: number): number {
  return (load.tasks / load.ratePerSec) * 1000 + idealMs
}
