import { z } from 'zod'
import { nodeRoles } from '../../patterns/contract/types/engine.ts'
import { tunings } from '../../patterns/contract/types/timeouts.ts'
import { controlKinds, controlLimits, controlProbe } from './control.ts'
import { machineLimitsSchema } from './machine.ts'
import { promised } from './promised.ts'
import { metricNames, metricOf } from './metrics.ts'
import { count, optional, stored, type Stored } from './stored.ts'
import { targetSchema } from './target.ts'

/** All durations are milliseconds. */
const ms = z.number()

/**
 * Of `plan.json` and of its histories. Version 1 wrote the places of a fault as one text. Versions 1 and 2 had the name of a
 * protocol in that of the promise about streams. Versions 1 to 3 had gates from below alone, at 95 %, each of which decided.
 */
export const planVersion = 4
export const readablePlans = [1, 2, 3, 4] as const

export const linkNames = [
  'client->api',
  'api->store',
  'worker->store',
  'api->engine',
  'worker->engine',
  'engine->store',
  'engine->worker',
  'api->worker',
  'worker->api',
  'sender->receiver',
  'worker->tools',
] as const
export type LinkName = (typeof linkNames)[number]

const ordinal = z.union([count, z.literal('all')])

/**
 * `executor` is the role that runs the steps: `api` where the engine is memory, else `worker`. Ordinals wrap around. `of-step`,
 * with a step's trigger only: the node that did that step. `of-task`, with an acceptance's only: the node that accepted it.
 */
const target = z.union([
  stored({
    kind: z.literal('node'),
    role: z.enum([...nodeRoles, 'executor']),
    ordinal: z.union([ordinal, z.enum(['of-step', 'of-task'])]),
  }),
  stored({ kind: z.literal('link'), link: z.enum(linkNames), ordinal }),
])
export type Target = Stored<typeof target>

/**
 * A step's trigger fires `delayMs` after the ledger saw step `step` of this task, both from 1. An acceptance's fires that long
 * after the client had the answer that its task is accepted. Both are skipped if that was not seen `withinMs` after the load
 * started. `windowMs`: the delay was drawn from so long a window, and a firing after it missed it.
 */
const trigger = z.union([
  stored({ kind: z.literal('time'), atMs: ms }),
  stored({ kind: z.literal('step'), task: count, step: count, delayMs: ms, withinMs: ms, windowMs: optional(ms) }),
  stored({ kind: z.literal('accepted'), task: count, delayMs: ms, withinMs: ms, windowMs: ms }),
])
export type Trigger = Stored<typeof trigger>

/** No request gets through of what it touches: it is not that an answer is lost. */
const stopsRequests = optional(z.literal(true))

/**
 * What a fault does to what it acts on, which decides how much it can explain:
 * - `end`: nodes end; their exits are in the history, each at its own time;
 * - `break`: connections break, or are refused, at once;
 * - `silence`: nothing moves while it lasts, and then all goes on: it matters to who waits for less long than that;
 * - `delay`: all moves, this much later: it matters to who waits for less than `ms`;
 * - `none`: nothing is taken away or comes too late. It explains nothing.
 */
const impact = z.union([
  stored({
    kind: z.literal('end'),
    /** In the planned moment, with no time to do anything, and the node is back after the planned time and not before. */
    sudden: optional(z.literal(true)),
    /** The machine's memory is short while it acts. */
    takesMemory: optional(z.literal(true)),
  }),
  stored({
    kind: z.literal('silence'),
    /** What is kept silent is lost, and does not come when it is over. */
    loses: optional(z.literal(true)),
    stopsRequests,
    /** Packets are lost, and TCP sends them again. */
    dropsPackets: optional(z.literal(true)),
  }),
  stored({ kind: z.literal('break'), stopsRequests }),
  stored({ kind: z.literal('none') }),
  stored({ kind: z.literal('delay'), ms }),
])
export type Impact = Stored<typeof impact>

/** One firing of a fault with every random choice already made. `schedule.json` is the list of these per arm. */
const plannedFault = stored({
  /** `kill-1#3`: the fault's id in the file and the ordinal of this firing. */
  id: z.string(),
  fault: z.string(),
  target,
  trigger,
  /** From armed to heal. For `kill` and `stop` the time until the node is started again. */
  durationMs: ms,
  params: z.record(z.string(), z.unknown()),
  /** As the fault says with these parameters; absent in older plans, and in schedules. */
  impact: optional(impact),
  /** For the draws that a fault makes while it is active (per connection). */
  seed: z.number(),
})
export type PlannedFault = Stored<typeof plannedFault>

