import { join, relative } from 'node:path'
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { home } from '../core/own-package.ts'
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
import { UsageError } from '../core/errors.ts'
import { didYouMean } from '../core/did-you-mean.ts'
import { listRuns, openRun, type RunFolder } from '../store/run-folder.ts'
import type { Taken } from '../store/run-record.ts'

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

/** The path of a scenario that comes with us, in a checkout and in a package: from here where it is below. */
export function shippedScenario(name: string): string {
  const path = fileURLToPath(new URL(`scenarios/${name}.yaml`, home))
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? path : near
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

/** Where runs go unless `--out` says otherwise. */
export const runsFolder = 'runs'

export const runArgument = 'folder of a run, its name in runs/, or "latest"'

export const editedOption = ['--edited', 'judge files that were changed after the run, on purpose'] as const

export function takenAs({ edited }: { readonly edited?: true }): Taken {
  return edited ? 'edited' : 'recorded'
}

/** A run as named on the command line. Throws UsageError that says what there is. */
export async function findRun(name: string): Promise<RunFolder> {
  const runs = await listRuns(runsFolder)
  const latest = runs.at(-1)
  if (name === 'latest' && latest) return openRun(latest.path)
  if (await stat(name).catch(() => undefined)) return openRun(name)
  const listed = runs.find((run) => run.name === name)
  if (listed) return openRun(join(runsFolder, name))
  const known = latest ? `; the latest in ${runsFolder}/ is ${latest.name}` : `; there is none in ${runsFolder}/`
  const hint = didYouMean(
    name,
    runs.map((run) => run.name),
  )
  throw new UsageError(`there is no run "${name}"${hint}${known}`)
}
