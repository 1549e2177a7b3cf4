import type { CellPlan, PlannedFault } from '../model/plan.ts'
import type { ComparedSide } from '../model/judgements.ts'
import type { Environment, RunResults } from '../model/results.ts'

/** One side of a comparison, and the run that it is of. */
export interface SideOfRun {
  readonly side: ComparedSide
  readonly results: RunResults
}

/** The same of a run that may not have ended, or begun. */
export interface SideOfPlan {
  readonly side: ComparedSide
  readonly results: Pick<RunResults, 'plan'>
}

/**
 * Why two sides cannot be compared: one sentence for each difference in the work or the harm that their plans ask for.
 * Empty where all is the same. Faults may differ where the arms are named differently: then they are what is compared.
 * Within one run an arm is the same for every pattern.
 */
export function planDifferences(first: SideOfPlan, second: SideOfPlan): readonly string[] {
  const [a, b] = [plannedCells(first), plannedCells(second)]
  const sameArm = first.side.arm === second.side.arm && first.results !== second.results
  if (a.length !== b.length) return [`repetitions: ${a.length} against ${b.length}`]
  const found = a.flatMap((one) => {
    const other = b.find(({ repetition }) => repetition === one.repetition)
    if (!other) return [{ what: 'it is in the first alone', repetition: one.repetition }]
    const differences = [...workDifferences(one, other), ...(sameArm ? faultDifferences(one, other) : [])]
    return differences.map((what) => ({ what, repetition: one.repetition }))
  })
  return [...Map.groupBy(found, ({ what }) => what)].map(([what, { length, 0: one }]) => {
    return length === a.length ? what : `${what} (repetition ${one!.repetition}${length > 1 ? ' and others' : ''})`
  })
}

function plannedCells({ side, results }: SideOfPlan): readonly CellPlan[] {
  return results.plan.cells.filter(({ pattern, arm }) => pattern === side.pattern && arm === side.arm)
}

function workDifferences(a: CellPlan, b: CellPlan): readonly string[] {
  const facts: readonly (readonly [string, (cell: CellPlan) => string])[] = [
    ['seed', ({ seed }) => String(seed)],
    ['tasks', ({ tasks }) => String(tasks)],
    ['profile', ({ profile }) => profile],
    ['timeScale', ({ timeScale }) => String(timeScale)],
    ['arrivals', ({ load }) => load.arrivals],
    ['load', ({ load }) => `${load.ratePerSec}/s`],
    ['grace', ({ graceMs }) => `${graceMs} ms`],
    ['restart delay', ({ restartDelayMs }) => `${restartDelayMs} ms`],
    ['own work', ({ ownWork }) => (ownWork ? tellWork(ownWork) : 'none')],
    ['durations', ({ idealRangeMs }) => (idealRangeMs ? `${idealRangeMs.join(' to ')} ms` : 'all alike')],
    ['tool rates', ({ limits }) => (limits?.toolRates ? JSON.stringify(limits.toolRates) : 'none')],
    ['balances', ({ limits }) => tellBalances(limits?.balances)],
    ['tasks beside the load', tellControls],
    ['replicas', ({ replicas }) => `${replicas.api} api and ${replicas.executor} executor`],
    // How many of its nodes execute is what a pattern is.
    ...(a.pattern === b.pattern
      ? [['executors', ({ executors }: CellPlan) => String(executors ?? 'as replicas')] as const]
      : []),
  ]
  return facts.filter(([, tell]) => tell(a) !== tell(b)).map(([name, tell]) => `${name}: ${tell(a)} against ${tell(b)}`)
}

function tellWork({ idealMs, steps, tellsEffects }: NonNullable<CellPlan['ownWork']>): string {
  return `${idealMs} ms in ${steps} steps${tellsEffects ? '' : ', effects untold'}`
}

function tellBalances(balances: Readonly<Record<string, number>> = {}): string {
  const all = Object.entries(balances).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return all.map(([principal, credits]) => `${principal} ${credits}`).join(', ') || 'none'
}

/** They are load, too: `2 cancel, 1 steer`. */
function tellControls({ control = [] }: CellPlan): string {
  const kinds = [...Map.groupBy(control, ({ kind }) => kind)]
  return kinds.map(([kind, { length }]) => `${length} ${kind}`).join(', ') || 'none'
}

const shownFaults = 3

