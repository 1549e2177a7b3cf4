import { join } from 'node:path'
import { planTask } from '../../patterns/agent/plan.ts'
import { traceIdsOf } from '../analysis/trace-ids.ts'
import { openJournal } from '../cleanup/journal.ts'
import { findRuns } from '../cleanup/leftovers.ts'
import { supervise } from '../cleanup/supervise.ts'
import { cleanUp, type Sweeper } from '../cleanup/sweep.ts'
import { shutOthersOut } from '../cleanup/temp-folder.ts'
import { describeError, type HarnessError, type UsageError } from '../core/errors.ts'
import type { MachineLook } from '../model/machine.ts'
import type { BaseRun } from '../model/base.ts'
import type { CellPlan, Plan } from '../model/plan.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import type { Runtime } from '../model/runtime.ts'
import { unmeasuredBy, type Verification } from '../model/verification.ts'
import { estimateRunMs } from '../plan/estimate.ts'
import { formatSchedule } from '../plan/schedule.ts'
import { type Registry, withTargets } from '../registry.ts'
import { collectEnvironment } from '../store/environment.ts'
import { beginRun, type RunFolder, writeResults, writeVerification } from '../store/run-folder.ts'
import type { RunResults } from '../model/results.ts'
import type { Mark } from '../store/unfinished.ts'
import { blocksOf, conductBlock, idealMsOf } from './block.ts'
import type { RunContext } from './cell-context.ts'
import { readCheckout } from './checkout.ts'
import { verifyPatterns } from './conform.ts'
import { usableRuntime } from './feasibility.ts'
import { judgeFolder } from './judge.ts'
import { lookAtMachine, whyTooMuch } from './machine/need.ts'
import type { OnProgress, OnTaskEnd } from './progress.ts'

export interface RunOptions {
  readonly registry: Registry
  readonly scenarioText: string
  /** Profiles that it includes by their paths. */
  readonly profiles?: ReadonlyMap<string, string>
  readonly plan: Plan
  /** What gates on a regression are held against, where the plan names such a run. */
  readonly base?: BaseRun
  readonly out: string
  /** Whether patterns are held against the contract before they are measured. */
  readonly verify: boolean
  /** Whether the machine is looked at first, for two seconds; it is unless this says no. */
  readonly looks?: boolean
  /** An abort ends the run in order: its reason says by what. */
  readonly signal: AbortSignal
  /** Has something done, with a reason, where this process crashes before that is disposed of. */
  readonly atCrash?: (act: (why: string) => void) => Disposable
  readonly onProgress: OnProgress
  readonly onTaskEnd?: OnTaskEnd
  /** Whether requests say which trace they belong to (`analysis/trace-ids.ts`). */
  readonly traced?: boolean
}

export interface RunOutcome {
  readonly folder: string
  readonly results: RunResults
  /** What is left although everything was ended: exit code 5. */
  readonly leftBehind: readonly string[]
  /** Why `results.json` could not be written: the run is judged, and that is kept nowhere else. */
  readonly unsaved?: HarnessError | UsageError
}

/**
 * Carries out a plan. First it checks the patterns against the contract. Then it runs those that keep it, block after
 * block, the cells of a block side by side, each leaving a history. Then it judges the histories as `outlast check`
 * would. Nothing is left running, also when this process dies: a reaper sees to that. An abort heals, stops and cleans
 * up, and what was not decided by then is cut. Rejects with HarnessError when the runtime cannot be used, and when the
 * harness itself failed. Then the run's folder says that it broke off, and why.
 */
export async function runScenario(asked: RunOptions): Promise<RunOutcome> {
  const options = { ...asked, registry: withTargets(asked.registry, asked.plan.targets) }
  const { plan, registry, onProgress } = options
  const runtimes = await registry.runtimes()
  const engines = await registry.engines()
  const sweepers = [...runtimes.values()]
  shutOthersOut()
  await removeLeftovers(sweepers, onProgress)
  const runtime = await usableRuntime(runtimes, plan.runtime)
  const look = options.looks === false ? undefined : await lookAtMachine(options.signal)
  if (look) warnOfLoad(plan, engines, look, onProgress)
  const services = [...new Set(plan.cells.map(({ engine }) => engine))].flatMap((name) => engines.get(name)!.services)
  const environment = await collectEnvironment(await runtime.describe(services), await readCheckout(), look)
  const { scenarioText, profiles, base } = options
  const schedule = formatSchedule(plan)
  const start = { plan, schedule, scenarioText, environment, ...(profiles && { profiles }), ...(base && { base }) }
  const { run: folder, mark } = await beginRun(options.out, start)
  using _ = options.atCrash?.(mark.brokeOff)
  try {
    const traceIds = options.traced ? traceIdsOf(plan, environment) : undefined
    const leftBehind = await conduct(folder, runtime, sweepers, { ...options, ...(traceIds && { traceIds }) })
    const results = await judgeFolder(folder, await registry.checkers(), 'fresh')
    const unsaved = await save(folder, results, mark)
    return { folder: folder.path, results, leftBehind, ...(unsaved && { unsaved }) }
  } catch (error) {
    mark.brokeOff(describeError(error))
    throw error
  }
}

