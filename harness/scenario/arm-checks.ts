import { type Located, type ParsedArm, type Profile, repeatedId } from './arm.ts'
import {
  type Catalog,
  type CatalogPattern,
  countNodes,
  longestWorkMs,
  whyUntouched,
  type WorkProfile,
} from './catalog.ts'
import { formatTarget, writtenName } from './fault.ts'
import type { Path, Problem } from './problems.ts'
import { type FaultSpec, loadWindowMs, settleMs, type TargetSpec } from './scenario.ts'
import type { ParsedScenario } from './schema.ts'
import { formatDuration } from './units.ts'

/** More firings in one arm than this are most likely a mistake in a unit. */
const maxFirings = 10_000

/** What is wrong between the faults of an arm, or between a fault and the rest of the scenario. */
export function checkArms(scenario: ParsedScenario, catalog: Catalog): readonly Problem[] {
  const problems = [...scenario.arms.values()].flatMap((arm) => checkArm(arm, scenario, catalog))
  return problems.length > 0 ? problems : checkAllFirings(scenario, catalog)
}

function checkArm({ specs, includes }: ParsedArm, scenario: ParsedScenario, catalog: Catalog): readonly Problem[] {
  const faults = specs.flatMap((located, i) => {
    const before = specs.slice(0, i)
    return [
      ...checkId(located, before),
      ...checkTime(located, scenario, catalog),
      ...checkFloor(located, scenario, catalog),
      ...checkFirings(located, scenario, catalog),
      ...checkOnly(located, scenario),
      ...checkTouching(located, scenario, catalog),
      ...before.flatMap((other) => checkOverlap(other.value, located, scenario, catalog)),
    ]
  })
  return [...includes.flatMap((include) => checkCompression(include, scenario)), ...faults]
}

/** Some parts of a real system do not scale: a profile that is compressed too far no longer describes it. */
function checkCompression({ path, value }: Located<Profile>, { values }: ParsedScenario): readonly Problem[] {
  const { name, timeScale: limit } = value
  if (!limit || values.timeScale === undefined || values.timeScale <= limit.max) return []
  const message = `${name} cannot be compressed ${values.timeScale} times: ${limit.why}; write timeScale: ${limit.max} or less`
  return [{ path, message }]
}

/** Where to point: at a key of the entry, or at the include that brought the fault. */
function placeOf({ path, profile }: Located<FaultSpec>, ...key: Path): Path {
  return profile === undefined ? [...path, ...key] : path
}

/** A problem of one key. Where the place is an include, the message names the fault. */
function about(located: Located<FaultSpec>, key: Path, message: string): Problem {
  const subject = located.profile === undefined ? '' : `${located.value.id}: `
  return { path: placeOf(located, ...key), message: `${subject}${message}` }
}

/** The ids within one list are checked while it is read. */
function checkId(located: Located<FaultSpec>, before: readonly Located<FaultSpec>[]): readonly Problem[] {
  const { value, profile } = located
  if (!before.some((other) => other.value.id === value.id && other.profile !== profile)) return []
  return [repeatedId(placeOf(located, 'id'), value.id)]
}

function checkTime(located: Located<FaultSpec>, { values }: ParsedScenario, catalog: Catalog): readonly Problem[] {
  const profile = values.profile && catalog.workOf(values.profile)
  const { load } = values
  if (!load || !profile) return []
  const { trigger } = located.value
  const windowMs = loadWindowMs(load, longestWorkMs(patternsOf(values, catalog), profile))
  if (trigger.kind === 'at' && trigger.atMs >= windowMs) {
    const when = `${formatDuration(trigger.atMs)} is after the load, which ends at ${formatDuration(windowMs)}`
    return [about(located, ['at'], `${when}; write less, or offer more tasks`)]
  }
  if (trigger.kind === 'moment' && trigger.task !== 'all')
    return noSuch(located, trigger.moment, trigger.task, load.tasks)
  if (trigger.kind !== 'on') return []
  // A step is done during the load or soon after it: a fault that comes later would meet no task.
  if (trigger.afterMs >= windowMs) {
    const when = `${formatDuration(trigger.afterMs)} is longer than the load, which lasts ${formatDuration(windowMs)}`
    return [about(located, ['on', 'after'], `${when}; write less, or offer more tasks`)]
  }
  return [
    ...noSuch(located, 'task', trigger.task, load.tasks),
    ...noSuch(located, 'step', trigger.step, mostSteps(patternsOf(values, catalog), profile)),
  ]
}

