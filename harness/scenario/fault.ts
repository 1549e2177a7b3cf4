import { z } from 'zod'
import { HarnessError } from '../core/errors.ts'
import { linkNames, type Target } from '../model/plan.ts'
import type { Fault } from '../model/fault.ts'
import { describe, isMap, type Path, type Problem, read, section, suggest } from './problems.ts'
import type { FaultSpec, MomentTrigger, TargetSpec, TriggerSpec } from './scenario.ts'
import { duration, formatDuration, positiveDuration } from './units.ts'

const moments = ['accepted', 'effect'] as const satisfies readonly MomentTrigger['moment'][]
/** Real milliseconds. */
const usualWindowMs: Readonly<Record<MomentTrigger['moment'], number>> = { accepted: 20, effect: 5 }
/** Later than this it is no race any more: `{task, step, after}` says so in the task's own time. */
const longestWindowMs = 1000

export const roles = ['executor', 'api', 'worker', 'engine', 'store'] as const
const targetHelp = `write a node (${roles.join(', ')}; executor-2 for one, executor-* for all at once, executor-of-step for who did the step of "on", api-of-task for who accepted its task) or a link (${linkNames.join(', ')})`
const targetPattern = new RegExp(
  `^(?:[a-z][a-z0-9-]*\\.)?(?:executor-of-step|api-of-task|(?:${roles.join('|')})(?:-(?:\\d+|\\*))?|(?:${linkNames.join('|')})(?:-\\d+)?)$`,
)

/** `executor`, `executor-2`, `executor-*`, `executor-of-step`, `api-of-task`, `client->api`, `client->api-1`. */
const target = z
  .string({ error: ({ input }) => `${describe(input)} is no target; ${targetHelp}` })
  .regex(targetPattern, {
    error: ({ input }) => `unknown target ${describe(input)}${nearestTarget(String(input))}; ${targetHelp}`,
  })
  .transform((text): TargetSpec & { readonly only?: string } => {
    const [, only, rest] = /^(?:([^.]*)\.)?(.*)$/.exec(text) as unknown as [string, string | undefined, string]
    return { ...parseTarget(rest), ...(only !== undefined && { only }) }
  })

function parseTarget(text: string): TargetSpec {
  if (text === 'executor-of-step') return { kind: 'node', role: 'executor', ordinal: 'of-step' }
  if (text === 'api-of-task') return { kind: 'node', role: 'api', ordinal: 'of-task' }
  const [, name, ordinal] = /^(.*?)(?:-(\d+|\*))?$/.exec(text) as unknown as [string, string, string | undefined]
  const link = linkNames.find((known) => known === name)
  if (link) return { kind: 'link', link, ordinal: ordinal === undefined ? 'all' : Number(ordinal) }
  const role = roles.find((known) => known === name)!
  return { kind: 'node', role, ordinal: ordinal === undefined ? 'any' : ordinal === '*' ? 'all' : Number(ordinal) }
}

/** As a scenario writes it. */
export function formatTarget(spec: TargetSpec | Target): string {
  if (spec.kind === 'link') return spec.ordinal === 'all' ? spec.link : `${spec.link}-${spec.ordinal}`
  if (spec.ordinal === 'any') return spec.role
  return `${spec.role}-${spec.ordinal === 'all' ? '*' : spec.ordinal}`
}

function nearestTarget(text: string): string {
  return suggest(text.replace(/^[^.]*\./, '').replace(/-(?:\d+|\*|of-step|of-task)$/, ''), [...roles, ...linkNames])
}

const tasks = z.union([z.int().min(1), z.literal('all')], { error: 'write the number of a task, from 1, or all' })
const window = positiveDuration
  .refine((ms) => ms <= longestWindowMs, { error: `is too long; write at most ${formatDuration(longestWindowMs)}` })
  .optional()
  .describe('How long after that at the latest, drawn for each; real time, never scaled')

