import { highestRatePerSec, longestMs } from '../core/limits.ts'
import type { ArmDraft } from './arm.ts'
import type { Catalog } from './catalog.ts'
import type { Path, Problem } from './document.ts'
import type { Draft } from './draft.ts'
import { repeatedId, type Placed } from './fault-list.ts'
import { writtenName } from './fault.ts'
import { checkHealth } from './health.ts'
import { suggest } from './did-you-mean.ts'
import { settleMs, whyOverlapping } from './arm-checks.ts'
import type { Profile } from './profile.ts'
import { type FaultSpec, type Load, loadWindowMs } from './scenario.ts'
import { countNodes, whyUntouched } from './topology.ts'
import { describe } from './quote.ts'
import { formatDuration } from './units.ts'

/** More firings in one arm than this are a mistake in a unit, not a plan. */
const maxFirings = 10_000

/** What is wrong between the parts of a scenario, each of which is right by itself. */
export function checkDraft(draft: Draft, catalog: Catalog): readonly Problem[] {
  return [
    ...checkArmNames(draft),
    ...checkLoad(draft, catalog),
    ...checkHealth(draft.parts),
    ...[...draft.arms.values()].flatMap((arm) => checkArm(arm, draft, catalog)),
    ...[...draft.gates, ...draft.published].flatMap((entry) => checkReference(entry, draft)),
    ...draft.gates.flatMap((gate) => checkMetric(gate, ['success', 'exposed-success'], 'exactly one')),
    ...draft.published.flatMap((entry) => checkMetric(entry, ['success', 'overhead'], 'at least one')),
  ]
}

function checkArmNames({ armNames, arms, parts }: Draft): readonly Problem[] {
  if (parts.arms && armNames.length === 0)
    return [{ path: ['arms'], message: 'there is no arm; write at least none: [], the control' }]
  // Names become keys of objects, in files and in programs that read them.
  const taken = armNames.filter((name) => name in {})
  if (taken.length > 0)
    return taken.map((name) => ({ path: ['arms', name], at: 'key', message: 'this cannot be a name; choose another' }))
  if (!arms.get('none')?.specs.length) return []
  return [{ path: ['arms', 'none'], message: 'none is the control; leave it empty and give the faults another arm' }]
}

/** What would not end, or would be faster than anybody can send. */
function checkLoad({ parts }: Draft, catalog: Catalog): readonly Problem[] {
  const { load, timeScale, profile: name } = parts
  const profile = name === undefined ? undefined : catalog.profiles.get(name)
  if (!load || !profile || timeScale === undefined) return []
  const windowMs = loadWindowMs(readLoad(load), profile.idealMs)
  const realRate = load.rate * timeScale
  const path: Path = ['load', 'rate']
  if (windowMs > longestMs) {
    const most = `write a higher rate, or fewer tasks: at most ${formatDuration(longestMs)}`
    return [{ path, message: `the load would last ${formatDuration(windowMs)}; ${most}` }]
  }
  if (realRate <= highestRatePerSec) return []
  const message = `${Math.round(realRate)} arrivals a second at timeScale ${timeScale}; at most ${highestRatePerSec}`
  return [{ path, message }]
}

function checkArm({ specs, includes, problems }: ArmDraft, draft: Draft, catalog: Catalog): readonly Problem[] {
  const faults = specs.flatMap((placed, i) => {
    const before = specs.slice(0, i)
    return [
      ...checkId(placed, before),
      ...checkTime(placed, draft, catalog),
      ...checkFloor(placed, draft, catalog),
      ...checkFirings(placed, draft, catalog),
      ...checkTouching(placed, draft, catalog),
      ...before.flatMap((other) => checkOverlap(other.value, placed, draft, catalog)),
    ]
  })
  return [...problems, ...includes.flatMap((include) => checkCompression(include, draft)), ...faults]
}

/** What does not scale: a profile that is compressed too far is not what it is named after. */
function checkCompression({ path, value }: Placed<Profile>, { parts }: Draft): readonly Problem[] {
  const { name, timeScale: limit } = value
  if (!limit || parts.timeScale === undefined || parts.timeScale <= limit.max) return []
  const message = `${name} cannot be compressed ${parts.timeScale} times: ${limit.why}; write timeScale: ${limit.max} or less`
  return [{ path, message }]
}

/** Where to point: at a key of the entry, or at the include that brought the fault. */
function placeOf({ path, profile }: Placed<FaultSpec>, ...key: Path): Path {
  return profile === undefined ? [...path, ...key] : path
}

/** What is said of one key names the fault, where the place does not. */
function about(placed: Placed<FaultSpec>, key: Path, message: string): Problem {
  const subject = placed.profile === undefined ? '' : `${placed.value.id}: `
  return { path: placeOf(placed, ...key), message: `${subject}${message}` }
}

/** Within one list its reader has looked. */
function checkId(placed: Placed<FaultSpec>, before: readonly Placed<FaultSpec>[]): readonly Problem[] {
  const { value, profile } = placed
  if (!before.some((other) => other.value.id === value.id && other.profile !== profile)) return []
  return [repeatedId(placeOf(placed, 'id'), value.id)]
}

