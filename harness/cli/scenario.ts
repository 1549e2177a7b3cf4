import { InvalidArgumentError, type Command } from 'commander'
import type { Plan } from '../model/plan.ts'
import { compilePlan } from '../plan/compile.ts'
import { type LoadedScenario, loadScenario, readText } from '../scenario/load.ts'
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
  const { seed, runtime, schedule: file, patterns, arms } = options
  const schedule = file === undefined ? undefined : parseSchedule(await readText(file), file, scenario, catalog)
  const plan = compilePlan(scenario, catalog, {
    runtime,
    selection: { ...(patterns && { patterns }), ...(arms && { arms }) },
    ...(seed !== undefined && { seed }),
    ...(schedule && { schedule, scheduleFile: file! }),
  })
  const [engines, runtimes] = [await registry.engines(), await registry.runtimes()]
  return { plan: await leaveOutInfeasible(plan, { engines, runtimes }), ...kept }
}