/** When a fault fires by what a task has come to, by the key that tells them apart. */
const momentForms = {
  task: section({
    task: z.int().min(1).describe('The number of the task, from 1'),
    step: z.int().min(1).describe('When the ledger saw this step of it, from 1'),
    after: duration.default(0),
  }).describe('When the ledger saw this step of this task'),
  accepted: section({ accepted: tasks, within: window }).describe('Right after this task, or each, was accepted'),
  effect: section({ effect: tasks, within: window }).describe('Right after the first effect of this task, or of each'),
}
const moment = z.union(
  [...Object.values(momentForms), z.enum(moments).describe('The same of each task, with the usual window')],
  { error: ({ input }) => explainMoment(input) },
)

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
  on: moment.optional().describe('When a task has come so far'),
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

/** One entry of an arm or a profile: the fault's own parameters beside the common keys. */
export function faultEntry(faults: ReadonlyMap<string, Fault>): z.ZodType<FaultEntry> {
  const entries = [...faults.values()].map((fault) =>
    section({ fault: z.literal(fault.name).describe(fault.summary), ...common, ...writtenParams(fault) }).describe(
      fault.summary,
    ),
  )
  return z.discriminatedUnion('fault', entries as never) as unknown as z.ZodType<FaultEntry>
}

/** The parameters as written: `delayMs` is `delay: 200ms`. Throws HarnessError for what cannot be written so. */
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
function paramNames(fault: Fault): ReadonlyMap<string, string> {
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

/** A duration with a unit; optional where the fault's own is, and within the fault's own limits. */
function durationLike(schema: z.ZodType): z.ZodType {
  const limited = duration.superRefine((ms, ctx) => {
    const [problem] = read(schema, ms).problems
    if (problem) ctx.addIssue({ code: 'custom', message: `${problem.message} ms` })
  })
  const optional = schema.safeParse(undefined).success ? limited.optional() : limited
  return schema.description ? optional.describe(schema.description) : optional
}

const momentHelp =
  'write accepted, effect, {accepted: 3, within: 20ms}, {effect: all, within: 5ms} or {task: 3, step: 4, after: 2s}'

/** What is wrong with the form that was meant. */
function explainMoment(input: unknown): string {
  if (typeof input === 'string') return `unknown moment ${describe(input)}${suggest(input, moments)}; ${momentHelp}`
  const meant = isMap(input) ? Object.entries(momentForms).find(([key]) => key in input) : undefined
  const [problem] = meant ? read<unknown>(meant[1], input).problems : []
  if (!problem) return `${describe(input)} is no moment; ${momentHelp}`
  const key = problem.path.join('.')
  return /^(?:is|has) /.test(problem.message) ? `${key} ${problem.message}` : `${key}: ${problem.message}`
}

function explainFor(input: unknown): string {
  const [problem] = read(positiveDuration, input).problems
  return `${problem?.message ?? 'cannot be read'}, or load`
}

/** What reading an entry depends on, beside the entry. */
export interface EntryContext {
  readonly path: Path
  /** Used when the entry has none of its own. */
  readonly id: string
  readonly restartDelayMs: number
}

type Report = (key: string, message: string) => undefined

/** An entry that its schema accepted, as a fault: or undefined, and why. */
export function readFaultSpec(
  entry: FaultEntry,
  fault: Fault,
  { path, id, restartDelayMs }: EntryContext,
): { readonly spec: FaultSpec | undefined; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const report: Report = (key, message) => void problems.push({ path: [...path, key], message })
  const target = readTarget(entry, fault, report)
  const trigger = readTrigger(entry, fault, target, report)
  const forMs = entry.for ?? (fault.acts === 'node' && !fault.ownLength ? restartDelayMs : undefined)
  if (forMs === undefined) report('for', fault.ownLength ? ownLengthHelp : lengthHelp)
  if (forMs === 'load' && trigger && trigger.kind !== 'at')
    report('for', '"load" goes with "at" only; write a duration')
  if (entry.compose && fault.acts === 'node') report('compose', 'only faults of links can be composed; leave it out')
  if (problems.length > 0 || !target || !trigger || forMs === undefined) return { spec: undefined, problems }
  const params = readParams(entry, fault)
  return {
    spec: {
      id: entry.id ?? id,
      fault: fault.name,
      target,
      ...(entry.target?.only !== undefined && { only: entry.target.only }),
      trigger,
      forMs,
      params,
      compose: entry.compose,
      together: fault.together ?? false,
    },
    problems,
  }
}

const lengthHelp = 'is missing; write how long it lasts, e.g. for: 30s, or for: load'
const ownLengthHelp = 'is missing; write how long it may take, e.g. for: 10m'

function readTarget(entry: FaultEntry, fault: Fault, report: Report): TargetSpec | undefined {
  const { acts, links } = fault
  const nodes = `write a node: ${roles.join(', ')}`
  const allowed = acts === 'node' ? nodes : `write a link: ${links?.join(', ') ?? 'client->api or another'}`
  const target: TargetSpec | undefined = entry.target ? withoutPattern(entry.target) : fault.defaultTarget
  if (!target) return report('target', `is missing; ${allowed}`)
  if (target.kind !== acts)
    return report('target', `${fault.name} acts on ${acts}s, and ${formatTarget(target)} is none; ${allowed}`)
  if (target.kind === 'link' && links && !links.includes(target.link))
    return report('target', `${fault.name} cannot act on ${target.link}; ${allowed}`)
  return fault.together && target.ordinal === 'any' ? { ...target, ordinal: 'all' } : target
}

function withoutPattern(written: NonNullable<FaultEntry['target']>): TargetSpec {
  return written.kind === 'node'
    ? { kind: 'node', role: written.role, ordinal: written.ordinal }
    : { kind: 'link', link: written.link, ordinal: written.ordinal }
}

const triggers = ['at', 'every', 'on'] as const
const triggerHelp =
  'write one of at: 4m (once), every: 84m (at random), on: {task: 3, step: 4}, on: accepted, on: effect'

function readTrigger(
  entry: FaultEntry,
  { name, together }: Fault,
  target: TargetSpec | undefined,
  report: Report,
): TriggerSpec | undefined {
  const written = triggers.filter((name) => entry[name] !== undefined)
  if (written.length === 0) return report('at', `is missing: nothing says when; ${triggerHelp}`)
  if (written.length > 1) return report(written[1]!, `"${written[0]}" already says when; ${triggerHelp}`)
  if (entry.per && (entry.every === undefined || target?.kind === 'link'))
    report('per', 'goes with "every" on nodes only; leave it out')
  else if (entry.per && together) report('per', `${name} acts on all of its target together; leave it out`)
  const on = entry.on && readMoment(entry.on)
  if (target?.ordinal === 'of-step' && (!on || (on.kind === 'moment' && on.moment === 'accepted')))
    return report(
      'target',
      `${formatTarget(target)} is the node that did the step of "on"; write on: {task: 3, step: 4}, on: effect, or another target`,
    )
  if (target?.ordinal === 'of-task' && !(on?.kind === 'moment' && on.moment === 'accepted'))
    return report(
      'target',
      `${formatTarget(target)} is the node that accepted the task of "on"; write on: accepted, or another target`,
    )
  if (on) return on
  if (entry.at !== undefined) return { kind: 'at', atMs: entry.at }
  if (target?.kind === 'node' && target.ordinal !== 'any' && !together)
    return report('target', `"every" counts for each node of a role; write the role alone: ${target.role}`)
  return { kind: 'every', meanGapMs: entry.every! }
}

function readMoment(on: NonNullable<FaultEntry['on']>): TriggerSpec {
  if (typeof on === 'string') return { kind: 'moment', moment: on, task: 'all', windowMs: usualWindowMs[on] }
  if ('step' in on) return { kind: 'on', task: on.task, step: on.step, afterMs: on.after }
  if ('accepted' in on) return momentOf('accepted', on.accepted, on.within)
  return momentOf('effect', on.effect, on.within)
}

function momentOf(
  moment: MomentTrigger['moment'],
  task: MomentTrigger['task'],
  windowMs = usualWindowMs[moment],
): MomentTrigger {
  return { kind: 'moment', moment, task, windowMs }
}

/** As the fault's schema reads them, defaults filled in; durations still in task-world milliseconds. */
function readParams(entry: FaultEntry, fault: Fault): Readonly<Record<string, unknown>> {
  const written = [...paramNames(fault)].flatMap(([key, name]) =>
    entry[key] === undefined ? [] : [[name, entry[key]]],
  )
  return fault.params.parse(Object.fromEntries(written)) as Readonly<Record<string, unknown>>
}