const healthLimits = stored({
  pacerLagP99Ms: ms,
  eventLoopDelayP99Ms: ms,
  /** Of a cell alone: derived from what it measures. Absent in older plans, where nothing of it is judged. */
  machine: optional(machineLimitsSchema),
})
export type HealthLimits = Stored<typeof healthLimits>

/** One pattern x one arm x one repetition. All times are already divided by `timeScale`: real milliseconds. */
export const cellPlanSchema = stored({
  /** `sse-polling.kill.1`: also the cell's folder name. */
  id: z.string().regex(/^[\w+@-][\w.+@-]*$/, 'a cell id is a folder name'),
  block: count,
  pattern: z.string(),
  delivery: z.string(),
  engine: z.string(),
  promises: z.array(promised),
  arm: z.string(),
  repetition: count,
  seed: z.number(),
  timeScale: z.number().positive(),
  /** What the engine's timeouts are set to. */
  tuning: z.enum(tunings).default('default'),
  /** Timeouts of the engine that are longer than in proportion to the work; absent when there is none. */
  floored: optional(z.array(stored({ name: z.string(), wantedMs: ms, ms, why: z.string() }))),
  /** What one takeover costs a task beyond its ideal duration, at the longest; absent where none is to be expected. */
  takeoverMs: optional(ms),
  /** How long an executor may be silent before its engine can give its work to another, at the earliest; absent: not known. */
  patienceMs: optional(ms),
  profile: z.string(),
  /** Of a target: how long its work takes at best, in how many steps, and whether it tells of its effects. Absent: the profile says so. */
  ownWork: optional(stored({ idealMs: ms, steps: count, tellsEffects: z.boolean() })),
  /** Of work whose total each task draws by its seed: the least and the most. Absent where all take the same. */
  idealRangeMs: optional(z.tuple([ms, ms])),
  tasks: count,
  load: stored({ arrivals: z.enum(['poisson', 'uniform']), ratePerSec: z.number() }),
  /** The time beyond the ideal duration in which a result still counts. */
  graceMs: ms,
  /** How long an exited node stays away before it is started again, as a pod would be. */
  restartDelayMs: ms,
  replicas: stored({ api: count, executor: count }),
  /** Nodes that execute steps, where they are not as many as `replicas` has; absent where they are. */
  executors: optional(count),
  /** What each axis promises by itself; `promises` is what both do. Predictions need to know which axis keeps what. */
  axes: optional(stored({ delivery: z.array(promised), engine: z.array(promised) })),
  /** What the formulas of `stats` need to know of the two axes; absent in older plans (`traitsOf`). */
  traits: optional(
    stored({
      executor: z.enum(['api', 'worker']),
      /** Tasks live and die in one process. */
      inOneProcess: z.boolean(),
      /** The client waits within the submission, and submits again. */
      resubmits: z.boolean(),
      callback: z.boolean(),
    }),
  ),
  faults: z.array(plannedFault),
  /** Tasks beside the load whose control is put to the test; absent: there are none. */
  control: optional(z.array(controlProbe)),
  /** Balances and rates that they live under; absent: there are none. */
  limits: optional(controlLimits),
  /** Kinds of control that cannot be put to the test on this pattern or runtime, and why; absent when there is none. */
  uncontrolled: optional(z.array(stored({ kind: z.enum(controlKinds), reason: z.string() }))),
  /** Faults of the arm that cannot touch this pattern, because it has no such node or link; absent when there is none. */
  untouchedBy: optional(z.array(stored({ fault: z.string(), reason: z.string() }))),
  /** Copied from the plan, so that a history can be judged by itself. */
  health: healthLimits,
})
export type CellPlan = Stored<typeof cellPlanSchema>

/** A pattern that an arm cannot be carried out on, and why. */
const notApplicable = stored({
  pattern: z.string(),
  arm: z.string(),
  reason: z.string(),
  /** Where the runtime is the reason: what it does not offer, and the runtimes that offer all that the arm needs. */
  runtime: optional(stored({ lacks: z.array(z.string()), instead: z.array(z.string()) })),
})
export type NotApplicable = Stored<typeof notApplicable>

