import type { FaultChange, Phase } from '../model/history.ts'
import type { NodeEvent } from '../model/runtime.ts'
import type { SystemShape } from '../model/topology.ts'

/**
 * What a run reports to its watcher. It is for eyes only. Nothing is judged by it, and a watcher that throws or is slow
 * must not disturb the run. Cells are named by id; several of one block are under way at once.
 */
export type Progress =
  | {
      readonly kind: 'run-start'
      readonly folder: string
      readonly cells: number
      /** How long it will take if nothing goes wrong. */
      readonly plannedMs: number
    }
  /** Patterns are about to be held against the contract, before any is measured. */
  | { readonly kind: 'verify-start'; readonly patterns: readonly string[] }
  | ({ readonly kind: 'verify-progress'; readonly pattern: string } & VerifyProgress)
  /** `outcome` is `fail` where it breaks the contract: its cells are not carried out. */
  | { readonly kind: 'verify-end'; readonly pattern: string; readonly outcome: 'pass' | 'fail' | 'undecided' }
  | {
      readonly kind: 'cell-start'
      readonly cell: string
      readonly pattern: string
      readonly arm: string
      readonly tasks: number
      readonly plannedMs: number
    }
  /** The cell's system is up. */
  | ({ readonly kind: 'cell-system'; readonly cell: string } & SystemShape)
  | { readonly kind: 'node'; readonly cell: string; readonly node: string; readonly state: NodeEvent['state'] }
  | { readonly kind: 'cell-phase'; readonly cell: string; readonly phase: 'deploy' | Phase }
  | ({ readonly kind: 'cell-progress'; readonly cell: string } & CellProgress)
  | {
      readonly kind: 'cell-end'
      readonly cell: string
      readonly elapsedMs: number
      readonly ok: number
      readonly tasks: number
      /** The harness could not carry the cell out: why. */
      readonly error?: string
    }
  | { readonly kind: 'fault'; readonly cell: string; readonly change: FaultChange }
  | { readonly kind: 'note'; readonly text: string }

/** Counts since the cell's start, about twice a second. */
export interface CellProgress {
  readonly elapsedMs: number
  /** Submitted, or tried to. */
  readonly started: number
  /** Of the started: ended, either way. `ok + failed`. */
  readonly finished: number
  /** The client has a result. */
  readonly ok: number
  /** The client knows of a failure, or gave up. */
  readonly failed: number
  /** Of the `ok`: the right result, before the task's deadline. What a report counts as success. */
  readonly right: number
}

/** How far a pattern is with the cases of the contract. */
export interface VerifyProgress {
  readonly done: number
  /** Cases in all; some of them may not apply. */
  readonly of: number
  readonly failed: number
}

export type OnProgress = (progress: Progress) => void

/**
 * What the client of a task knows at its end. `late`: the right result after its deadline. `failed_known`: it was told, or can
 * tell. `unknown`: it gave up. What became of the task is judged later, and from both sides.
 */
export const endings = ['ok', 'late', 'wrong', 'failed_known', 'unknown', 'not_offered', 'cut'] as const

export interface TaskEnding {
  readonly ending: (typeof endings)[number]
  /** Of a right result: from when it was wanted until it was seen, without the ideal duration. */
  readonly overheadMs?: number
}

/** Hears of each task. Not called where nobody asks, and held to what holds for `OnProgress`. */
export type OnTaskEnd = (end: TaskEnding & { readonly cell: string }) => void

/** Tells several watchers. One that throws is not told any more: `onDefect` hears why. */
export function tellEach(watchers: readonly OnProgress[], onDefect: (error: unknown) => void): OnProgress {
  const left = new Set(watchers)
  return (progress) => {
    for (const tell of left)
      try {
        tell(progress)
      } catch (error) {
        left.delete(tell)
        onDefect(error)
      }
  }
}