function patternsOf({ patterns = [] }: ParsedScenario['values'], catalog: Catalog): readonly CatalogPattern[] {
  return patterns.flatMap((name) => catalog.resolvePattern(name) ?? [])
}

function noSuch(located: Located<FaultSpec>, key: string, written: number, last: number): readonly Problem[] {
  const what = key === 'step' ? key : 'task'
  return written <= last ? [] : [about(located, ['on', key], `there is no ${what} ${written}; write 1 to ${last}`)]
}

function mostSteps(patterns: readonly CatalogPattern[], ofProfile: WorkProfile): number {
  return Math.max(0, ...patterns.map(({ work = ofProfile }) => work.steps))
}

/** A duration that would be too short in real time to do what it says. */
function checkFloor(located: Located<FaultSpec>, { values }: ParsedScenario, catalog: Catalog): readonly Problem[] {
  const { fault, params } = located.value
  const { floor } = catalog.faults.get(fault)!
  const { timeScale } = values
  const written = Number(floor && params[floor.param])
  if (!floor || timeScale === undefined || !(written / timeScale < floor.ms)) return []
  const asPlanned =
    timeScale === 1 ? 'is too short' : `is ${formatDuration(written / timeScale)} at timeScale ${timeScale}`
  const least = `${fault} takes no less than ${formatDuration(floor.ms)} of real time: ${floor.why}`
  const cures = [
    `write at least ${formatDuration(floor.ms * timeScale)}`,
    ...(timeScale > 1 && written >= floor.ms ? [`timeScale: ${Math.floor(written / floor.ms)} or less`] : []),
  ]
  const message = `${formatDuration(written)} ${asPlanned}, and ${least}; ${cures.join(', or ')}`
  return [about(located, [writtenName(floor.param)], message)]
}

/** In all cells: each is a line of the schedule and a part of plans. */
const maxFiringsInAll = 100_000

function checkAllFirings({ arms, values }: ParsedScenario, catalog: Catalog): readonly Problem[] {
  const { patterns = [], repetitions = 1 } = values
  const specs = [...arms.values()].flatMap((arm) => arm.specs)
  const ofBlocks = specs.reduce((sum, { value }) => sum + expectedFirings(value, values, catalog), 0)
  const expected = ofBlocks * repetitions * patterns.length
  if (expected <= maxFiringsInAll) return []
  const message = `about ${Math.round(expected)} firings in all cells; write longer gaps, fewer repetitions or fewer arms: at most ${maxFiringsInAll} are planned`
  return [{ path: [repetitions > 1 ? 'repetitions' : 'arms'], message }]
}

/** Of one block. */
function expectedFirings(spec: FaultSpec, values: ParsedScenario['values'], catalog: Catalog): number {
  const { trigger } = spec
  if (trigger.kind === 'moment') return trigger.task === 'all' ? (values.load?.tasks ?? 1) : 1
  const profile = values.profile && catalog.workOf(values.profile)
  const { load, replicas, timeScale } = values
  if (trigger.kind !== 'every' || spec.forMs === 'load' || !profile || !load || !replicas || !timeScale) return 1
  const windowMs = loadWindowMs(load, longestWorkMs(patternsOf(values, catalog), profile))
  const nodes = spec.target.kind === 'node' && !spec.together ? Math.max(...nodeCounts(spec, values, catalog)) : 1
  const awayMs = spec.forMs + (spec.target.kind === 'node' ? settleMs * timeScale : 0)
  return (nodes * windowMs) / (trigger.meanGapMs + awayMs)
}

