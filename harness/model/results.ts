import type { DiskCost, FaultState, HarnessHealth, Via } from './history.ts'
import type { CellPlan, Gate, Plan } from './plan.ts'
import type { Promised } from '../../patterns/contract/types/promises.ts'
import type { Verdict } from './checker.ts'
import type { Verification } from './verification.ts'

/** Of `results.json`: bump it when a reader of the old shape would misread the new one. */
export const resultsVersion = 2

/** `results.json`. */
export interface RunResults {
  readonly version: typeof resultsVersion
  readonly run: string
  readonly plan: Plan
  readonly environment: Environment
  /** Absent: the patterns were not held against the contract before they were measured. */
  readonly verification?: Verification
  readonly cells: readonly CellResult[]
  readonly recovery: readonly RecoveryResult[]
  readonly claims: readonly Claim[]
  /** In every arm, each pattern against the first of the plan; absent in older runs. */
  readonly comparisons?: readonly Comparison[]
  readonly gates: readonly GateResult[]
  readonly verdict: RunVerdict
  /** One sentence each, the worst first. */
  readonly reasons: readonly string[]
  /** The SHA-256 of each file that all this was made from, by its path in the folder; absent: nothing vouches for them. */
  readonly files?: Readonly<Record<string, string>>
  /** Where the run's folder is, as it is to be typed where it was judged. */
  readonly folder?: string
  /** What is to be said of these files: one sentence each. */
  readonly record?: readonly string[]
}

export type RunVerdict = 'PASS' | 'FAIL' | 'INCONCLUSIVE' | 'INVALID'

/** Exactly one per intended task (`measure.md` 2.1). */
export const outcomes = {
  ok: 'the right result, seen by the client before the deadline',
  late: 'the right result after the deadline: the client saw it, or had given up before the server had it',
  failed_known: 'the client was told, or could tell for certain, that it failed',
  lost_result: 'the server has the result, the client never got it',
  stuck: 'accepted and still not terminal at the end',
  wrong: 'the client accepted a result that is not the right one',
  lost_everywhere: 'neither the client nor the server has it',
  not_offered: 'the harness never sent it: makes the run invalid',
  cut: 'the run ended before it was decided, or before it was sent: neither success nor failure',
} as const
export type Outcome = keyof typeof outcomes

export interface CellResult {
  readonly cell: CellPlan
  readonly verdict: RunVerdict
  readonly reasons: readonly string[]
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** ok / intended. */
  readonly success: Proportion
  /** The same among tasks whose life overlapped a proven fault; undefined without one. */
  readonly exposed?: Proportion
  /** Tasks whose result the server has: the gap to `success` is the delivery's loss. */
  readonly serverSuccess: Proportion
  readonly overhead: Overhead
  readonly episodes: readonly Episode[]
  readonly interruptions: readonly Interruption[]
  readonly rework: Rework
  readonly requests: Requests
  readonly checks: readonly CheckResult[]
  readonly faults: readonly FaultResult[]
  readonly health?: HarnessHealth
  readonly disk?: DiskCost
  /** Those that were decided: what was cut is counted in `outcomes` alone, and in no share. */
  readonly tasks: readonly TaskRow[]
}

/** One interval, for tables, gates and claims alike. */
export interface Proportion {
  readonly successes: number
  readonly n: number
  /** 95 %, two-sided. Absent where none can be claimed: no task, or too few faults that hit several tasks each. */
  readonly interval?: readonly [number, number]
  /** How the interval was made, or why there is none. */
  readonly method: string
  /** Faults that hit several tasks each; absent where none did, so that tasks are independent. */
  readonly faults?: number
  /** With too few faults: what the other tasks allow, whatever had become of those that share a fault. No interval. */
  readonly bounds?: readonly [number, number]
}

/** Milliseconds: seen - intended - ideal over all intended tasks; null = beyond the deadline (unresolved counts as infinite). */
export interface Overhead {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  /** Distribution-free, 95 %; null = beyond the deadline. Absent for percentiles in `tooFew`, and in older runs. */
  readonly intervals?: Readonly<Partial<Record<'p50' | 'p95' | 'p99', readonly [number | null, number | null]>>>
  readonly n: number
  /** False when timeScale is not 1: milliseconds do not scale. */
  readonly quotable: boolean
  /** Percentiles for which tasks, or the faults that they share, are too few for a distribution-free interval. */
  readonly tooFew: readonly ('p50' | 'p95' | 'p99')[]
}

