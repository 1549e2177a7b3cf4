import type { Engine } from '../../patterns/contract/types/engine.ts'
import { type Registry, withEngines } from '../registry.ts'
import { compilePlan } from '../plan/compile.ts'
import { parseScenario } from '../scenario/parse.ts'
import type { OnProgress } from '../run/progress.ts'
import { type RunOutcome, runScenario } from '../run/run.ts'
import type { Row } from './row.ts'

/** Where studies carry out their scenarios. */
export interface Lab {
  /** Fewer tasks, faults and repetitions: minutes instead of a quarter of an hour. */
  readonly quick: boolean
  /** Every choice derives from it. */
  readonly seed: number
  readonly registry: Registry
  /** Whether the effect of this control is switched off: then its row must miss. */
  isOff(control: string): boolean
  /** Carry out a scenario with these engines beside the catalog's, as `outlast run` would. */
  measure(scenarioText: string, engines: readonly Engine[]): Promise<RunOutcome>
}

/** Some controls that are measured together. */
export interface Study {
  readonly name: string
  /** What `--without` can switch off here, each with what becomes of it then. */
  readonly controls: Readonly<Record<string, string>>
  run(lab: Lab): Promise<readonly Row[]>
}

export interface LabOptions {
  readonly quick: boolean
  readonly seed: number
  readonly without: ReadonlySet<string>
  readonly registry: Registry
  /** Folder that gets the folders of the runs. */
  readonly out: string
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
  readonly onLeftBehind: (what: readonly string[]) => void
}

export function openLab(options: LabOptions): Lab {
  const { quick, seed, without, out, signal, onProgress } = options
  return {
    quick,
    seed,
    registry: options.registry,
    isOff: (control) => without.has(control),
    measure: async (scenarioText, engines) => {
      const registry = withEngines(options.registry, engines)
      const catalog = await registry.catalog()
      const scenario = parseScenario(scenarioText, 'validate.yaml', catalog)
      const plan = compilePlan(scenario, catalog, { runtime: 'process', seed })
      // Controls are wrong on purpose: the contract would refuse most of them. Nobody plans by what a look would say.
      const how = { verify: false, looks: false }
      const outcome = await runScenario({ registry, scenarioText, plan, out, ...how, signal, onProgress })
      options.onLeftBehind(outcome.leftBehind)
      // An interrupted run has results; the controls after it are not begun.
      signal.throwIfAborted()
      if (outcome.unsaved) throw outcome.unsaved
      return outcome
    },
  }
}
