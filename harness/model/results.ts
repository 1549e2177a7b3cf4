import { z } from 'zod'
import { verdictSchema } from './checker.ts'
import { diskCost, faultStates, harnessHealth } from './history.ts'
import { cellPlanSchema, planSchema } from './plan.ts'
import { promised, renewed } from './promised.ts'
import { claim, comparison, gateResult, proportion, recovery } from './judgements.ts'
import { breakdownSchema } from './overhead-parts.ts'
import { place, placesIn } from './place.ts'
import * as is from './shape.ts'
import { count, interval, ms, optional, stored, type Stored } from './stored.ts'
import { storySchema } from './story.ts'
import { verificationSchema } from './verification.ts'

/** Of `results.json`: raise it when a reader of the old shape would misread the new one. */
export const resultsVersion = 4
/** Version 2 wrote the places of a fault as one text. Versions 2 and 3 had the name of a protocol in that of a promise. */
export const readableResults = [2, 3, 4] as const

const runVerdict = z.enum(['PASS', 'FAIL', 'INCONCLUSIVE', 'INVALID'])
export type RunVerdict = z.output<typeof runVerdict>

/** Exactly one per intended task. */
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
const outcomeNames = Object.keys(outcomes) as [Outcome, ...Outcome[]]

const percentileInterval = z.tuple([ms.nullable(), ms.nullable()])

/** Milliseconds: seen - intended - ideal over all intended tasks; null = beyond the deadline (unresolved counts as infinite). */
const overhead = stored({
  p50: ms.nullable(),
  p95: ms.nullable(),
  p99: ms.nullable(),
  /** Distribution-free, 95 %; null = beyond the deadline. Absent for percentiles in `tooFew`, and in older runs. */
  intervals: optional(
    stored({
      p50: optional(percentileInterval),
      p95: optional(percentileInterval),
      p99: optional(percentileInterval),
    }),
  ),
  n: count,
  /** False when timeScale is not 1: milliseconds do not scale. */
  quotable: z.boolean(),
  /** Percentiles for which tasks, or the faults that they share, are too few for a distribution-free interval. */
  tooFew: z.array(z.enum(['p50', 'p95', 'p99'])),
  /** Absent where no client saw a right result, and in older results. */
  breakdown: optional(breakdownSchema),
})
export type Overhead = Stored<typeof overhead>

/**
 * From the onset until tasks that begin are on time again. `unbroken`: they always were. `atMost`: between the last late
 * task and the first one on time. `beyond`: not within so long, and then the next outage or the end of the load came.
 * `too-few`: fewer than three arrivals per outage length.
 */
const restored = z.union([
  stored({ kind: z.enum(['unbroken', 'too-few']) }),
  stored({ kind: z.literal('restored'), ms, atMost: optional(z.literal(true)) }),
  stored({ kind: z.literal('beyond'), ms }),
])
export type Restored = Stored<typeof restored>

/** A task whose step in flight an outage cut. Neither of the times: nobody went on with it, and nobody ever will. */
const interruption = stored({
  task: z.string(),
  fault: z.string(),
  /** A new attempt of the engine's, or work on another submission by the client. */
  by: optional(z.enum(['engine', 'client'])),
  afterMs: optional(ms),
  /** Nobody had by then, and what would have been is not known. */
  openAfterMs: optional(ms),
})
export type InterruptedTask = Stored<typeof interruption>

/** One fault firing and what it did; times in milliseconds, undefined where it did not come to that (censored). */
const episode = stored({
  fault: z.string(),
  startedAt: ms,
  endedAt: ms,
  affectedTasks: count,
  /** Of the affected: those whose client never saw the right result. A task lost once is counted in one episode. */
  lostTasks: count,
  detectionMs: optional(ms),
  taskStallMsMedian: optional(ms),
  taskStallMsMax: optional(ms),
  /** Tasks whose step in flight it cut, and those of them that work went on with. */
  interruptedTasks: count,
  wentOnTasks: count,
  /** Absent where it drew per connection or held for nearly all of the load: there is no after in which to recover. */
  restored: optional(restored),
  reworkedSteps: count,
  duplicateEffects: count,
})
export type FaultEpisode = Stored<typeof episode>

const rework = stored({
  plannedSteps: count,
  executedSteps: count,
  duplicateEffects: count,
  /** Busy time, steps that an exit cut off included / busy time of each step's first execution, minus 1. */
  ratio: z.number(),
  /** 95 %, over faults where they hit several tasks; absent where these are too few, which `faults` then counts. */
  interval: optional(interval),
  faults: optional(count),
  /** Busy time that led to nothing: repeated executions, and all work on tasks whose result neither side has. */
  wastedMs: ms,
})
export type Rework = Stored<typeof rework>

