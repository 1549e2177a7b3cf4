import { UsageError } from '../core/errors.ts'
import { roundMs } from '../core/numbers.ts'
import { impactWith } from '../model/fault.ts'
import { metricOf } from '../model/metrics.ts'
import { type CellPlan, type Gate, type Plan, type PlannedFault, planVersion, type Selection } from '../model/plan.ts'
import { type Catalog, countNodes, longestWorkMs, withTargets, workFor } from '../scenario/catalog.ts'
import { sampleFaults, type SampleContext } from './sample.ts'
import {
  type Block,
  expandCell,
  shufflePatterns,
  specId,
  whyBeyondPattern,
  whyBeyondRuntime,
  whyUntouchedByAll,
} from './expand.ts'
import { loadWindowMs, type Scenario } from '../scenario/scenario.ts'
import type { Schedule } from './schedule.ts'
import { formatDuration } from '../scenario/units.ts'
import { didYouMean } from '../core/did-you-mean.ts'

export interface CompileOptions {
  /** Name of the runtime that will carry it out. */
  readonly runtime: string
  /** Instead of the scenario's. */
  readonly seed?: number
  /** Replay these firings instead of drawing them; its seed takes the place of the scenario's. */
  readonly schedule?: Schedule
  readonly scheduleFile?: string
  /** What a preset made of the scenario before. */
  readonly preset?: NonNullable<Plan['preset']>
  /** The name of the run that gates on a regression are held against. */
  readonly against?: string
  /** Only these cells. In the others a fault that never fires is no problem. */
  readonly selection?: Selection
}

/**
 * A scenario as a plan: every cell and every firing, all choices made. Pure: the same input gives the same plan.
 * Throws UsageError for an unknown runtime, for an unknown name in the selection, for a seed that contradicts the schedule,
 * and when a fault would never fire.
 */
export function compilePlan(scenario: Scenario, known: Catalog, options: CompileOptions): Plan {
  const catalog = withTargets(known, scenario.targets)
  const runtime = catalog.runtimes.get(options.runtime)
  if (!runtime)
    throw new UsageError(
      `there is no runtime "${options.runtime}"; runtimes: ${[...catalog.runtimes.keys()].join(', ')}`,
    )
  const seed = resolveSeed(scenario, options)
  const cells: CellPlan[] = []
  const notApplicable = new Map<string, Plan['notApplicable'][number]>()
  for (const block of planBlocks(scenario, catalog, seed, options.schedule)) {
    for (const name of shufflePatterns(scenario.patterns, block)) {
      const pattern = catalog.resolvePattern(name)!
      const why =
        whyBeyondRuntime(block.arm, catalog, runtime) ??
        whyBeyondPattern(block.arm, catalog, pattern) ??
        whyUntouchedByAll(block.arm, pattern, scenario)
      if (why === undefined)
        cells.push(expandCell(block, pattern, scenario, { work: workFor(pattern, scenario.profile, catalog), runtime }))
      else notApplicable.set(`${name}.${block.arm.name}`, { pattern: name, arm: block.arm.name, ...why })
    }
  }
  const { name, question, timeScale, published, health } = scenario
  const whole: Plan = {
    version: planVersion,
    scenario: name,
    question,
    seed,
    timeScale,
    runtime: runtime.name,
    patterns: scenario.patterns,
    ...(scenario.targets.length > 0 && { targets: scenario.targets }),
    cells: splitBlocks(cells, scenario.sideBySide),
    notApplicable: [...notApplicable.values()],
    gates: scenario.gates.map((gate) => planGate(gate, timeScale, options)),
    ...(options.against !== undefined && { against: options.against }),
    ...(options.preset && { preset: options.preset }),
    published,
    health,
  }
  const plan = selectCells(whole, scenario, options.selection ?? {})
  mustFire(plan.cells, scenario, seed, options)
  return plan
}

/** Its limit in real time, where it was written in the task's own. */
function planGate(gate: Gate, timeScale: number, { against }: CompileOptions): Gate {
  const metric = metricOf(gate.metric)
  return {
    ...gate,
    ...(metric.scaled && { max: roundMs(gate.max! / timeScale) }),
    ...(metric.against && against === undefined && { leftOut: 'a run without --against' }),
  }
}

function resolveSeed(scenario: Scenario, { seed, schedule }: CompileOptions): number {
  if (seed !== undefined && schedule && seed !== schedule.seed)
    throw new UsageError(
      `--seed ${seed} contradicts the schedule, which was drawn with seed ${schedule.seed}; leave --seed out`,
    )
  return schedule?.seed ?? seed ?? scenario.seed
}

function planBlocks(
  scenario: Scenario,
  catalog: Catalog,
  seed: number,
  replay: Schedule | undefined,
): readonly Block[] {
  const context = sampleContext(scenario, catalog)
  const repetitions = Array.from({ length: scenario.repetitions }, (_, i) => i + 1)
  const blocks = repetitions.flatMap((repetition) => scenario.arms.map((arm) => ({ arm, repetition })))
  return blocks.map(({ arm, repetition }, i) => {
    const replayed = replay?.arms.find((entry) => entry.arm === arm.name && entry.repetition === repetition)
    const schedule = replayed?.faults ?? (replay ? [] : sampleFaults(arm, { ...context, seed, repetition }))
    return { number: i + 1, arm, repetition, seed, schedule: schedule.map((fault) => withImpact(fault, catalog)) }
  })
}

