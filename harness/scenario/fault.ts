import { z } from 'zod'
import { HarnessError } from '../core/errors.ts'
import type { Fault } from '../model/types.ts'
import { explainIssue } from './problems.ts'
import { section } from './section.ts'
import { target } from './target.ts'
import { duration, positiveDuration } from './units.ts'

/** Keys of every fault entry; parameters of a fault cannot have these names. */
const common = {
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, { error: 'an id is made of a-z, 0-9 and hyphens' })
    .refine((id) => !(id in {}), { error: 'this cannot be an id; choose another' })
    .optional()
    .describe('Names its draws, so that it keeps its schedule when other entries come or go'),
  target: target.optional().describe('A node (executor, api-1, executor-*) or a link (client->api)'),
  at: duration.optional().describe('Once, this long after the load started'),
  every: positiveDuration.optional().describe('Again and again, exponential gaps with this mean'),
  per: z.literal('node').optional().describe('Says that `every` counts for each node of the role, as it does'),
  on: section({
    task: z.int().min(1).describe('The how-manieth task, from 1'),
    step: z.int().min(1).describe('When the ledger saw this step of it, from 1'),
    after: duration.default(0),
  })
    .optional()
    .describe('Once, when a task has come so far'),
  for: z
    .union([z.literal('load'), positiveDuration], { error: ({ input }) => explainFor(input) })
    .optional()
    .describe('How long it lasts; load: until the last task has ended'),
  compose: z.boolean().default(false).describe('May overlap other faults on the same link'),
}

export type FaultEntry = { readonly fault: string } & {
  readonly [K in keyof typeof common]: z.output<(typeof common)[K]>
} & {
  readonly [param: string]: unknown
}

/** One entry of an arm: the fault's own parameters beside the common keys. */
export function faultEntry(faults: ReadonlyMap<string, Fault>): z.ZodType<FaultEntry> {
  const entries = [...faults.values()].map((fault) =>
    section({ fault: z.literal(fault.name).describe(fault.summary), ...common, ...writtenParams(fault) }).describe(
      fault.summary,
    ),
  )
  return z.discriminatedUnion('fault', entries as never) as unknown as z.ZodType<FaultEntry>
}

/**
 * The parameters as a scenario writes them: `delayMs` of the fault is `delay: 200ms`.
 * Throws HarnessError for a fault whose parameters are no z.object, or are named like a key that every entry has.
 */
function writtenParams(fault: Fault): Record<string, z.ZodType> {
  const written: Record<string, z.ZodType> = {}
  for (const [name, schema] of Object.entries(paramShape(fault))) {
    const key = writtenName(name)
    if (key in common || key === 'fault')
      throw new HarnessError(`fault ${fault.name}: "${key}" is taken by the language`)
    written[key] = key === name ? schema : durationLike(schema)
  }
  return written
}

/** Names as written -> names as the fault reads them. */
export function paramNames(fault: Fault): ReadonlyMap<string, string> {
  return new Map(Object.keys(paramShape(fault)).map((name) => [writtenName(name), name]))
}

export function isDuration(paramName: string): boolean {
  return /[a-z]Ms$/.test(paramName)
}

export function writtenName(paramName: string): string {
  return isDuration(paramName) ? paramName.slice(0, -2) : paramName
}

function paramShape(fault: Fault): Record<string, z.ZodType> {
  if (!(fault.params instanceof z.ZodObject)) throw new HarnessError(`fault ${fault.name}: its params are no z.object`)
  return fault.params.shape as Record<string, z.ZodType>
}

/** Unit and optionality as the fault has them; its limits are the fault's own to check. */
function durationLike(schema: z.ZodType): z.ZodType {
  const limited = duration.superRefine((ms, ctx) => {
    const problem = schema.safeParse(ms, { error: explainIssue }).error?.issues[0]
    if (problem) ctx.addIssue({ code: 'custom', message: `${problem.message} ms` })
  })
  const optional = schema.safeParse(undefined).success ? limited.optional() : limited
  return schema.description ? optional.describe(schema.description) : optional
}

function explainFor(input: unknown): string {
  const problem = positiveDuration.safeParse(input).error?.issues[0]?.message
  return `${problem ?? 'cannot be read'}, or load`
}