/** What clients did for their tasks, in all. */
const requests = stored({
  tasks: count,
  submissions: count,
  /** Submissions, reads of the status, and streams. */
  requests: count,
  /** Without an answer: broken connections, a gateway's 502 or 504, streams that end before their last event. */
  cuts: count,
  /** Tasks that met a cut, and the most that one met. */
  tasksCut: count,
  mostCuts: count,
})
export type Requests = Stored<typeof requests>

/** What the system posted for its tasks; posts that a fault made of them are not counted. */
const callbacks = stored({
  /** Of tasks with a post, those with one alone. */
  single: proportion,
  posts: count,
  /** The most of one task. */
  most: count,
})

/** Two executions of one task at work at once: a second attempt beside a first one that lives. Lower bounds. */
const overlap = stored({
  /** Of tasks with an effect, those that never had any. */
  never: proportion,
  totalMs: ms,
  mostMs: ms,
})

/** How control fared, of tasks beside the load (`model/control.ts`). */
const control = stored({
  cancel: stored({
    sent: count,
    acknowledged: count,
    /** Of these: tasks that had not ended by then. Absent in older runs. */
    atWork: optional(count),
    /** From the first request until its acknowledgement, with those that never came; absent where the median never did. */
    acknowledgedMs: optional(ms),
    /** Its 95 % interval, where there are enough, and none shares a fault. */
    acknowledgedIn: optional(interval),
    /** Effects of steps that began after it, and of steps that were under way. */
    begunAfter: count,
    endedAfter: count,
    /** Tasks with any of the former; absent in older runs. */
    tasksBegunAfter: optional(count),
  }),
  commands: stored({
    sent: count,
    acknowledged: count,
    lost: count,
    doubled: count,
    /** Acknowledged ones of which anybody could read the log: the others are neither. Absent in older runs. */
    judged: optional(count),
    acknowledgedMs: optional(ms),
    /** From the request to interrupt until the agent was seen to stand still; likewise. */
    stoppedMs: optional(ms),
    stoppedIn: optional(interval),
    /** Tasks that were seen to do so. */
    tasksStopped: optional(count),
  }),
  /** `tasksBeyond`: of which any step began that was not covered; absent in older runs. */
  budget: stored({ tasks: count, stopped: count, beyond: count, tasksBeyond: optional(count) }),
  context: stored({ memories: count, patches: count, patchBytes: count, wholeBytes: count }),
  /** Absent where permission was not put to the test, as in older runs. */
  permission: optional(
    stored({
      /** Tasks that lack a tool, and those of them that asked for it and were refused. */
      tasks: count,
      refused: count,
      /** Submissions and calls that must be refused, and those that were. */
      attempts: count,
      turnedAway: count,
      /** Effects that nobody was allowed. */
      beyond: count,
    }),
  ),
  /** In credits, by the ledger; absent where no balance was put to the test. */
  balance: optional(stored({ tasks: count, refused: count, given: count, spent: count })),
  /** Of tasks that wanted more calls than they may: how many came to their rate. And calls beyond it, of any task or principal. */
  rate: optional(stored({ tasks: count, felt: count, calls: count, beyond: count })),
  /** Absent where no agent was to start others, as in older runs. */
  rogue: optional(
    stored({
      tasks: count,
      /** Tasks below them that were at work. */
      subTasks: count,
      /** Effects of steps of all of them that began after the cancellation. */
      begunAfter: count,
    }),
  ),
})
export type ControlFigures = Stored<typeof control>

const check = verdictSchema.extend({
  checker: z.preprocess(renewed, z.string()),
  judges: optional(promised),
  /** Whether this pattern promises it: only then is `fail` a FAIL. */
  promised: z.boolean(),
  /** Of a promise that is broken: the tasks that its witnesses are about. Absent where these are about none, and in older runs. */
  tasks: optional(z.array(z.string())),
})
export type CheckResult = Stored<typeof check>

const fault = stored({
  id: z.string(),
  fault: z.string(),
  target: z.union([is.zodOf(is.listOf(place)), z.string().transform(placesIn)]),
  state: z.enum(faultStates),
  proven: z.boolean(),
  firings: optional(count),
  armedAt: optional(ms),
  healedAt: optional(ms),
  /** From armed to heal, as planned and as it was: a node counts as healed when it is ready again. */
  plannedMs: optional(ms),
  lastedMs: optional(ms),
  /** Of a firing that was to come within a window after what a task came to: how long after that it took effect. */
  moment: optional(stored({ windowMs: ms, afterMs: optional(ms) })),
  reason: optional(z.string()),
})
export type FaultResult = Stored<typeof fault>

