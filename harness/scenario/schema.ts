import { z } from 'zod'
import { timeScales } from '../core/limits.ts'
import { armEntry, type ArmVocabulary, type Located, type ParsedArm } from './arm.ts'
import type { Catalog } from './catalog.ts'
import { describe, section, suggest, type Values } from './problems.ts'
import { presetNames } from './presets.ts'
import type { Load } from './scenario.ts'
import {
  atLeast,
  atMost,
  atMostOfWork,
  confidence,
  countIn,
  duration,
  durations,
  percent,
  positiveDuration,
  rate,
  within,
} from './units.ts'
import { type MetricName, metricNames, metricOf, type Unit } from '../model/metrics.ts'
import { inconclusiveMeans, severities } from '../model/plan.ts'
import type { Target } from '../model/target.ts'
import { targetShape } from './target-schema.ts'

const probes = z.int().min(0).max(1000).default(0)

const armName = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, { error: ({ input }) => `arm name ${describe(input)}; use a-z, 0-9 and hyphens` })

/** The parts of the language that depend on what is installed. */
export type Vocabulary = ArmVocabulary &
  Pick<Catalog, 'resolvePattern' | 'patternNames' | 'deliveries' | 'engineNames' | 'profileNames'>

export interface Entries {
  readonly arm: z.ZodType
  readonly gate: z.ZodType
  readonly published: z.ZodType
  readonly target: z.ZodType
}

/** Lists of anything: the entries are read one by one, each with its own schema. */
export const anyEntries: Entries = { arm: z.unknown(), gate: z.unknown(), published: z.unknown(), target: z.unknown() }

export function scenarioEntries(vocabulary: Vocabulary) {
  const pattern = patternName(vocabulary)
  return {
    arm: armEntry(vocabulary),
    gate: gateEntry(pattern),
    published: publishedEntry(pattern),
    target: targetShape,
  }
}

/** The scenario language: its top-level keys and what each may hold. */
export function scenarioShape(vocabulary: Vocabulary, entries: Entries) {
  return {
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]*$/, { error: ({ input }) => `name ${describe(input)}; use a-z, 0-9 and hyphens` })
      .describe('Names the run and its folder'),
    question: z.string().min(1).describe('What the run is to find out: printed above its answer'),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(1)
      .describe('Every random choice derives from it'),
    preset: z
      .enum(presetNames)
      .optional()
      .describe('Chooses tasks, repetitions, and when faults fire, by power, where this file does not say it'),
    timeScale: z
      .number()
      .min(1)
      .max(timeScales.most)
      .default(1)
      .describe('Divides every duration and multiplies every rate of this file, except in health and published'),
    profile: profileName(vocabulary).optional().describe('The kind of work, by its name; research-write unless given'),
    work: section({
      steps: z.int().min(1).default(1).describe('Of about the same length'),
      duration: durations.describe('All steps together: 8m, or 5s..2m, drawn for each task evenly over the logarithm'),
      resultBytes: z.int().min(0).default(0).describe('Size of the text in its result'),
    })
      .optional()
      .describe('The kind of work, described: in the place of a profile'),
    folder: z.string().default('.').describe('Where relative paths of targets begin; that of this file unless given'),
    targets: z
      .record(z.string(), entries.target)
      .optional()
      .describe('Services of your own, each a pattern by its name: docs/targets.md'),
    patterns: z
      .array(patternName(vocabulary))
      .min(1)
      .superRefine(noRepetition)
      .describe('Compared side by side: names of the catalog, or delivery+engine; @tuned tunes the engine'),
    load: section({
      tasks: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe('How many, per pattern and arm; a preset chooses it where it is left out'),
      arrivals: z.enum(['poisson', 'uniform']).default('poisson').describe('How the intended starts are spread'),
      rate: rate.describe('Arrivals per time, in task-world time'),
    })
      .describe('Open-loop load: the same for every pattern')
      .superRefine(({ tasks }, ctx) => {
        const message = 'is missing; write a whole number, or a preset that chooses it (preset: pr)'
        if (tasks === undefined) ctx.addIssue({ code: 'custom', path: ['tasks'], message })
      })
      .transform(({ tasks = 0, arrivals, rate }): Load => ({ tasks, arrivals, ratePerSec: rate })),
    control: section({
      cancel: probes.describe('Tasks that are cancelled while they run'),
      steer: probes.describe('Tasks that are interrupted, steered and resumed'),
      budget: probes.describe('Tasks whose budget is too small, and is topped up'),
      rogue: probes.describe('Tasks that start sub-tasks without an end, and are cancelled'),
      permission: probes.describe('Tasks that lack a tool, submissions and tool calls that must be refused'),
      balance: probes.describe('Tasks of one principal, whose balance pays for half of what they cost'),
      rate: probes.describe('Tasks that call their tools faster than they may'),
    })
      .optional()
      .describe('Tasks beside the load whose control is put to the test, for each pattern and arm: docs/control.md'),
    grace: positiveDuration.default(120_000).describe('Time beyond the ideal duration in which a result counts'),
    replicas: section({
      api: z.int().min(1).max(64).default(1),
      executor: z.int().min(1).max(256).default(2),
    })
      .default({ api: 1, executor: 2 })
      .describe('Nodes per role; an executor runs the steps'),
    restartDelay: positiveDuration.default(30_000).describe('How long an exited node stays away'),
    repetitions: z.int().min(1).max(1000).default(1).describe('Blocks per arm, each with its own seed'),
    sideBySide: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe('At most so many cells at once, where all patterns are too many for the machine'),
    arms: z.record(armName, z.array(entries.arm)).describe('What is done to the world: none is the control'),
    gates: z.array(entries.gate).default([]).describe('Fail the run unless the interval is on the good side'),
    published: z.array(entries.published).default([]).describe('What somebody published, for comparison'),
    health: section({
      pacerLagP99: positiveDuration.optional(),
      eventLoopDelayP99: positiveDuration.optional(),
    })
      .optional()
      .describe(
        'How late the harness itself may be: real time, never scaled. Left out: 20ms and 50ms at timeScale 1, else a twentieth of the grace',
      ),
  }
}