/** One fault firing and what it did; times in milliseconds, undefined where it did not come to that (censored). */
export interface Episode {
  readonly fault: string
  readonly startedAt: number
  readonly endedAt: number
  readonly affectedTasks: number
  /** Of the affected: those whose client never saw the right result. A task lost once is counted in one episode. */
  readonly lostTasks: number
  readonly detectionMs?: number
  readonly taskStallMsMedian?: number
  readonly taskStallMsMax?: number
  /** Tasks whose step in flight it cut, and those of them that somebody went on with. */
  readonly interruptedTasks: number
  readonly wentOnTasks: number
  /** Absent where it drew per connection or held for nearly all of the load: there is no after in which to recover. */
  readonly restored?: Restored
  readonly reworkedSteps: number
  readonly duplicateEffects: number
}

/**
 * From the onset until tasks that begin are on time again. `unbroken`: they always were. `atMost`: not later than that. `beyond`:
 * not within so long, and then the next outage or the end of the load came. `too-few`: fewer than three arrivals per outage length.
 */
export type Restored =
  | { readonly kind: 'unbroken' | 'too-few' }
  | { readonly kind: 'restored'; readonly ms: number; readonly atMost?: true }
  | { readonly kind: 'beyond'; readonly ms: number }

/** A task whose step in flight an outage cut. Neither of the times: nobody went on with it, and nobody ever will. */
export interface Interruption {
  readonly task: string
  readonly fault: string
  /** A new attempt of the engine's, or work on another submission by the client. */
  readonly by?: 'engine' | 'client'
  /** From the cut until that work began. */
  readonly afterMs?: number
  /** Nobody had by then, and what would have been is not known. */
  readonly openAfterMs?: number
}

/** How long until something came; `null`: it never will. `beyondMs`: later than that, and nothing tells by how much. */
export type WaitingTime = { readonly ms: number | null; readonly atMost?: true } | { readonly beyondMs: number }

/** What one pattern made of one arm's outages, repetitions pooled. */
export interface RecoveryResult {
  readonly pattern: string
  readonly arm: string
  readonly outages: number
  /** Tasks whose step in flight an outage cut, once for each outage; and how many of these cuts somebody went on after. */
  readonly interrupted: number
  readonly wentOn?: Proportion
  /** Of those: on another submission by the client, under a new id. */
  readonly resubmitted: number
  /** From the cut until somebody went on, over all interrupted, also those that nobody ever went on with. */
  readonly takeover?: { readonly p50: WaitingTime; readonly p90: WaitingTime }
  /** Median over the outages that could tell: from the onset until tasks that began were on time again. 0: they always were. */
  readonly restored?: WaitingTime
  /** Outages in which tasks that began were on time throughout; and those that had too few arrivals to tell. */
  readonly unbroken: number
  readonly tooFew: number
}

export interface Rework {
  readonly plannedSteps: number
  readonly executedSteps: number
  readonly duplicateEffects: number
  /** Busy time, steps that an exit cut off included / busy time of each step's first execution, minus 1. */
  readonly ratio: number
  /** 95 %, over faults where they hit several tasks; absent where these are too few, which `faults` then counts. */
  readonly interval?: readonly [number, number]
  readonly faults?: number
  /** Busy time that led to nothing: repeated executions, and all work on tasks whose result neither side has. */
  readonly wastedMs: number
}

/** What clients did for their tasks, in all. */
export interface Requests {
  readonly tasks: number
  readonly submissions: number
  /** Submissions, reads of the status, and streams. */
  readonly requests: number
  /** Of these: those that ended without the answer of a server: no connection, a broken one, a gateway's 502 or 504. */
  readonly cuts: number
  /** Tasks that met a cut, and the most that one met. */
  readonly tasksCut: number
  readonly mostCuts: number
}

