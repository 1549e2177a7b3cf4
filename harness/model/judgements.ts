import { z } from 'zod'
import { gateSchema } from './plan.ts'
import { count, interval, ms, optional, stored, type Stored } from './stored.ts'

/** One interval, for tables, gates and claims alike. */
export const proportion = stored({
  successes: count,
  n: count,
  /** 95 %, two-sided. Absent where none can be claimed: no task, or too few faults that hit several tasks each. */
  interval: optional(interval),
  /** How the interval was made, or why there is none. */
  method: z.string(),
  /** Faults that hit several tasks each; absent where none did, so that tasks are independent. */
  faults: optional(count),
  /** With too few faults: what the other tasks allow, whatever had become of those that share a fault. No interval. */
  bounds: optional(interval),
})
export type Proportion = Stored<typeof proportion>

/** Published, predicted and measured, side by side. */
export const claim = stored({
  pattern: z.string(),
  arm: z.string(),
  source: z.string(),
  metric: z.enum(['success', 'overhead']),
  published: z.number(),
  predicted: optional(z.number()),
  measured: optional(z.number()),
  interval: optional(interval),
  n: count,
  verdict: z.enum(['consistent', 'refuted', 'underpowered', 'not-comparable']),
  note: z.string(),
})
export type Claim = Stored<typeof claim>

const needed = z.union([z.strictObject({ tasks: count }), z.strictObject({ faults: count })])
export type Needed = Stored<typeof needed>

const unbounded = z.tuple([z.number().nullable(), z.number().nullable()])

export const gateResult = stored({
  gate: gateSchema,
  /** In the unit of its metric; `null`: never, or later than anybody can tell. */
  observed: z.number().nullable(),
  /** The same. Absent where none can be claimed: `note` says why. */
  interval: optional(unbounded),
  /** Tasks, pairs, interruptions or outages, by its metric. */
  n: count,
  /** Faults that hit several tasks each; absent where none did. */
  faults: optional(count),
  /** What would settle an INCONCLUSIVE one in four of five runs; of faults, each with as many tasks as now. */
  needed: optional(needed),
  /** Why there is no interval, or what else keeps it from a verdict. */
  note: optional(z.string()),
  verdict: z.enum(['PASS', 'FAIL', 'INCONCLUSIVE']),
})
export type GateResult = Stored<typeof gateResult>

const side = stored({
  /** Absent: the run itself. */
  run: optional(z.string()),
  pattern: z.string(),
  arm: z.string(),
})
export type ComparedSide = Stored<typeof side>

/** Right results in time, the second's minus the first's. */
const successDifference = stored({
  pairs: count,
  both: count,
  onlyFirst: count,
  onlySecond: count,
  neither: count,
  difference: z.number(),
  /** 95 %; absent where too few faults carry the pairs. */
  interval: optional(interval),
  /** Two-sided, and the same after Holm over all that is shown beside it. */
  p: z.number(),
  adjusted: z.number(),
  /** What counts as one observation, and what follows. */
  basis: z.string(),
})
export type SuccessDifference = Stored<typeof successDifference>

/** Milliseconds by which the second's overhead is longer: Hodges-Lehmann, over pairs that no fault touched. */
const overheadShift = stored({
  /** With two results. */
  pairs: count,
  /** The others: the first side has no result, or the second alone has none. Absent: there are none, or the run is older. */
  without: optional(stored({ first: count, secondAlone: count })),
  shiftMs: ms,
  interval: optional(interval),
  p: z.number(),
  adjusted: z.number(),
  /** Shorter than what can be told apart here. */
  negligible: z.boolean(),
  /** False when timeScale is not 1: milliseconds do not scale. */
  quotable: z.boolean(),
})
export type OverheadShift = Stored<typeof overheadShift>

/** One pattern under one arm held against another, task by task: the same repetition and ordinal is the same work. */
export const comparison = stored({
  first: side,
  second: side,
  /** Repetitions that were compared. */
  blocks: count,
  /** Repetitions that were not, and why. */
  leftOut: z.array(z.string()),
  /** Absent where no repetition could be compared. */
  success: optional(successDifference),
  /** Absent where no fault left a pair untouched that has two right results. */
  overhead: optional(overheadShift),
})
export type Comparison = Stored<typeof comparison>

/** How long until something came; `null`: it never will. `beyondMs`: later than that, and nothing tells by how much. */
const waitingTime = z.union([
  stored({ ms: ms.nullable(), atMost: optional(z.literal(true)) }),
  stored({ beyondMs: ms }),
])
export type WaitingTime = Stored<typeof waitingTime>

/** Which share still waits. */
const waitingCurve = stored({
  /** Each end of a wait, in order, and the share that waits from then on. */
  steps: z.array(z.tuple([ms, z.number()])),
  /** When those were last seen waiting of whom nothing more is known. */
  open: z.array(ms),
  /** Those who wait for ever, as nobody will go on: a count. */
  never: count,
})
export type WaitingCurve = Stored<typeof waitingCurve>

/** What one pattern made of one arm's outages, repetitions pooled. */
export const recovery = stored({
  pattern: z.string(),
  arm: z.string(),
  outages: count,
  /** Tasks whose step in flight an outage cut, once for each outage; and how many of these cuts work went on after. */
  interrupted: count,
  /** Not known, of a service that does not number its attempts. */
  attemptsUntold: optional(z.boolean()),
  wentOn: optional(proportion),
  /** Of those: on another submission by the client, under a new id. */
  resubmitted: count,
  /** From the cut until work went on, over all interrupted, also those that nobody ever went on with. */
  takeover: optional(stored({ p50: waitingTime, p90: waitingTime })),
  /** What these quantiles are read off: the estimate of Kaplan and Meier. Absent in older results. */
  waiting: optional(waitingCurve),
  /** Median over the outages that could tell: from the onset until tasks that began were on time again. 0: they always were. */
  restored: optional(waitingTime),
  /** Outages in which tasks that began were on time throughout; and those that had too few arrivals to tell. */
  unbroken: count,
  tooFew: count,
  /** Outages that touched no task: in neither of these, and in no time. Absent: there are none, or the run is older. */
  untouching: optional(count),
  /** 95 %, `null` for never; absent where too few tell, and in older runs. Times that are not known may be any. */
  intervals: optional(
    stored({ takeoverP50: optional(unbounded), takeoverP90: optional(unbounded), restored: optional(unbounded) }),
  ),
})
export type RecoveryResult = Stored<typeof recovery>
