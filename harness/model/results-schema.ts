import { z } from 'zod'
import { promises, type Promised } from '../../patterns/contract/types/promises.ts'
import { machineHealthSchema } from './machine-schema.ts'
import { cellPlanSchema, gateSchema, planSchema } from './plan-schema.ts'
import { verificationSchema } from './verification-schema.ts'
import {
  outcomes,
  resultsVersion,
  type CellResult,
  type Environment,
  type Outcome,
  type RunResults,
} from './results.ts'

/** `results.json`, version 2, as `schema.ts` describes it; unknown fields are kept, as in `plan-file.ts`. */

const count = z.int().min(0)
const ms = z.number()
const optional = z.exactOptional
const runVerdict = z.enum(['PASS', 'FAIL', 'INCONCLUSIVE', 'INVALID'])
const outcomeNames = Object.keys(outcomes) as [Outcome, ...Outcome[]]
const outcome = z.enum(outcomeNames)
const interval = z.tuple([z.number(), z.number()])
const promised = z.enum(Object.keys(promises) as [Promised, ...Promised[]])

const proportion = z.looseObject({
  successes: count,
  n: count,
  interval: optional(interval),
  method: z.string(),
  faults: optional(count),
  bounds: optional(interval),
})
const percentileInterval = z.tuple([ms.nullable(), ms.nullable()])
const overhead = z.looseObject({
  p50: ms.nullable(),
  p95: ms.nullable(),
  p99: ms.nullable(),
  intervals: optional(
    z.looseObject({
      p50: optional(percentileInterval),
      p95: optional(percentileInterval),
      p99: optional(percentileInterval),
    }),
  ),
  n: count,
  quotable: z.boolean(),
  tooFew: z.array(z.enum(['p50', 'p95', 'p99'])),
})
const restored = z.union([
  z.looseObject({ kind: z.enum(['unbroken', 'too-few']) }),
  z.looseObject({ kind: z.literal('restored'), ms, atMost: optional(z.literal(true)) }),
  z.looseObject({ kind: z.literal('beyond'), ms }),
])
const interruption = z.looseObject({
  task: z.string(),
  fault: z.string(),
  by: optional(z.enum(['engine', 'client'])),
  afterMs: optional(ms),
  openAfterMs: optional(ms),
})
const episode = z.looseObject({
  fault: z.string(),
  startedAt: ms,
  endedAt: ms,
  affectedTasks: count,
  lostTasks: count,
  detectionMs: optional(ms),
  taskStallMsMedian: optional(ms),
  taskStallMsMax: optional(ms),
  interruptedTasks: count,
  wentOnTasks: count,
  restored: optional(restored),
  reworkedSteps: count,
  duplicateEffects: count,
})
const rework = z.looseObject({
  plannedSteps: count,
  executedSteps: count,
  duplicateEffects: count,
  ratio: z.number(),
  interval: optional(interval),
  faults: optional(count),
  wastedMs: ms,
})
const requests = z.looseObject({
  tasks: count,
  submissions: count,
  requests: count,
  cuts: count,
  tasksCut: count,
  mostCuts: count,
})
const check = z.looseObject({
  status: z.enum(['pass', 'fail', 'unknown', 'unexercised']),
  summary: z.string(),
  counts: z.record(z.string(), z.number()),
  witnesses: z.array(count),
  checker: z.string(),
  judges: optional(promised),
  promised: z.boolean(),
})
const fault = z.looseObject({
  id: z.string(),
  fault: z.string(),
  target: z.string(),
  state: z.enum(['armed', 'proven', 'partly', 'healed', 'not-applied', 'unexercised', 'lost', 'leaked', 'skipped']),
  proven: z.boolean(),
  firings: optional(count),
  armedAt: optional(ms),
  healedAt: optional(ms),
  plannedMs: optional(ms),
  lastedMs: optional(ms),
  reason: optional(z.string()),
})
const taskRow = z.looseObject({
  ordinal: count,
  task: z.string(),
  intendedAt: ms,
  idealMs: ms,
  seenAt: optional(ms),
  outcome,
  via: optional(z.enum(['response', 'callback', 'poll', 'stream'])),
  exposed: z.boolean(),
  episode: optional(z.string()),
})
const health = z.looseObject({
  pacerLagP99Ms: ms,
  pacerLagMaxMs: ms,
  eventLoopDelayP99Ms: ms,
  notOffered: count,
  cpuShare: z.number(),
  ledgerGaps: count,
  machine: optional(machineHealthSchema),
})
const cell: z.ZodType<CellResult> = z.looseObject({
  cell: cellPlanSchema,
  verdict: runVerdict,
  reasons: z.array(z.string()),
  outcomes: z.looseObject(
    Object.fromEntries(outcomeNames.map((name) => [name, count])) as Record<Outcome, typeof count>,
  ),
  success: proportion,
  exposed: optional(proportion),
  serverSuccess: proportion,
  overhead,
  episodes: z.array(episode),
  interruptions: z.array(interruption),
  rework,
  requests,
  checks: z.array(check),
  faults: z.array(fault),
  health: optional(health),
  disk: optional(z.looseObject({ fsync: z.string(), synchronousCommit: z.string(), fsyncs: count, fsyncMeanMs: ms })),
  tasks: z.array(taskRow),
})
const claim = z.looseObject({
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
const gateResult = z.looseObject({
  gate: gateSchema,
  observed: z.number(),
  interval: optional(interval),
  n: count,
  faults: optional(count),
  needed: optional(z.union([z.strictObject({ tasks: count }), z.strictObject({ faults: count })])),
  note: optional(z.string()),
  verdict: z.enum(['PASS', 'FAIL', 'INCONCLUSIVE']),
})

const side = z.looseObject({ run: optional(z.string()), pattern: z.string(), arm: z.string() })
const comparison = z.looseObject({
  first: side,
  second: side,
  blocks: count,
  leftOut: z.array(z.string()),
  success: optional(
    z.looseObject({
      pairs: count,
      both: count,
      onlyFirst: count,
      onlySecond: count,
      neither: count,
      difference: z.number(),
      interval: optional(interval),
      p: z.number(),
      adjusted: z.number(),
      basis: z.string(),
    }),
  ),
  overhead: optional(
    z.looseObject({
      pairs: count,
      shiftMs: ms,
      interval: optional(interval),
      p: z.number(),
      adjusted: z.number(),
      negligible: z.boolean(),
      quotable: z.boolean(),
    }),
  ),
})

export const environmentSchema: z.ZodType<Environment> = z.looseObject({
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
  // Runs from before there was a runtime with anything to tell have no such field.
  runtime: z.record(z.string(), z.string()).default({}),
  deviations: z.array(z.string()),
})

const waitingTime = z.union([
  z.looseObject({ ms: ms.nullable(), atMost: optional(z.literal(true)) }),
  z.looseObject({ beyondMs: ms }),
])
const recovery = z.looseObject({
  pattern: z.string(),
  arm: z.string(),
  outages: count,
  interrupted: count,
  wentOn: optional(proportion),
  resubmitted: count,
  takeover: optional(z.looseObject({ p50: waitingTime, p90: waitingTime })),
  restored: optional(waitingTime),
  unbroken: count,
  tooFew: count,
})

export const resultsSchema: z.ZodType<RunResults> = z.looseObject({
  version: z.literal(resultsVersion),
  run: z.string(),
  plan: planSchema,
  environment: environmentSchema,
  verification: optional(verificationSchema),
  cells: z.array(cell),
  recovery: z.array(recovery),
  claims: z.array(claim),
  comparisons: optional(z.array(comparison)),
  gates: z.array(gateResult),
  verdict: runVerdict,
  reasons: z.array(z.string()),
  files: optional(z.record(z.string(), z.string())),
  folder: optional(z.string()),
  record: optional(z.array(z.string())),
})