/** How much a gate that does not hold weighs: `warn` is said, and changes neither verdict nor exit code of the run. */
export const severities = ['warn', 'error'] as const
/** What a gate without a verdict makes of the run; unless it says so, the run is INCONCLUSIVE. */
export const inconclusiveMeans = ['fail', 'warn', 'pass'] as const

/** Holds where the metric's whole interval lies on the good side of the limit. */
export const gateSchema = stored({
  pattern: z.string(),
  arm: z.string(),
  metric: z.enum(metricNames),
  /** Of what is counted: the share of tasks with at most so many. */
  atMost: optional(count),
  /** The limit, of a metric that is better the higher. Shares are between 0 and 1. */
  min: optional(z.number()),
  /** The limit, of a metric that is better the lower. Times are real milliseconds. */
  max: optional(z.number()),
  /** Of the interval, where it is not 0.95. */
  confidence: optional(z.number()),
  /** Tasks that a fault must have touched before it passes, where it is not the usual number. */
  exposed: optional(count),
  /** What it must have seen before it passes: tasks, pairs, interruptions or outages, by its metric. */
  minSamples: optional(count),
  /** Faults that must have touched a task before it passes. */
  minFaults: optional(count),
  severity: optional(z.enum(severities)),
  onInconclusive: optional(z.enum(inconclusiveMeans)),
  /** What left its cells out of this run (`--patterns`): it cannot be judged then, and is not forgotten. */
  leftOut: optional(z.string()),
}).refine(
  ({ metric, min, max }) =>
    (metricOf(metric).good === 'high' ? [min, max] : [max, min]).map(Number.isFinite).join() === 'true,false',
  'a gate has one limit: "min" where its metric is better the higher, else "max"',
)
export type Gate = Stored<typeof gateSchema>

export function limitOf({ min, max }: Pick<Gate, 'min' | 'max'>): number {
  return (min ?? max)!
}

/** As people read it before its limit: `success`, `posts <= 1 in`. */
export function metricName({ metric, atMost }: Pick<Gate, 'metric' | 'atMost'>): string {
  return atMost === undefined ? metric : `${metric} <= ${atMost} in`
}

/** A published figure, to be put beside what is predicted and measured. */
const published = stored({
  pattern: z.string(),
  arm: z.string(),
  source: z.string(),
  success: optional(z.number()),
  overheadMs: optional(ms),
})
export type Published = Stored<typeof published>

/** Names of the scenario's patterns and arms; undefined: all. */
const selection = stored({
  patterns: optional(z.array(z.string())),
  arms: optional(z.array(z.string())),
  /** Arms without a fault that are not among `arms`; absent where `arms` is, and in older plans. */
  controlsLeftOut: optional(z.array(z.string())),
})
export type Selection = Stored<typeof selection>

/** `plan.json`: a scenario, expanded. Pure data, fixed before anything starts. */
export const planSchema = stored({
  version: z.literal(readablePlans).transform((): typeof planVersion => planVersion),
  scenario: z.string(),
  question: z.string(),
  seed: z.number(),
  timeScale: z.number().positive(),
  runtime: z.string(),
  /** As the scenario lists them, the one first that others are held against; absent in older plans. */
  patterns: optional(z.array(z.string())),
  /** In the order of execution. Cells of one block run side by side. */
  cells: z
    .array(cellPlanSchema)
    .refine((cells) => new Set(cells.map(({ id }) => id)).size === cells.length, 'two cells have the same id'),
  notApplicable: z.array(notApplicable),
  gates: z.array(gateSchema),
  /** The run that gates on a regression are held against; its cells are in `against.json`. */
  against: optional(z.string()),
  /** What a preset chose of it, and why: one sentence each. */
  preset: optional(stored({ name: z.string(), chose: z.array(z.string()) })),
  published: z.array(published),
  health: healthLimits,
  /** Services of the user's that are among the patterns; absent: none. */
  targets: optional(z.array(targetSchema)),
  /** What of the scenario was asked for; absent: all of it. */
  selection: optional(selection),
})
export type Plan = Stored<typeof planSchema>