const taskRow = stored({
  ordinal: count,
  task: z.string(),
  intendedAt: ms,
  idealMs: ms,
  /** When the client saw the end; absent when it never did. */
  seenAt: optional(ms),
  outcome: z.enum(outcomeNames),
  via: optional(z.string()),
  exposed: z.boolean(),
  /** The fault firing whose episode it belongs to: the first one shared by several tasks that touched it. */
  episode: optional(z.string()),
  /** Submissions, reads of the status, and streams; absent in older results. */
  requests: optional(count),
  /** Callbacks that the system posted; absent where none came. */
  posts: optional(count),
  /** The most often that one step was executed; absent where none was. */
  executions: optional(count),
})
export type TaskRow = Stored<typeof taskRow>

export const cellSchema = stored({
  cell: cellPlanSchema,
  verdict: runVerdict,
  reasons: z.array(z.string()),
  outcomes: stored(Object.fromEntries(outcomeNames.map((name) => [name, count])) as Record<Outcome, typeof count>),
  /** ok / intended. */
  success: proportion,
  /** The same among tasks whose life overlapped a proven fault; undefined without one. */
  exposed: optional(proportion),
  /** Tasks whose result the server has: the gap to `success` is the delivery's loss. */
  serverSuccess: proportion,
  overhead,
  episodes: z.array(episode),
  interruptions: z.array(interruption),
  /** Effects do not show when work was begun anew: whom an outage cut, and who went on, is not known. */
  attemptsUntold: optional(z.boolean()),
  rework,
  requests,
  /** Absent where no callback came. */
  callbacks: optional(callbacks),
  /** Absent where there was none. */
  overlap: optional(overlap),
  /** Absent where no control was put to the test. Times are medians. */
  control: optional(control),
  checks: z.array(check),
  faults: z.array(fault),
  health: optional(is.zodOf(harnessHealth)),
  disk: optional(is.zodOf(diskCost)),
  /** Those that were decided: what was cut is counted in `outcomes` alone, and in no share. */
  tasks: z.array(taskRow),
})
export type CellResult = Stored<typeof cellSchema>

export const environmentSchema = stored({
  startedAt: z.string(),
  outlast: z.string(),
  commit: optional(z.string()),
  dirty: optional(z.boolean()),
  node: z.string(),
  platform: z.string(),
  kernel: z.string(),
  cpu: z.string(),
  cores: count,
  memoryBytes: z.number(),
  versions: z.record(z.string(), z.string()),
  /** What the runtime ran on and with, by its own names. Runs from before there was any such thing have no such field. */
  runtime: z.record(z.string(), z.string()).default({}),
  deviations: z.array(z.string()),
})
export type Environment = Stored<typeof environmentSchema>

export const resultsSchema = stored({
  version: z.literal(readableResults).transform((): typeof resultsVersion => resultsVersion),
  run: z.string(),
  plan: planSchema,
  environment: environmentSchema,
  /** Absent: the patterns were not held against the contract before they were measured. */
  verification: optional(verificationSchema),
  cells: z.array(cellSchema),
  recovery: z.array(recovery),
  claims: z.array(claim),
  /** In every arm, each pattern against the first of the plan; absent in older runs. */
  comparisons: optional(z.array(comparison)),
  gates: z.array(gateResult),
  /** What `outlast explain` says of the tasks that are most worth reading about, in the order of the cells; absent in older results. */
  stories: optional(z.array(storySchema)),
  verdict: runVerdict,
  /** One sentence each, the worst first. */
  reasons: z.array(z.string()),
  /** The SHA-256 of each file that all this was made from, by its path in the folder; absent: nothing vouches for them. */
  files: optional(z.record(z.string(), z.string())),
  /** Where the run's folder is, as it is to be typed where it was judged. */
  folder: optional(z.string()),
  /** What is to be said of these files: one sentence each. */
  record: optional(z.array(z.string())),
})
export type RunResults = Stored<typeof resultsSchema>

/** Without the rows of tasks, which are most of a large run's results, and take a second to read. */
export const figuresSchema = resultsSchema.extend({ cells: z.array(cellSchema.omit({ tasks: true })) })
export type RunFigures = Omit<RunResults, 'cells'> & { readonly cells: readonly Omit<CellResult, 'tasks'>[] }