export type GateEntry = z.output<ReturnType<typeof gateEntry>>
export type PublishedEntry = z.output<ReturnType<typeof publishedEntry>>

export type Keys = Values<ReturnType<typeof scenarioShape>>

/**
 * Every part of a file that is right by itself, whatever is wrong elsewhere. So problems between parts are reported
 * together with problems inside them.
 */
export interface ParsedScenario {
  /** `profile`: the name of the work, also where the file describes it. */
  readonly values: Omit<Keys, 'profile' | 'targets' | 'folder'> & { readonly profile?: string }
  readonly targets: readonly Target[]
  readonly arms: ReadonlyMap<string, ParsedArm>
  readonly gates: readonly Located<GateEntry>[]
  readonly published: readonly Located<PublishedEntry>[]
}

/** As a gate keeps it. */
interface Limit {
  readonly min?: number
  readonly max?: number
  readonly atMost?: number
}

const lowLimits: Readonly<Record<Unit, typeof atMost>> = {
  share: atMost,
  points: atMost,
  percent: atMostOfWork,
  ms: within,
}

function limitOn(name: MetricName): z.ZodType<Limit> {
  const { good, counted, unit } = metricOf(name)
  if (counted) return countIn
  return good === 'high' ? atLeast.transform((min) => ({ min })) : lowLimits[unit].transform((max) => ({ max }))
}

/** A key for each metric: an entry with several of them is as many gates. */
function limitKeys() {
  const keys = metricNames.map((name) => [name, limitOn(name).optional().describe(metricOf(name).about)])
  return Object.fromEntries(keys) as Readonly<Record<MetricName, z.ZodOptional<z.ZodType<Limit>>>>
}

function gateEntry(pattern: z.ZodType<string>) {
  return section({
    pattern,
    arm: z.string(),
    ...limitKeys(),
    confidence: confidence.optional().describe('Of its interval; 95 % unless given'),
    exposed: z
      .int()
      .min(1)
      .optional()
      .describe('Tasks that a fault must have touched before it passes; success under faults: 20 unless given'),
    minSamples: z
      .int()
      .min(1)
      .optional()
      .describe('What it must have seen before it passes: tasks, unless its metric is over something else'),
    minFaults: z.int().min(1).optional().describe('Faults that must have touched a task before it passes'),
    severity: z.enum(severities).optional().describe('warn: it is said, and changes neither verdict nor exit code'),
    onInconclusive: z
      .enum(inconclusiveMeans)
      .optional()
      .describe('What it makes of the run where the evidence does not settle it; INCONCLUSIVE unless given'),
  })
}

function publishedEntry(pattern: z.ZodType<string>) {
  return section({
    pattern,
    arm: z.string(),
    source: z.string().min(1).describe('Who says so, and where'),
    success: percent.optional(),
    overhead: duration.optional().describe('As published: real time, never scaled'),
  })
}

function patternName(vocabulary: Vocabulary) {
  return z.string().superRefine((name, ctx) => {
    if (!vocabulary.resolvePattern(name)) ctx.addIssue({ code: 'custom', message: unknownPattern(name, vocabulary) })
  })
}

function unknownPattern(name: string, { patternNames, deliveries, engineNames, resolvePattern }: Vocabulary): string {
  const base = name.replace(/@tuned$/, '')
  const deliveryNames = [...deliveries.keys()]
  const [delivery, engine, ...more] = base.split('+') as [string, ...string[]]
  const known = `patterns: ${patternNames.join(', ')}, or delivery+engine, either with @tuned`
  if (base !== name && resolvePattern(base))
    return `${describe(name)}: its engine has no timeouts to tune; write ${base}`
  if (engine === undefined || more.length > 0)
    return `unknown pattern ${describe(name)}${suggest(name, patternNames)}; ${known}`
  if (!deliveryNames.includes(delivery))
    return `unknown delivery ${describe(delivery)}${suggest(delivery, deliveryNames)}; deliveries: ${deliveryNames.join(', ')}`
  return `unknown engine ${describe(engine)}${suggest(engine, engineNames)}; engines: ${engineNames.join(', ')}`
}

function profileName({ profileNames: names }: Vocabulary) {
  return z.string().superRefine((name, ctx) => {
    if (!names.includes(name))
      ctx.addIssue({
        code: 'custom',
        message: `unknown profile ${describe(name)}${suggest(name, names)}; profiles: ${names.join(', ')}`,
      })
  })
}

function noRepetition(names: readonly string[], ctx: z.RefinementCtx): void {
  names.forEach((name, i) => {
    if (names.indexOf(name) === i) return
    ctx.addIssue({
      code: 'custom',
      path: [i],
      message: `${describe(name)} is listed twice; each pattern runs once per arm`,
    })
  })
}
