import { z } from 'zod'
import type { Promised } from '../../patterns/contract/types/promises.ts'
import type { Named } from '../core/discover.ts'
import type { History } from './history.ts'
import type { CellPlan } from './plan.ts'
import { count, stored, type Stored } from './stored.ts'

/** One property of histories: one file in `harness/checkers/`. */
export interface Checker extends Named {
  /** The promise that it judges. Undefined: it judges the run itself, and its failure is never the system's. */
  readonly judges?: Promised
  /** Of the run itself: a failure means that its numbers cannot be believed. Without it, that they are inconclusive. */
  readonly invalidates?: true
  /** Cells that it says nothing of are judged without it; absent: it judges all. */
  readonly isAbout?: (cell: CellPlan) => boolean
  check(history: History): Verdict
}

/** Neither `unknown` nor `unexercised` is a pass: the history cannot decide, or could not have broken the property. */
export const verdictSchema = stored({
  status: z.enum(['pass', 'fail', 'unknown', 'unexercised']),
  summary: z.string(),
  counts: z.record(z.string(), z.number()),
  /** Indexes of the ops that show it, the smallest set that convinces; at most 20. */
  witnesses: z.array(count),
})
export type Verdict = Stored<typeof verdictSchema>