function withImpact(planned: PlannedFault, { faults }: Catalog): PlannedFault {
  return { ...planned, impact: impactWith(faults.get(planned.fault)!, planned.params) }
}

function sampleContext(scenario: Scenario, catalog: Catalog): Omit<SampleContext, 'seed' | 'repetition'> {
  const { timeScale, graceMs, load, replicas } = scenario
  const patterns = scenario.patterns.map((name) => catalog.resolvePattern(name)!)
  const windowMs = loadWindowMs(load, longestWorkMs(patterns, catalog.workOf(scenario.profile)!))
  return {
    timeScale,
    graceMs,
    windowMs,
    tasks: load.tasks,
    countNodes: (target) =>
      target.kind === 'node' ? Math.max(...patterns.map((one) => countNodes(one, target.role, replicas))) : 1,
  }
}

/** A fault that never fires would make its cell look like a success under that fault. */
function mustFire(
  cells: readonly CellPlan[],
  scenario: Scenario,
  seed: number,
  { schedule, scheduleFile = 'the schedule' }: CompileOptions,
): void {
  const problems = cells.flatMap((cell) => {
    const arm = scenario.arms.find(({ name }) => name === cell.arm)!
    const fired = new Set(cell.faults.map(specId))
    const untouched = new Set(cell.untouchedBy?.map(({ fault }) => fault))
    const silent = arm.faults.filter(({ id }) => !fired.has(id) && !untouched.has(id))
    return silent.map(({ id, trigger }) => {
      if (schedule)
        return `${scheduleFile}: ${id} never fires in ${cell.id}; write a firing of it under arm ${cell.arm}, repetition ${cell.repetition}, or leave --schedule out`
      const gap = trigger.kind === 'every' ? ` (mean gap ${formatDuration(trigger.meanGapMs)})` : ''
      return `${id}${gap} never fires in ${cell.id} with seed ${seed}; shorten its gap, offer more tasks, or take another seed`
    })
  })
  if (problems.length > 0) throw new UsageError(problems)
}

/** Blocks of at most `most` cells, as even as can be; those of one repetition follow one another, of the same work. */
function splitBlocks(cells: readonly CellPlan[], most = cells.length): readonly CellPlan[] {
  const blocks = [...Map.groupBy(cells, ({ block }) => block).values()]
  const parts = blocks.flatMap((block) => evenParts(block, Math.ceil(block.length / most)))
  return parts.flatMap((part, i) => part.map((cell) => ({ ...cell, block: i + 1 })))
}

function evenParts<T>(all: readonly T[], count: number): readonly (readonly T[])[] {
  const edge = (i: number): number => Math.round((i * all.length) / count)
  return Array.from({ length: count }, (_, i) => all.slice(edge(i), edge(i + 1)))
}

/**
 * A part of a plan: cells keep their seeds and faults, so that each is what it is in the whole. Published numbers about what
 * is left out are left out too; gates stay, and say that they cannot be judged.
 */
export function selectCells(
  plan: Plan,
  scenario: Pick<Scenario, 'patterns' | 'arms'>,
  { patterns, arms }: Selection,
): Plan {
  const armNames = scenario.arms.map(({ name }) => name)
  const problems = [...unknown('pattern', patterns, scenario.patterns), ...unknown('arm', arms, armNames)]
  if (problems.length > 0) throw new UsageError(problems)
  const unharmed = scenario.arms.filter(({ faults }) => faults.length === 0).map(({ name }) => name)
  const selection = {
    ...(patterns && { patterns }),
    ...(arms && { arms, controlsLeftOut: unharmed.filter((name) => !arms.includes(name)) }),
  }
  const keep = (cell: CellName): boolean => whyLeftOut(cell, selection) === undefined
  const { cells, notApplicable, gates, published } = plan
  return {
    ...plan,
    cells: cells.filter(keep),
    notApplicable: notApplicable.filter(keep),
    gates: gates.map((gate) => (keep(gate) ? gate : { ...gate, leftOut: whyLeftOut(gate, selection)! })),
    published: published.filter(keep),
    ...((patterns || arms) && { selection }),
  }
}

type CellName = Pick<CellPlan, 'pattern' | 'arm'>

function whyLeftOut({ pattern, arm }: CellName, { patterns, arms }: Selection): string | undefined {
  if (patterns && !patterns.includes(pattern)) return '--patterns'
  return arms && !arms.includes(arm) ? '--arms' : undefined
}

function unknown(what: string, asked: readonly string[] | undefined, there: readonly string[]): readonly string[] {
  return (asked ?? [])
    .filter((name) => !there.includes(name))
    .map((name) => `the scenario has no ${what} "${name}"${didYouMean(name, there)}; its ${what}s: ${there.join(', ')}`)
}
