import { Option, type Command } from 'commander'
import type { BaseRun } from '../model/base.ts'
import type { Plan } from '../model/plan.ts'
import { compilePlan } from '../plan/compile.ts'
import { chooseSizes, type Chosen } from '../plan/preset.ts'
import { presetIn } from '../plan/preset-draft.ts'
import { refuseGatesLeftOut } from '../plan/strict-gates.ts'
import { type Catalog, withTargets as withPatterns } from '../scenario/catalog.ts'
import { type Change, type Draft, type LoadedScenario, loadScenario, readText } from '../scenario/load.ts'
import { type PresetName, presetNames } from '../scenario/presets.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { parseSchedule } from '../plan/schedule.ts'
import { type Registry, withTargets } from '../registry.ts'
import { openBaseRun } from '../run/base-run.ts'
import { leaveOutInfeasible } from '../run/feasibility.ts'
import { findRun, parseList, parseSeed } from './arguments.ts'

export interface ScenarioOptions {
  readonly seed?: number
  readonly schedule?: string
  readonly runtime: string
  readonly patterns?: readonly string[]
  readonly arms?: readonly string[]
  readonly preset?: PresetName
  readonly against?: string
  readonly strictGates?: true
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
    .addOption(presetOption())
    .option(
      '--against <run>',
      'the run that gates on regression and slowdown compare with, of the same seed and schedule',
    )
    .option('--strict-gates', 'refuse a plan that leaves a gate out, or has none')
}

function presetOption(): Option {
  return new Option(
    '--preset <name>',
    'chooses tasks, repetitions and faults where the scenario does not say them',
  ).choices(presetNames)
}

/** Read, check, narrow down and compile. Throws one UsageError with every problem. */
export async function planScenario(
  path: string,
  options: ScenarioOptions,
  registry: Registry,
): Promise<Omit<LoadedScenario, 'scenario'> & { readonly plan: Plan; readonly base?: BaseRun }> {
  const catalog = await registry.catalog()
  const completed = completion(options, catalog)
  const { scenario, ...kept } = await loadScenario(path, catalog, completed.complete)
  const { seed, runtime, schedule: file, patterns, arms, against } = options
  const baseFolder = against === undefined ? undefined : await findRun(against)
  const known = withPatterns(catalog, scenario.targets)
  const schedule = file === undefined ? undefined : parseSchedule(await readText(file), file, scenario, known)
  const compiled = compilePlan(scenario, catalog, {
    runtime,
    selection: { ...(patterns && { patterns }), ...(arms && { arms }) },
    ...(seed !== undefined && { seed }),
    ...(schedule && { schedule, scheduleFile: file! }),
    ...(baseFolder && { against: baseFolder.name }),
    ...completed.preset(),
  })
  const [engines, runtimes] = [await withTargets(registry, compiled.targets).engines(), await registry.runtimes()]
  const plan = await leaveOutInfeasible(compiled, { engines, runtimes })
  if (options.strictGates) refuseGatesLeftOut(plan)
  const base = baseFolder && (await openBaseRun(baseFolder, plan, await registry.checkers()))
  return { plan, ...kept, ...(base && { base }) }
}

/** What the scenario's preset, or that of the command line, adds to it. */
function completion({ preset, runtime, seed }: ScenarioOptions, catalog: Catalog) {
  let chosen: Chosen | undefined
  const compile = (scenario: Scenario): Plan =>
    compilePlan(scenario, catalog, { runtime, against: 'any run', ...(seed !== undefined && { seed }) })
  return {
    complete: (draft: Draft): readonly Change[] => {
      const name = preset ?? presetIn(draft.data)
      if (name === undefined) return []
      chosen = chooseSizes(draft, name, { catalog, compile })
      return [...(preset === undefined ? [] : [{ path: ['preset'], value: preset }]), ...chosen.changes]
    },
    preset: () => (chosen ? { preset: { name: chosen.name, chose: chosen.chose } } : {}),
  }
}
