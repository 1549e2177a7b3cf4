import { UsageError } from '../core/errors.ts'
import type { Plan } from '../model/plan.ts'
import { type Catalog } from '../scenario/catalog.ts'
import type { Change, Draft } from '../scenario/load.ts'
import { type Preset, type PresetName, presets } from '../scenario/presets.ts'
import { loadWindowMs, type Scenario, settleMs } from '../scenario/scenario.ts'
import { formatDuration } from '../scenario/units.ts'
import { fillIn, type Free, freeIn, type Sizes } from './preset-draft.ts'
import { shortfallOf } from './preset-shortfall.ts'

/** What a preset chose: changes of the file, and why, in sentences. */
export interface Chosen {
  readonly name: PresetName
  readonly changes: readonly Change[]
  readonly chose: readonly string[]
}

interface Surroundings {
  readonly catalog: Pick<Catalog, 'workOf'>
  /** Throws UsageError where this cannot be a plan. */
  readonly compile: (scenario: Scenario) => Plan
}

/**
 * Sizes that a scenario leaves open: tasks, repetitions, and firings of faults that say no time. The cheapest with which every gate
 * can be shown, by power, within the preset's time; else those that come nearest. What the file says is not touched. Throws UsageError
 * for a file that no size makes right, and where the smallest study takes too long.
 */
export function chooseSizes(draft: Draft, name: PresetName, around: Surroundings): Chosen {
  const free = freeIn(draft.data)
  const preset: Preset = presets[name]
  if (isSettledByFile(free)) return nothingToChoose(draft.read([]), name, around)
  const studies = sizesToTry(free, preset).flatMap((sizes) => bestOf(sizes, free, { draft, preset, ...around }))
  const best = studies.toSorted((a, b) => a.shortfall - b.shortfall || a.ms - b.ms)[0]
  if (!best) return refuse(draft, free, { name, preset, ...around })
  return { name, changes: fillIn(draft.data, free, best.sizes), chose: explain(best, free, name) }
}

function isSettledByFile({ tasks, repetitions, untimed }: Free): boolean {
  return !tasks && !repetitions && untimed.length === 0
}

function nothingToChoose(scenario: Scenario, name: PresetName, { catalog }: Surroundings): Chosen {
  const chose = [aboutOf(name), 'nothing: the file says all of it', timeOf(plannedMs(scenario, catalog), name)]
  return { name, changes: [], chose }
}

interface Study {
  readonly sizes: Sizes
  readonly plan: Plan
  /** What is missing until every gate can be shown: 0 where nothing is. */
  readonly shortfall: number
  readonly ms: number
}

interface Search extends Surroundings {
  readonly draft: Draft
  readonly preset: Preset
}

const fewestTasks = 20
const mostTasks = 20_000

/** Repetitions, and firings of each fault that says no time. More faults than these make no interval much shorter. */
function sizesToTry({ tasks, repetitions, untimed }: Free, { aim }: Preset): readonly Sizes[] {
  const blocks = repetitions ? (aim ? [1, 2, 3, 5, 6, 8, 12].filter((n) => n >= aim.repetitions) : [1]) : [undefined]
  const firings = untimed.length === 0 ? [undefined] : aim ? [6, 12, 24] : [1]
  return blocks.flatMap((repetitions) =>
    firings.map((firings) => ({
      ...(tasks && { tasks: fewestTasks }),
      ...(repetitions !== undefined && { repetitions }),
      ...(firings !== undefined && { firings }),
    })),
  )
}

/** Of as many repetitions and firings the fewest tasks that will do, or the most for which there is time. */
function bestOf(sizes: Sizes, free: Free, search: Search): readonly Study[] {
  const readable = readableStudy(sizes, free, search)
  if (!readable) return []
  const study = (tasks: number): Study | undefined => studyOf({ ...sizes, tasks }, free, search, readable)
  if (!free.tasks) return [studyOf(sizes, free, search, readable)].filter((one) => one !== undefined)
  const grid = taskGrid.map((tasks) => study(tasks)).filter((one) => one !== undefined)
  return grid.toSorted((a, b) => a.shortfall - b.shortfall || a.ms - b.ms).slice(0, 1)
}

/** 20, 25, 30, 40, ... */
const taskGrid = Array.from({ length: 60 }, (_, i) => roundUp(fewestTasks * 1.2 ** i)).filter(
  (tasks, i, all) => tasks <= mostTasks && all.indexOf(tasks) === i,
)

function roundUp(tasks: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(tasks)) - 1)
  return Math.ceil(tasks / (5 * step)) * 5 * step
}

/** The file is read once for all numbers of tasks: with the largest for which it is right. */
function readableStudy(sizes: Sizes, free: Free, { draft }: Search): Scenario | undefined {
  const sizesToRead = free.tasks ? [mostTasks, 2_000, 200].map((tasks) => ({ ...sizes, tasks })) : [sizes]
  for (const one of sizesToRead) {
    const scenario = attempt(() => draft.read(fillIn(draft.data, free, one)))
    if (scenario) return scenario
  }
  return undefined
}

function studyOf(sizes: Sizes, free: Free, search: Search, readable: Scenario): Study | undefined {
  const scenario = resize(readable, sizes, free)
  if (isCrowded(scenario, sizes, free)) return undefined
  const ms = plannedMs(scenario, search.catalog)
  if (ms > search.preset.budgetMs) return undefined
  const plan = attempt(() => search.compile(scenario))
  return plan && { sizes, plan, ms, shortfall: shortfallOf(plan, search.preset.aim, search.catalog) }
}

