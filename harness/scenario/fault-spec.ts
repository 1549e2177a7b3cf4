import type { Fault } from '../model/types.ts'
import type { Path, Problem } from './document.ts'
import { isDuration, paramNames, type FaultEntry } from './fault.ts'
import type { FaultSpec, TargetSpec, TriggerSpec } from './scenario.ts'
import { formatTarget, roles } from './target.ts'

/** What an entry takes from its surroundings. */
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
  const target = entry.target ?? defaultTarget(fault)
  if (!target) return report('target', `is missing; ${allowed}`)
  if (target.kind !== acts)
    return report('target', `${fault.name} acts on ${acts}s, and ${formatTarget(target)} is none; ${allowed}`)
  if (target.kind === 'link' && links && !links.includes(target.link))
    return report('target', `${fault.name} cannot act on ${target.link}; ${allowed}`)
  return fault.together && target.ordinal === 'any' ? { ...target, ordinal: 'all' } : target
}

function defaultTarget({ defaultTarget: target }: Fault): TargetSpec | undefined {
  return target
}

const triggers = ['at', 'every', 'on'] as const
const triggerHelp = 'write one of at: 4m (once), every: 84m (at random), on: {task: 3, step: 4}'

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
  if (target?.ordinal === 'of-step' && !entry.on)
    return report(
      'target',
      `${formatTarget(target)} is whoever did the step of "on"; write on: {task: 3, step: 4}, or another target`,
    )
  if (entry.on) return { kind: 'on', task: entry.on.task, step: entry.on.step, afterMs: entry.on.after }
  if (entry.at !== undefined) return { kind: 'at', atMs: entry.at }
  if (target?.kind === 'node' && target.ordinal !== 'any' && !together)
    return report('target', `"every" counts for each node of a role; write the role alone: ${target.role}`)
  return { kind: 'every', meanGapMs: entry.every! }
}

/** As the fault's schema reads them, defaults filled in; durations still in task-world milliseconds. */
function readParams(entry: FaultEntry, fault: Fault): Readonly<Record<string, unknown>> {
  const written = [...paramNames(fault)].flatMap(([key, name]) =>
    entry[key] === undefined ? [] : [[name, entry[key]]],
  )
  return fault.params.parse(Object.fromEntries(written)) as Readonly<Record<string, unknown>>
}

/** Parameters in real milliseconds: every duration divided by `timeScale`. */
export function scaleParams(params: Readonly<Record<string, unknown>>, timeScale: number): Record<string, unknown> {
  const scale = ([name, value]: [string, unknown]): [string, unknown] =>
    isDuration(name) && typeof value === 'number' ? [name, roundMs(value / timeScale)] : [name, value]
  return Object.fromEntries(Object.entries(params).map(scale))
}

/** Microseconds are precise enough, and keep files readable. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