/** A pattern gets the firings of the arm that have a node or a link of it to meet: another pattern may get others. */
function faultDifferences(a: CellPlan, b: CellPlan): readonly string[] {
  const [first, second] = [firingsOf(a), firingsOf(b)]
  const ids = [...new Set([...first.keys(), ...second.keys()])]
  const found = ids.flatMap((id) => {
    const [one, other] = [first.get(id), second.get(id)]
    if (!one || !other)
      return a.pattern === b.pattern ? [`fault ${id} is in the ${one ? 'first' : 'second'} alone`] : []
    const [said, ofOther] = [describeFault(one), describeFault(other)]
    if (said !== ofOther) return [`fault ${id}: ${said} against ${ofOther}`]
    return one.seed === other.seed ? [] : [`fault ${id}: ${said} with seed ${one.seed} against ${other.seed}`]
  })
  const rest = found.length - shownFaults
  return rest > 0 ? [...found.slice(0, shownFaults), `and ${rest} more faults`] : found
}

function firingsOf({ faults }: CellPlan): ReadonlyMap<string, PlannedFault> {
  return new Map(faults.map((one) => [one.id, one]))
}

function describeFault({ fault, target, trigger, durationMs, params }: PlannedFault): string {
  const where = target.kind === 'node' ? target.role : target.link
  const when = describeTrigger(trigger)
  const with_ = Object.keys(params).length > 0 ? ` with ${JSON.stringify(params)}` : ''
  return `${fault} of ${where}-${target.ordinal} ${when} for ${durationMs} ms${with_}`
}

function describeTrigger(trigger: PlannedFault['trigger']): string {
  if (trigger.kind === 'time') return `at ${trigger.atMs} ms`
  const what = trigger.kind === 'accepted' ? 'the acceptance' : `step ${trigger.step}`
  const drawn = trigger.windowMs === undefined ? '' : ` (of ${trigger.windowMs} ms)`
  return `${trigger.delayMs} ms${drawn} after ${what} of task ${trigger.task}, within ${trigger.withinMs} ms`
}

/** What differs between two runs and does not forbid to compare them: it may be the reason for what is found. */
export function circumstanceDifferences(first: RunResults, second: RunResults): readonly string[] {
  const [a, b] = [first.environment, second.environment]
  const facts: readonly (readonly [string, unknown, unknown])[] = [
    ['scenario', first.plan.scenario, second.plan.scenario],
    ['runtime', first.plan.runtime, second.plan.runtime],
    ['health limits', first.plan.health, second.plan.health],
    ['gates', first.plan.gates, second.plan.gates],
    ['outlast', a.outlast, b.outlast],
    ['commit', a.commit ?? 'unknown', b.commit ?? 'unknown'],
    ['uncommitted changes', a.dirty ?? 'unknown', b.dirty ?? 'unknown'],
    ['node', a.node, b.node],
    ['platform', a.platform, b.platform],
    ['kernel', a.kernel, b.kernel],
    ['processor', a.cpu, b.cpu],
    ['cores', a.cores, b.cores],
    ['memory', a.memoryBytes, b.memoryBytes],
    ...recordFacts('version of', a.versions, b.versions),
    ...recordFacts('runtime’s', a.runtime, b.runtime),
    ['deviations', a.deviations.join('; ') || 'none', b.deviations.join('; ') || 'none'],
  ]
  return facts
    .filter(([, one, other]) => tell(one) !== tell(other))
    .map(([name, one, other]) => `${name}: ${tell(one)} against ${tell(other)}`)
}

/** Why milliseconds of two runs are no comparison: they were not measured on the same machine. One clause for each reason. */
export function machineDifferences(a: Environment, b: Environment): readonly string[] {
  const facts: readonly (readonly [string, unknown, unknown])[] = [
    ['platform', a.platform, b.platform],
    ['processor', a.cpu, b.cpu],
    ['cores', a.cores, b.cores],
    ['memory', a.memoryBytes, b.memoryBytes],
    ['node', a.node, b.node],
  ]
  return facts
    .filter(([, one, other]) => one !== other)
    .map(([name, one, other]) => `${name}: ${String(one)} against ${String(other)}`)
}

function recordFacts(
  kind: string,
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): readonly (readonly [string, string, string])[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  return names.map((name) => [`${kind} ${name}`, a[name] ?? 'none', b[name] ?? 'none'] as const)
}

function tell(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What differs between two sides by what they are: the engine, its tuning, the arm. */
export function sideDifferences(first: SideOfRun, second: SideOfRun): readonly string[] {
  const [a, b] = [plannedCells(first)[0], plannedCells(second)[0]]
  if (!a || !b) return []
  const facts: readonly (readonly [string, string, string])[] = [
    ['pattern', a.pattern, b.pattern],
    ['delivery', a.delivery, b.delivery],
    ['engine', a.engine, b.engine],
    ['tuning', a.tuning, b.tuning],
    ['promises', a.promises.toSorted().join(', '), b.promises.toSorted().join(', ')],
    ['arm', a.arm, b.arm],
  ]
  return facts.filter(([, one, other]) => one !== other).map(([name, one, other]) => `${name}: ${one} against ${other}`)
}