/** The same scenario with another number of tasks: firings that were placed over its load stay at their share of it. */
function resize(scenario: Scenario, { tasks = scenario.load.tasks }: Sizes, { untimed }: Free): Scenario {
  const factor = tasks / scenario.load.tasks
  const placed = new Set(untimed.flatMap(({ arm, id }) => [`${arm}/${id}`]))
  const isPlaced = (arm: string, id: string): boolean => placed.has(`${arm}/${id.replace(/-\d+$/, '')}`)
  return {
    ...scenario,
    load: { ...scenario.load, tasks },
    arms: scenario.arms.map(({ name, faults }) => ({
      name,
      faults: faults.map((spec) =>
        isPlaced(name, spec.id) && spec.trigger.kind === 'at'
          ? { ...spec, trigger: { kind: 'at', atMs: Math.round(spec.trigger.atMs * factor) } }
          : spec,
      ),
    })),
  }
}

/** A node must be back, and the tasks of one fault done with it, before the next one comes. */
function isCrowded({ arms, load, timeScale, graceMs }: Scenario, { firings = 0 }: Sizes, { untimed }: Free): boolean {
  const loadMs = (load.tasks / load.ratePerSec) * 1000
  return [...Map.groupBy(untimed, ({ arm }) => arm)].some(([arm, entries]) => {
    const specs = arms.find(({ name }) => name === arm)!.faults
    const longest = Math.max(0, ...specs.map(({ forMs }) => (forMs === 'load' ? 0 : forMs)))
    const all = firings * entries.filter(({ isCondition }) => !isCondition).length
    return all > 1 && loadMs / (all + 1) < longest + settleMs * timeScale + graceMs / 2
  })
}

/** Before the first block: looking at the machine, and holding the patterns against the contract. */
const checksMs = 45_000
const startMs = 4_000

/** Real time that it takes where losses are waited for in every block. */
function plannedMs(scenario: Scenario, { workOf }: Pick<Catalog, 'workOf'>): number {
  const { timeScale, load, graceMs, arms, repetitions, patterns, sideBySide = patterns.length, profile } = scenario
  const { idealMs, idealRangeMs } = workOf(profile)!
  const parts = Math.ceil(patterns.length / sideBySide)
  const blockMs = startMs + (loadWindowMs(load, idealRangeMs?.[1] ?? idealMs) + 2 * graceMs) / timeScale
  return checksMs + arms.length * repetitions * parts * blockMs
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof UsageError) return undefined
    throw error
  }
}

/** Says what is wrong with the file; else how long its smallest study takes. */
function refuse(
  draft: Draft,
  free: Free,
  { name, preset, catalog, compile }: Surroundings & { name: PresetName; preset: Preset },
): never {
  const sizes = sizesToTry(free, preset)[0]!
  const largest = free.tasks ? { ...sizes, tasks: 2_000 } : sizes
  // With one firing each, entries are where the file has them.
  draft.read(fillIn(draft.data, free, { ...largest, firings: 1 }))
  const scenario = draft.read(fillIn(draft.data, free, largest))
  const smallest = resize(scenario, sizes, free)
  const ms = plannedMs(smallest, catalog)
  if (ms > preset.budgetMs)
    throw new UsageError(
      `preset ${name} is for runs of ${formatDuration(preset.budgetMs)}, and this scenario takes at least ${formatDuration(ms)}: raise timeScale, write a higher rate or a shorter grace, fewer arms or patterns, or take a larger preset`,
    )
  compile(scenario)
  throw new UsageError(
    `preset ${name}: its faults find no room within ${formatDuration(preset.budgetMs)}: write when they fire (at, every), a shorter "for", or take a larger preset`,
  )
}

function explain({ sizes, shortfall, ms }: Study, free: Free, name: PresetName): readonly string[] {
  const { aim }: Preset = presets[name]
  const { tasks, repetitions, firings } = sizes
  const reached =
    shortfall === 0 ? 'the cheapest that does all of that' : 'as much as there is time for: less than that'
  return [
    aboutOf(name),
    ...(free.tasks ? [`${tasks} tasks per pattern, arm and repetition`] : []),
    ...(free.repetitions ? [`${repetitions} ${repetitions === 1 ? 'repetition' : 'repetitions'}`] : []),
    ...(free.untimed.length > 0
      ? [
          `${firings === 1 ? '1 firing' : `${firings} firings`} in each repetition of ${namesOf(free)}, evenly over the load`,
        ]
      : []),
    aim ? reached : 'nothing is sized by power: what this shows is that it runs',
    timeOf(ms, name),
  ]
}

function aboutOf(name: PresetName): string {
  return `${name}: ${presets[name].about}`
}

function timeOf(ms: number, name: PresetName): string {
  const { budgetMs } = presets[name]
  const of = ms > budgetMs ? 'more than' : 'of'
  return `at most about ${formatDuration(ms)}, ${of} the ${formatDuration(budgetMs)} that it is for, if the losses of every block are waited for`
}

function namesOf({ untimed }: Free): string {
  return untimed.map(({ arm, id }) => `${arm}.${id}`).join(', ')
}
