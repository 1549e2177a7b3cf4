import type { Gate } from '../../model/plan.ts'
import type { Needed } from '../../model/judgements.ts'
import type { CellResult } from '../../model/results.ts'
import type { Interval } from '../../stats/intervals.ts'

/** What a gate is judged by. */
export interface Seen {
  /** The repetitions of its pattern under its arm whose numbers can be believed. */
  readonly usable: readonly CellResult[]
  /** All cells of the run. */
  readonly cells: readonly CellResult[]
  /** The run that this one is held against; absent where there is none. */
  readonly base?: Base | undefined
  readonly confidence: number
}

export interface Base {
  readonly run: string
  readonly cells: readonly CellResult[]
  /** How its machine differs from this one: one clause for each reason. */
  readonly elsewhere: readonly string[]
}

/** The figure of a report, in the unit of the gate's metric. Infinity is a time like any other. */
export interface Evidence {
  readonly observed: number
  /** Absent where none can be claimed: `note` says why. */
  readonly interval?: Interval
  /** What it was measured over, as the metric says it. With 0 there is no verdict. */
  readonly n: number
  /** Faults that hit several tasks each; absent where none did. */
  readonly faults?: number
  readonly note?: string
  /** Without an interval: where the figure lies whatever had become of the tasks that share a fault, and how that is said. */
  readonly bounds?: Interval
  /** Why what was measured says nothing of all that it is about. */
  readonly cannotPass?: string
  /** Why the figure is worse here than where its limit is meant. */
  readonly cannotFail?: string
  /** What would settle on which side of its limit it lies. */
  needed?(): Needed | undefined
}

export type EvidenceOf = (gate: Gate, seen: Seen) => Evidence
