import { InvalidArgumentError, type Command } from 'commander'
import { UsageError } from '../core/errors.ts'
import type { CellPlan, Plan, Selection } from '../model/plan.ts'
import { compilePlan } from '../plan/compile.ts'
import { type LoadedScenario, loadScenario, readText } from '../scenario/load.ts'
import { didYouMean } from '../core/did-you-mean.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { parseSchedule } from '../plan/schedule.ts'
import type { Registry } from '../registry.ts'
import { leaveOutInfeasible } from '../run/feasibility.ts'

/** What `run` and `plan` take. */
export interface ScenarioOptions {
  readonly seed?: number
  readonly schedule?: string
  readonly runtime: string
  readonly patterns?: readonly string[]
  readonly arms?: readonly string[]
}

/** Declare the options that choose what is planned. */
export function takesScenario(command: Command): Command {
  return command
    .argument('<scenario>', 'YAML file')
    .option('--seed <n>', "instead of the scenario's: another draw of work and faults", parseSeed)
    .option('--schedule <file>', 'replay the faults of a schedule.json instead of drawing them')
    .option('--runtime <name>', 'where the nodes run', 'process')
    .option('--patterns <a,b>', 'only these of the scenario', parseList)
    .option('--arms <x,y>', 'only these of the scenario', parseList)
}

export function parseSeed(text: string): number {
  const seed = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(seed)) return seed
  throw new InvalidArgumentError('A seed is a whole number, for example 42.')
}

export function parseList(text: string): readonly string[] {
  return text.split(',').map((name) => name.trim())
}

/** Read, check, narrow down and compile. Throws one UsageError with every problem. */
export async function planScenario(
  path: string,
  options: ScenarioOptions,
  registry: Registry,
): Promise<Omit<LoadedScenario, 'scenario'> & { readonly plan: Plan }> {
  const catalog = await registry.catalog()
  const { scenario, ...kept } = await loadScenario(path, catalog)
  const { seed, runtime, schedule: file } = options
  const schedule = file === undefined ? undefined : parseSchedule(await readText(file), file, scenario, catalog)
  const { whyNot } = selectionOf(options)
  const concerns = (at: Place): boolean => whyNot(at) === undefined
  const chosen = {
    runtime,
    concerns,
    ...(seed !== undefined && { seed }),
    ...(schedule && { schedule, scheduleFile: file! }),
  }
  const plan = selectCells(compilePlan(scenario, catalog, chosen), scenario, options)
  const [engines, runtimes] = [await registry.engines(), await registry.runtimes()]
  return { plan: await leaveOutInfeasible(plan, { engines, runtimes }), ...kept }
}

/**
 * A part of a plan: cells keep their seeds and faults, so that each is what it is in the whole. Published numbers about what
 * is left out are left out too; gates stay, and say that they cannot be judged.
 */
export function selectCells(
  plan: Plan,
  scenario: Pick<Scenario, 'patterns' | 'arms'>,
  { patterns, arms }: Pick<ScenarioOptions, 'patterns' | 'arms'>,
): Plan {
  const problems = [
    ...unknown('pattern', patterns, scenario.patterns),
    ...unknown(
      'arm',
      arms,
      scenario.arms.map(({ name }) => name),
    ),
  ]
  if (problems.length > 0) throw new UsageError(problems)
  const { whyNot, selection } = selectionOf({ ...(patterns && { patterns }), ...(arms && { arms }) })
  const keep = (at: Place): boolean => whyNot(at) === undefined
  const { cells, notApplicable, gates, published } = plan
  return {
    ...plan,
    cells: cells.filter(keep),
    notApplicable: notApplicable.filter(keep),
    gates: gates.map((gate) => (keep(gate) ? gate : { ...gate, leftOut: whyNot(gate)! })),
    published: published.filter(keep),
    ...((patterns || arms) && { selection }),
  }
}

type Place = Pick<CellPlan, 'pattern' | 'arm'>

/** What was asked for, and the option that leaves a cell out; undefined for one that is not left out. */
function selectionOf({ patterns, arms }: Selection): {
  readonly selection: Selection
  readonly whyNot: (at: Place) => string | undefined
} {
  return {
    selection: { ...(patterns && { patterns }), ...(arms && { arms }) },
    whyNot: ({ pattern, arm }) => {
      if (patterns && !patterns.includes(pattern)) return '--patterns'
      return arms && !arms.includes(arm) ? '--arms' : undefined
    },
  }
}

function unknown(what: string, asked: readonly string[] | undefined, there: readonly string[]): readonly string[] {
  return (asked ?? [])
    .filter((name) => !there.includes(name))
    .map((name) => `the scenario has no ${what} "${name}"${didYouMean(name, there)}; its ${what}s: ${there.join(', ')}`)
}
