import { machineLimits } from '../model/machine.ts'
import type { CellPlan, NotApplicable, Plan, PlannedFault } from '../model/plan.ts'
import { drawUniform } from '../core/rng.ts'
import { keptByBoth } from '../../patterns/contract/types/promises.ts'
import { flooredAt, timeoutsAt } from '../../patterns/contract/types/timeouts.ts'
import type { Runtime } from '../model/runtime.ts'
import { type Catalog, type CatalogPattern, type WorkProfile, countNodes, whyUntouched } from '../scenario/catalog.ts'
import { roundMs } from '../core/numbers.ts'
import { listUncontrolled } from './control-kinds.ts'
import { planControl } from './control-probes.ts'
import type { Arm, FaultSpec, Scenario } from '../scenario/scenario.ts'

/** What one block is made from: one arm and one repetition, for all patterns. */
export interface Block {
  /** From 1, in the order of execution. */
  readonly number: number
  readonly arm: Arm
  readonly repetition: number
  readonly seed: number
  readonly schedule: readonly PlannedFault[]
}

/** Patterns of a block in their seeded random order: adding one does not change the order of the others. */
export function shufflePatterns(patterns: readonly string[], { arm, repetition, seed }: Block): readonly string[] {
  const rank = new Map(patterns.map((name) => [name, drawUniform(seed, 'order', arm.name, repetition, name)]))
  return patterns.toSorted((a, b) => rank.get(a)! - rank.get(b)!)
}

/** Why no fault of an arm touches a pattern, or undefined where one does. */
export function whyUntouchedByAll(
  arm: Arm,
  pattern: CatalogPattern,
  scenario: Scenario,
): Pick<NotApplicable, 'reason'> | undefined {
  const untouched = findUntouched(arm, pattern, scenario)
  return untouched.length > 0 && untouched.length === arm.faults.length
    ? { reason: untouched.map(({ fault, reason }) => `${fault}: ${reason}`).join('; ') }
    : undefined
}

export type RuntimeOffer = Pick<Runtime, 'name' | 'offers'>

/** Why a runtime cannot carry out an arm, for any pattern, or undefined. */
export function whyBeyondRuntime(
  { faults }: Arm,
  catalog: Catalog,
  runtime: RuntimeOffer,
): Pick<NotApplicable, 'reason' | 'runtime'> | undefined {
  const needed = faults.flatMap(({ id, fault }) => catalog.faults.get(fault)!.needs.map((need) => ({ id, need })))
  const missing = needed.filter(({ need }) => !runtime.offers.includes(need))
  if (missing.length === 0) return undefined
  const able = [...catalog.runtimes.values()].filter(({ offers }) => needed.every(({ need }) => offers.includes(need)))
  const reasons = missing.map(
    ({ id, need }) => `${id} needs "${need}", which the runtime ${runtime.name} does not offer`,
  )
  const lacks = [...new Set(missing.map(({ need }) => need))]
  return { reason: reasons.join('; '), runtime: { lacks, instead: able.map(({ name }) => name) } }
}

function ownWorkOf(
  { idealMs, steps }: WorkProfile,
  { engine }: CatalogPattern,
  timeScale: number,
): NonNullable<CellPlan['ownWork']> {
  const tellsEffects = engine.services.some(({ dials }) => dials.includes('tools'))
  return { idealMs: roundMs(idealMs / timeScale), steps, tellsEffects }
}

/** Why a pattern, as it is run, cannot be harmed as an arm wants, or undefined. */
export function whyBeyondPattern(
  { faults }: Arm,
  catalog: Pick<Catalog, 'faults'>,
  { lacks = {}, name }: CatalogPattern,
): Pick<NotApplicable, 'reason'> | undefined {
  const meant = faults.filter(({ only }) => only === undefined || only === name)
  const reasons = meant.flatMap(({ id, fault }) =>
    catalog.faults.get(fault)!.needs.flatMap((need) => (lacks[need] === undefined ? [] : [`${id}: ${lacks[need]}`])),
  )
  return reasons.length > 0 ? { reason: reasons.join('; ') } : undefined
}

/** What a cell's pattern works on, and where it runs. */
interface Given {
  readonly work: WorkProfile
  readonly runtime: RuntimeOffer
}