export interface CheckResult extends Verdict {
  readonly checker: string
  readonly judges?: Promised
  /** Whether this pattern promises it: only then is `fail` a FAIL. */
  readonly promised: boolean
}

export interface FaultResult {
  readonly id: string
  readonly fault: string
  readonly target: string
  readonly state: FaultState
  readonly proven: boolean
  readonly firings?: number
  readonly armedAt?: number
  readonly healedAt?: number
  /** From armed to heal, as planned and as it was: a node counts as healed when it is ready again. */
  readonly plannedMs?: number
  readonly lastedMs?: number
  readonly reason?: string
}

export interface TaskRow {
  readonly ordinal: number
  readonly task: string
  readonly intendedAt: number
  readonly idealMs: number
  /** When the client saw the end; absent when it never did. */
  readonly seenAt?: number
  readonly outcome: Outcome
  readonly via?: Via
  readonly exposed: boolean
  /** The fault firing whose episode it belongs to: the first one shared by several tasks that touched it. */
  readonly episode?: string
}

/** Published, predicted and measured, side by side. */
export interface Claim {
  readonly pattern: string
  readonly arm: string
  readonly source: string
  readonly metric: 'success' | 'overhead'
  readonly published: number
  readonly predicted?: number
  readonly measured?: number
  readonly interval?: readonly [number, number]
  readonly n: number
  readonly verdict: 'consistent' | 'refuted' | 'underpowered' | 'not-comparable'
  readonly note: string
}

export type Needed = { readonly tasks: number } | { readonly faults: number }

export interface GateResult {
  readonly gate: Gate
  readonly observed: number
  /** Absent where none can be claimed: `note` says why. */
  readonly interval?: readonly [number, number]
  readonly n: number
  /** Faults that hit several tasks each; absent where none did. */
  readonly faults?: number
  /** What would settle an INCONCLUSIVE one in four of five runs; of faults, each with as many tasks as now. */
  readonly needed?: Needed
  /** Why there is no interval, or what else keeps it from a verdict. */
  readonly note?: string
  readonly verdict: 'PASS' | 'FAIL' | 'INCONCLUSIVE'
}

export interface Environment {
  readonly startedAt: string
  readonly outlast: string
  readonly commit?: string
  readonly dirty?: boolean
  readonly node: string
  readonly platform: string
  readonly kernel: string
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly versions: Readonly<Record<string, string>>
  /** What the runtime ran on and with, by its own names. */
  readonly runtime: Readonly<Record<string, string>>
  readonly deviations: readonly string[]
}

/** One pattern under one arm held against another, task by task: the same repetition and ordinal is the same work. */
export interface Comparison {
  readonly first: ComparedSide
  readonly second: ComparedSide
  /** Repetitions that were compared. */
  readonly blocks: number
  /** Repetitions that were not, and why. */
  readonly leftOut: readonly string[]
  /** Absent where no repetition could be compared. */
  readonly success?: SuccessDifference
  /** Absent where no fault left a pair untouched that has two right results. */
  readonly overhead?: OverheadShift
}

export interface ComparedSide {
  /** Absent: the run itself. */
  readonly run?: string
  readonly pattern: string
  readonly arm: string
}

/** Right results in time, the second's minus the first's. */
export interface SuccessDifference {
  readonly pairs: number
  readonly both: number
  readonly onlyFirst: number
  readonly onlySecond: number
  readonly neither: number
  readonly difference: number
  /** 95 %; absent where too few faults carry the pairs. */
  readonly interval?: readonly [number, number]
  /** Two-sided, and the same after Holm over all that is shown beside it. */
  readonly p: number
  readonly adjusted: number
  /** What counts as one observation, and what follows. */
  readonly basis: string
}

/** Milliseconds by which the second's overhead is longer: Hodges-Lehmann, over pairs that no fault touched. */
export interface OverheadShift {
  readonly pairs: number
  readonly shiftMs: number
  readonly interval?: readonly [number, number]
  readonly p: number
  readonly adjusted: number
  /** Shorter than what can be told apart here. */
  readonly negligible: boolean
  /** False when timeScale is not 1: milliseconds do not scale. */
  readonly quotable: boolean
}