function checkFirings(located: Located<FaultSpec>, { values }: ParsedScenario, catalog: Catalog): readonly Problem[] {
  const { value } = located
  if (value.trigger.kind === 'moment' && value.trigger.task === 'all' && (values.load?.tasks ?? 0) > maxFirings) {
    const message = `one firing for each of ${values.load!.tasks} tasks; at most ${maxFirings} are planned per arm`
    return [about(located, ['on'], message)]
  }
  const expected = expectedFirings(value, values, catalog)
  if (value.trigger.kind !== 'every' || expected <= maxFirings) return []
  const message = `about ${Math.round(expected)} firings; write a longer gap: at most ${maxFirings} are planned per arm`
  return [about(located, ['every'], message)]
}

function nodeCounts({ target }: FaultSpec, values: ParsedScenario['values'], catalog: Catalog): readonly number[] {
  const resolved = (values.patterns ?? []).map((name) => catalog.resolvePattern(name)!)
  if (target.kind !== 'node' || !values.replicas) return [1]
  return [1, ...resolved.map((pattern) => countNodes(pattern, target.role, values.replicas!))]
}

/** `mine.api`: of a pattern that there is. */
function checkOnly(located: Located<FaultSpec>, { values: { patterns } }: ParsedScenario): readonly Problem[] {
  const { only } = located.value
  if (only === undefined || !patterns || patterns.includes(only)) return []
  return [about(located, ['target'], `"${only}" is no pattern of this scenario; patterns: ${patterns.join(', ')}`)]
}

/** A fault that cannot touch one pattern is a fact about it; one that cannot touch any is a mistake. */
function checkTouching(located: Located<FaultSpec>, { values }: ParsedScenario, catalog: Catalog): readonly Problem[] {
  const { value } = located
  const { patterns, replicas } = values
  if (!patterns || !replicas) return []
  const reasons = patterns.map((name) => whyUntouched(value, catalog.resolvePattern(name)!, replicas))
  if (reasons.some((reason) => reason === undefined)) return []
  const message = `${value.id} can touch no pattern (${reasons.join('; ')}); choose another target or pattern`
  return [{ path: placeOf(located, 'target'), message }]
}

/**
 * The effects of two faults of one arm cannot be separated where they may act at the same time on the same node, or on
 * the same link without both saying `compose`. When a task triggers one, its time is not known before the run.
 */
function checkOverlap(
  a: FaultSpec,
  { path, value: b }: Located<FaultSpec>,
  { values }: ParsedScenario,
  catalog: Catalog,
): readonly Problem[] {
  const { patterns = [], timeScale } = values
  if (timeScale === undefined || [a, b].some(({ trigger }) => trigger.kind === 'on' || trigger.kind === 'moment'))
    return []
  if (!meetInTime(a, b, timeScale) || !meetInPlace(a.target, b.target, catalog, patterns)) return []
  const onLink = a.target.kind === 'link'
  if (onLink && a.compose && b.compose) return []
  const cure = onLink ? 'separate them, use two arms, or say compose: true in both' : 'separate them, or use two arms'
  return [{ path, message: `${b.id} may act on ${formatTarget(b.target)} while ${a.id} does; ${cure}` }]
}

function meetInTime(a: FaultSpec, b: FaultSpec, timeScale: number): boolean {
  const [first, second] = [spanOf(a, timeScale), spanOf(b, timeScale)]
  return first.from < second.until && second.from < first.until
}

function spanOf({ trigger, forMs, target }: FaultSpec, timeScale: number): { from: number; until: number } {
  if (trigger.kind !== 'at' || forMs === 'load')
    return { from: trigger.kind === 'at' ? trigger.atMs : 0, until: Infinity }
  const settle = target.kind === 'node' ? settleMs * timeScale : 0
  return { from: trigger.atMs, until: trigger.atMs + forMs + settle }
}

function meetInPlace(a: TargetSpec, b: TargetSpec, catalog: Catalog, patterns: readonly string[]): boolean {
  const bothNumbered = typeof a.ordinal === 'number' && typeof b.ordinal === 'number'
  if (bothNumbered && a.ordinal !== b.ordinal) return false
  if (a.kind === 'link' || b.kind === 'link') return a.kind === 'link' && b.kind === 'link' && a.link === b.link
  if (a.role === b.role) return true
  const executors = patterns.map((name) => catalog.resolvePattern(name)?.engine.executor)
  const aliased = a.role === 'executor' ? b.role : b.role === 'executor' ? a.role : undefined
  return executors.some((role) => role === aliased)
}
