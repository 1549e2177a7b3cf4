import { z } from 'zod'
import { linkNames, type CellPlan, type Gate, type HealthLimits, type Plan } from './plan.ts'
import { promises, type Promised } from '../../patterns/contract/types/promises.ts'
import { tunings } from '../../patterns/contract/types/timeouts.ts'
import { machineLimitsSchema } from './machine-schema.ts'
import { parseShape } from '../store/versioned-file.ts'

/**
 * `plan.json`, version 1, as `harness/model/plan.ts` describes it. Fields that this version does not know are kept:
 * a version that must not be misread has another number.
 */

const promised = z.enum(Object.keys(promises) as [Promised, ...Promised[]])
const count = z.int().min(0)
const ms = z.number()
const record = z.record(z.string(), z.unknown())

const ordinal = z.union([count, z.literal('all')])
const nodeOrdinal = z.union([ordinal, z.literal('of-step')])
const target = z.union([
  z.looseObject({
    kind: z.literal('node'),
    role: z.enum(['api', 'worker', 'engine', 'store', 'executor']),
    ordinal: nodeOrdinal,
  }),
  z.looseObject({ kind: z.literal('link'), link: z.enum(linkNames), ordinal }),
])
const trigger = z.union([
  z.looseObject({ kind: z.literal('time'), atMs: ms }),
  z.looseObject({ kind: z.literal('step'), task: count, step: count, delayMs: ms, withinMs: ms }),
])
const plannedFault = z.looseObject({
  id: z.string(),
  fault: z.string(),
  target,
  trigger,
  durationMs: ms,
  params: record,
  seed: z.number(),
})

const healthLimits: z.ZodType<HealthLimits> = z.looseObject({
  pacerLagP99Ms: ms,
  eventLoopDelayP99Ms: ms,
  machine: z.exactOptional(machineLimitsSchema),
})

export const cellPlanSchema: z.ZodType<CellPlan> = z.looseObject({
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
  tuning: z.enum(tunings).default('default'),
  floored: z.exactOptional(z.array(z.looseObject({ name: z.string(), wantedMs: ms, ms, why: z.string() }))),
  takeoverMs: z.exactOptional(ms),
  patienceMs: z.exactOptional(ms),
  profile: z.string(),
  tasks: count,
  load: z.looseObject({ arrivals: z.enum(['poisson', 'uniform']), ratePerSec: z.number() }),
  graceMs: ms,
  restartDelayMs: ms,
  replicas: z.looseObject({ api: count, executor: count }),
  executors: z.exactOptional(count),
  axes: z.exactOptional(z.looseObject({ delivery: z.array(promised), engine: z.array(promised) })),
  faults: z.array(plannedFault),
  untouchedBy: z.exactOptional(z.array(z.looseObject({ fault: z.string(), reason: z.string() }))),
  health: healthLimits,
})

/** The plan of a cell, as the first line of its history has it. Throws HarnessError that says what is wrong. */
export function parseCellPlan(value: unknown, where: string): CellPlan {
  return parseShape(value, where, cellPlanSchema)
}

export const gateSchema: z.ZodType<Gate> = z.looseObject({
  pattern: z.string(),
  arm: z.string(),
  metric: z.enum(['success', 'exposed-success']),
  min: z.number(),
  exposed: z.exactOptional(count),
  leftOut: z.exactOptional(z.string()),
})

export const planSchema: z.ZodType<Plan> = z.looseObject({
  version: z.literal(1),
  scenario: z.string(),
  question: z.string(),
  seed: z.number(),
  timeScale: z.number().positive(),
  runtime: z.string(),
  patterns: z.exactOptional(z.array(z.string())),
  cells: z.array(cellPlanSchema),
  notApplicable: z.array(
    z.looseObject({
      pattern: z.string(),
      arm: z.string(),
      reason: z.string(),
      runtime: z.exactOptional(z.looseObject({ lacks: z.array(z.string()), instead: z.array(z.string()) })),
    }),
  ),
  gates: z.array(gateSchema),
  published: z.array(
    z.looseObject({
      pattern: z.string(),
      arm: z.string(),
      source: z.string(),
      success: z.exactOptional(z.number()),
      overheadMs: z.exactOptional(ms),
    }),
  ),
  health: healthLimits,
  selection: z.exactOptional(
    z.looseObject({ patterns: z.exactOptional(z.array(z.string())), arms: z.exactOptional(z.array(z.string())) }),
  ),
})