/** Resolves with what is left afterwards. Rejects with what the harness itself could not do. */
async function conduct(
  folder: RunFolder,
  runtime: Runtime,
  sweepers: readonly Sweeper[],
  { signal: asked, ...options }: TracedOptions,
): Promise<readonly string[]> {
  const { plan, onProgress } = options
  const plannedMs = estimateRunMs(plan, idealMsOf, options.verify)
  onProgress({ kind: 'run-start', folder: folder.path, cells: plan.cells.length, plannedMs })
  const broken = new AbortController()
  const signal = AbortSignal.any([asked, broken.signal])
  const job = { ...options, signal, breakOff: (error: HarnessError) => broken.abort(error) }
  const act = async (temp: string): Promise<void> => {
    try {
      const verification = options.verify ? await verify(folder, temp, runtime, job) : undefined
      await conductBlocks({ folder, temp, runtime }, measuredOnly(plan, verification), job)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
  const leftBehind = await supervise(sweepers, act, join(folder.path, 'reaper.log'))
  broken.signal.throwIfAborted()
  return leftBehind
}

/** The verdict is kept in any case. Resolves with why the results are not. */
async function save(folder: RunFolder, results: RunResults, mark: Mark): Promise<RunOutcome['unsaved']> {
  try {
    await writeResults(folder, results)
    mark.lift()
    return undefined
  } catch (error) {
    mark.brokeOff(`it was judged ${results.verdict}, and nothing vouches for that: ${describeError(error)}`)
    return error as NonNullable<RunOutcome['unsaved']>
  }
}

interface TracedOptions extends RunOptions, Pick<RunContext, 'traceIds'> {}

/** A run's options, and its callback for a failure of the harness itself. */
interface RunJob extends TracedOptions {
  readonly breakOff: RunContext['breakOff']
}

/** A plan that cannot fit is reported before it has cost anybody time. */
function warnOfLoad(plan: Plan, engines: ReadonlyMap<string, Engine>, look: MachineLook, onProgress: OnProgress): void {
  const stepsOf = ({ ownWork, profile, timeScale }: CellPlan): number =>
    ownWork?.steps ?? planTask({ seed: 1, profile }, timeScale).steps.length
  const text = whyTooMuch(blocksOf(plan.cells), engines, stepsOf, look)
  if (text !== undefined) onProgress({ kind: 'note', text })
}

async function removeLeftovers(sweepers: readonly Sweeper[], onProgress: OnProgress): Promise<void> {
  // Of this temporary folder, and on this Docker: processes of other folders are left to outlast clean.
  const { removed, remaining, passedOver } = await cleanUp(sweepers, await findRuns(sweepers, 'here'))
  const notes = removed.map(({ run }) => `removed what the dead run ${run} had left`)
  for (const text of [...notes, ...passedOver.map((sentence) => `passed over: ${sentence}`), ...remaining])
    onProgress({ kind: 'note', text })
}

async function verify(
  folder: RunFolder,
  temp: string,
  runtime: Runtime,
  { plan, registry, signal, onProgress, breakOff }: RunJob,
): Promise<Verification> {
  const logs = join(folder.path, 'verification')
  const context = { registry, temp, logs, runtime, signal, onProgress, onLost: breakOff }
  const verification = await verifyPatterns(plan, context)
  signal.throwIfAborted()
  await writeVerification(folder, verification)
  return verification
}

/** The cells of patterns that keep the contract. */
function measuredOnly({ cells }: Plan, verification: Verification | undefined): readonly CellPlan[] {
  const broken = new Set(unmeasuredBy(verification).map(({ pattern }) => pattern))
  return cells.filter(({ pattern }) => !broken.has(pattern))
}

async function conductBlocks(
  { folder, temp, runtime }: Pick<RunContext, 'folder' | 'temp' | 'runtime'>,
  cells: readonly CellPlan[],
  { plan, registry, signal, breakOff, onProgress, onTaskEnd, traceIds }: RunJob,
): Promise<void> {
  await using journal = await openJournal(temp)
  const [engines, faults] = [await registry.engines(), await registry.faults()]
  const targets = new Map((plan.targets ?? []).map((target) => [target.name, target]))
  const asked = { ...(onTaskEnd && { onTaskEnd }), ...(traceIds && { traceIds }) }
  const context = { folder, temp, journal, runtime, engines, targets, faults, signal, breakOff, ...asked }
  for (const block of blocksOf(cells)) if (!signal.aborted) await conductBlock(block, context, onProgress)
}