function checkTime(placed: Placed<FaultSpec>, { parts }: Draft, catalog: Catalog): readonly Problem[] {
  const profile = parts.profile && catalog.profiles.get(parts.profile)
  const { load } = parts
  if (!load || !profile) return []
  const { trigger } = placed.value
  const windowMs = loadWindowMs(readLoad(load), profile.idealMs)
  if (trigger.kind === 'at' && trigger.atMs >= windowMs) {
    const when = `${formatDuration(trigger.atMs)} is after the load, which ends at ${formatDuration(windowMs)}`
    return [about(placed, ['at'], `${when}; write less, or offer more tasks`)]
  }
  if (trigger.kind !== 'on') return []
  // A step is done during the load or soon after it: later than the load is long nobody would be met.
  if (trigger.afterMs >= windowMs) {
    const when = `${formatDuration(trigger.afterMs)} is longer than the load, which lasts ${formatDuration(windowMs)}`
    return [about(placed, ['on', 'after'], `${when}; write less, or offer more tasks`)]
  }
  return [...noSuch(placed, 'task', trigger.task, load.tasks), ...noSuch(placed, 'step', trigger.step, profile.steps)]
}

function noSuch(placed: Placed<FaultSpec>, what: string, written: number, last: number): readonly Problem[] {
  return written <= last ? [] : [about(placed, ['on', what], `there is no ${what} ${written}; write 1 to ${last}`)]
}

/** A duration that would be too short in real time to do what it says. */
function checkFloor(placed: Placed<FaultSpec>, { parts }: Draft, catalog: Catalog): readonly Problem[] {
  const { fault, params } = placed.value
  const { floor } = catalog.faults.get(fault)!
  const { timeScale } = parts
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
  return [about(placed, [writtenName(floor.param)], message)]
}

function checkFirings(placed: Placed<FaultSpec>, { parts }: Draft, catalog: Catalog): readonly Problem[] {
  const { value } = placed
  const profile = parts.profile && catalog.profiles.get(parts.profile)
  const { load, replicas, timeScale } = parts
  if (value.trigger.kind !== 'every' || value.forMs === 'load' || !profile || !load || !replicas || !timeScale)
    return []
  const windowMs = loadWindowMs(readLoad(load), profile.idealMs)
  const nodes = value.target.kind === 'node' && !value.together ? Math.max(...nodeCounts(value, parts, catalog)) : 1
  const awayMs = value.forMs + (value.target.kind === 'node' ? settleMs * timeScale : 0)
  const expected = (nodes * windowMs) / (value.trigger.meanGapMs + awayMs)
  if (expected <= maxFirings) return []
  const message = `about ${Math.round(expected)} firings; write a longer gap: at most ${maxFirings} are planned per arm`
  return [about(placed, ['every'], message)]
}

function nodeCounts({ target }: FaultSpec, parts: Draft['parts'], catalog: Catalog): readonly number[] {
  const resolved = (parts.patterns ?? []).map((name) => catalog.resolvePattern(name)!)
  if (target.kind !== 'node' || !parts.replicas) return [1]
  return [1, ...resolved.map((pattern) => countNodes(pattern, target.role, parts.replicas!))]
}

/** A fault that cannot touch one pattern is a fact about it; one that cannot touch any is a mistake. */
function checkTouching(placed: Placed<FaultSpec>, { parts }: Draft, catalog: Catalog): readonly Problem[] {
  const { value } = placed
  const { patterns, replicas } = parts
  if (!patterns || !replicas) return []
  const reasons = patterns.map((name) => whyUntouched(value, catalog.resolvePattern(name)!, replicas))
  if (reasons.some((reason) => reason === undefined)) return []
  const message = `${value.id} can touch no pattern (${reasons.join('; ')}); choose another target or pattern`
  return [{ path: placeOf(placed, 'target'), message }]
}

function checkOverlap(a: FaultSpec, b: Placed<FaultSpec>, { parts }: Draft, catalog: Catalog): readonly Problem[] {
  const { patterns = [], timeScale } = parts
  if (timeScale === undefined) return []
  const reason = whyOverlapping(a, b.value, catalog, { patterns, timeScale })
  return reason === undefined ? [] : [{ path: b.path, message: reason }]
}

function checkReference(entry: Placed<{ pattern: string; arm: string }>, draft: Draft): readonly Problem[] {
  const { pattern, arm } = entry.value
  const { patterns } = draft.parts
  return [
    ...(patterns ? unlisted([...entry.path, 'pattern'], pattern, 'pattern', patterns) : []),
    ...(draft.armNames.length > 0 ? unlisted([...entry.path, 'arm'], arm, 'arm', draft.armNames) : []),
  ]
}

function unlisted(path: Path, name: string, what: string, names: readonly string[]): readonly Problem[] {
  if (names.includes(name)) return []
  const message = `${describe(name)} is no ${what} of this scenario${suggest(name, names)}; ${what}s: ${names.join(', ')}`
  return [{ path, message }]
}

function checkMetric(entry: Placed<object>, metrics: readonly string[], wanted: string): readonly Problem[] {
  const given = metrics.filter((metric) => (entry.value as Record<string, unknown>)[metric] !== undefined)
  const right = wanted === 'exactly one' ? given.length === 1 : given.length > 0
  if (right) return []
  return [
    {
      path: entry.path,
      message: `has ${given.join(' and ') || 'no metric'}; write ${wanted} of ${metrics.join(', ')}`,
    },
  ]
}

export function readLoad({ tasks, arrivals, rate }: { tasks: number; arrivals: Load['arrivals']; rate: number }): Load {
  return { tasks, arrivals, ratePerSec: rate }
}