/** One cell: the block's work and schedule, as far as it touches this pattern. */
export function expandCell(block: Block, pattern: CatalogPattern, scenario: Scenario, given: Given): CellPlan {
  const { work, runtime } = given
  const { arm, repetition, seed } = block
  const { timeScale, load, replicas, profile, health } = scenario
  const { delivery, engine, tuning } = pattern
  const floored = flooredAt(engine.timeouts, { tuning, timeScale })
  const untouchedBy = findUntouched(arm, pattern, scenario)
  const { idealRangeMs: range } = work
  const machine = machineLimits(pattern.silencesAt?.(timeScale) ?? {})
  const executors = countNodes(pattern, 'executor', replicas)
  const faults = pickFaults(block, pattern, scenario)
  const takeoverMs = takeoverCostMs(pattern, scenario, faults, work)
  const patienceMs = patienceMsOf(pattern, scenario, work)
  const cellSeed = Math.floor(drawUniform(seed, 'cell', repetition) * 2 ** 31)
  // A service of somebody else's has no commands of ours.
  const uncontrolled = pattern.work ? [] : listUncontrolled(scenario.control, pattern, runtime)
  const scope = { without: uncontrolled.map(({ kind }) => kind), hasPrincipals: runtime.offers.includes('host-files') }
  return {
    id: `${pattern.name}.${arm.name}.${repetition}`,
    block: block.number,
    pattern: pattern.name,
    delivery: delivery.name,
    engine: engine.name,
    promises: keptByBoth(delivery, engine),
    axes: { delivery: delivery.promises, engine: engine.promises },
    traits: {
      executor: engine.executor,
      // What becomes of the tasks of somebody else's service nobody knows.
      inOneProcess: engine.sticky && !pattern.work,
      resubmits: delivery.resubmits === true,
      callback: delivery.callback,
    },
    arm: arm.name,
    repetition,
    // Arms share it, so that what differs between them is the fault alone.
    seed: cellSeed,
    timeScale,
    tuning,
    ...(floored.length > 0 && { floored }),
    ...(takeoverMs !== undefined && { takeoverMs }),
    ...(patienceMs !== undefined && { patienceMs }),
    profile,
    ...(pattern.work && { ownWork: ownWorkOf(work, pattern, timeScale) }),
    ...(range && { idealRangeMs: [range[0] / timeScale, range[1] / timeScale] }),
    tasks: load.tasks,
    load: { arrivals: load.arrivals, ratePerSec: load.ratePerSec * timeScale },
    graceMs: roundMs(scenario.graceMs / timeScale),
    restartDelayMs: roundMs(scenario.restartDelayMs / timeScale),
    replicas: pattern.work ? { api: countNodes(pattern, 'api', replicas), executor: executors } : replicas,
    // A target's replicas are its own, and no fewer than anybody asked for.
    ...(!pattern.work && executors !== replicas.executor && { executors }),
    faults,
    ...(!pattern.work && planControl(scenario, cellSeed, work, scope)),
    ...(uncontrolled.length > 0 && { uncontrolled }),
    ...(untouchedBy.length > 0 && { untouchedBy }),
    health: { ...health, ...(machine && { machine }) },
  }
}

function findUntouched(
  arm: Arm,
  pattern: CatalogPattern,
  { replicas }: Scenario,
): NonNullable<Plan['cells'][number]['untouchedBy']> {
  return arm.faults.flatMap((spec) => {
    const reason = whyUntouched(spec, pattern, replicas)
    return reason === undefined ? [] : [{ fault: spec.id, reason }]
  })
}

function pickFaults(
  { arm, schedule }: Block,
  pattern: CatalogPattern,
  { replicas }: Scenario,
): readonly PlannedFault[] {
  const specs = new Map(arm.faults.map((spec) => [spec.id, spec]))
  return schedule.filter((planned) => {
    const spec = specs.get(specId(planned))!
    return whyUntouched(spec, pattern, replicas) === undefined && hasNode(planned, spec, pattern, replicas)
  })
}

/** A pattern with fewer nodes gets the processes of its own nodes; a single drawn victim wraps around instead. */
function hasNode(
  { target }: PlannedFault,
  spec: FaultSpec,
  pattern: CatalogPattern,
  replicas: Scenario['replicas'],
): boolean {
  if (target.kind === 'link') return true
  const single = spec.trigger.kind !== 'every' && spec.target.ordinal === 'any'
  return single || typeof target.ordinal !== 'number' || target.ordinal < countNodes(pattern, target.role, replicas)
}

/** `kill-1#3` is a firing of the file's `kill-1`. */
export function specId({ id }: Pick<PlannedFault, 'id'>): string {
  return id.replace(/#\d+$/, '')
}

/**
 * What one takeover costs a task beyond its ideal duration, at the longest, in real milliseconds: until another
 * node goes on with it, by the engine's timeouts; the time in which its node is away, where tasks wait for that node; and
 * what is done again, the longest step or all of it. Undefined where no fault takes executors away, or no node goes on.
 */
function takeoverCostMs(
  pattern: CatalogPattern,
  { timeScale, replicas }: Pick<Scenario, 'timeScale' | 'replicas'>,
  faults: readonly PlannedFault[],
  work: WorkProfile,
): number | undefined {
  const { engine, tuning } = pattern
  const harmful = faults.filter(({ target }) => target.kind === 'node' && isExecutor(target.role))
  if (harmful.length === 0 || !engine.takeover) return undefined
  const stepMs = work.longestStepMs / timeScale
  const { earliestMs, latestMs } = engine.takeover(timeoutsAt(engine.timeouts, { tuning, timeScale }), stepMs)
  const waits = earliestMs === 0 || countNodes(pattern, 'executor', replicas) === 1
  const awayMs = waits ? Math.max(...harmful.map(({ durationMs }) => durationMs)) : 0
  const againMs = engine.promises.includes('effect-once') ? stepMs : work.idealMs / timeScale
  return Math.round(awayMs + latestMs + againMs)
}

/** An executor's shortest silence in real milliseconds after which another node may get its work; else undefined. */
function patienceMsOf(
  { engine, tuning }: CatalogPattern,
  { timeScale }: Pick<Scenario, 'timeScale'>,
  work: WorkProfile,
): number | undefined {
  const at = timeoutsAt(engine.timeouts, { tuning, timeScale })
  const silentMs = engine.patience?.(at) ?? engine.takeover?.(at, work.longestStepMs / timeScale).earliestMs
  return silentMs !== undefined && silentMs > 0 && Number.isFinite(silentMs) ? Math.round(silentMs) : undefined
}

function isExecutor(role: string): boolean {
  return role === 'executor' || role === 'worker'
}
