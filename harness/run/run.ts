import { join } from 'node:path'
import { planTask } from '../../patterns/agent/plan.ts'
import { monotonicMs } from '../core/clock.ts'
import { describeError, HarnessError, type UsageError } from '../core/errors.ts'
import type { MachineLook } from '../model/machine.ts'
import type { CellPlan, Plan } from '../model/plan.ts'
import { discover } from '../core/discover.ts'
import type { Engine, Fault, Runtime } from '../model/types.ts'
import { unmeasuredBy, type Verification } from '../model/verification.ts'
import { openJournal } from '../cleanup/journal.ts'
import { formatSchedule } from '../plan/schedule.ts'
import { collectEnvironment } from '../store/environment.ts'
import { beginRun, type RunFolder, writeResults, writeVerification } from '../store/run-folder.ts'
import type { RunResults } from '../model/results.ts'
import type { Mark } from '../store/unfinished.ts'
import { prepareCell, type ReadyCell } from './cell.ts'
import { readCheckout } from './checkout.ts'
import type { BlockContext, RunContext } from './cell-context.ts'
import { cleanUp } from '../cleanup/sweep.ts'
import { watchHealth } from './health.ts'
import { findRuns } from '../cleanup/leftovers.ts'
import { judgeFolder } from './judge.ts'
import { lookAtMachine } from './machine/look.ts'
import { whyTooMuch } from './machine/need.ts'
import { watchMachine } from './machine/watch.ts'
import type { OnProgress } from './progress.ts'
import { supervise } from '../cleanup/supervise.ts'
import { findRuntimes, type Sweeper } from '../cleanup/sweepers.ts'
import { shutOthersOut } from '../cleanup/temp-folder.ts'
import { verifyPatterns } from './verify.ts'

export interface RunOptions {
  readonly scenarioText: string
  /** Profiles that it includes by their paths. */
  readonly profiles?: ReadonlyMap<string, string>
  readonly plan: Plan
  /** Engines beside those of the folder, by name: controls whose truth is known. */
  readonly engines?: ReadonlyMap<string, Engine>
  /** Folder that gets the run's folder. */
  readonly out: string
  /** Whether patterns are held against the contract before they are measured. */
  readonly verify: boolean
  /** An abort ends the run in order: its reason says by what. */
  readonly signal: AbortSignal
  /** Has something done, with a reason, where this process crashes before that is disposed of. */
  readonly atCrash?: (act: (why: string) => void) => Disposable
  readonly onProgress: OnProgress
}

export interface RunOutcome {
  readonly folder: string
  readonly results: RunResults
  /** What still stands although everything was ended: exit code 5. */
  readonly leftBehind: readonly string[]
  /** Why `results.json` could not be written: the run is judged, and that is kept nowhere else. */
  readonly unsaved?: HarnessError | UsageError
}

/**
 * Carry out a plan: hold its patterns against the contract; then, of those that keep it, block after block, the cells of a
 * block side by side, each leaving a history; then judge the histories as `outlast check` would. Nothing is left running, also when this process dies: a reaper sees to that.
 * An abort heals, stops and cleans up, and what was not decided by then is cut. Rejects with HarnessError when the runtime
 * cannot be used, and when the harness itself failed: then the run's folder says that it broke off, and why.
 */
export async function runScenario(options: RunOptions): Promise<RunOutcome> {
  const { plan, onProgress } = options
  const runtimes = await findRuntimes()
  const sweepers = [...runtimes.values()]
  shutOthersOut()
  await removeLeftovers(sweepers, onProgress)
  const runtime = await usable(runtimes, plan.runtime)
  const look = await lookAtMachine(options.signal)
  await warnOfLoad(options, look)
  const environment = await collectEnvironment(
    await runtime.describe(await servicesOf(options)),
    await readCheckout(),
    look,
  )
  const { scenarioText, profiles } = options
  const schedule = formatSchedule(plan)
  const start = { plan, schedule, scenarioText, environment, ...(profiles && { profiles }) }
  const { run: folder, mark } = await beginRun(options.out, start)
  using _ = options.atCrash?.(mark.brokeOff)
  try {
    const leftBehind = await conduct(folder, runtime, sweepers, options)
    const results = await judgeFolder(folder, 'fresh')
    const unsaved = await save(folder, results, mark)
    return { folder: folder.path, results, leftBehind, ...(unsaved && { unsaved }) }
  } catch (error) {
    mark.brokeOff(describeError(error))
    throw error
  }
}

/** Resolves with what still stands afterwards. Rejects with what the harness itself could not do. */
async function conduct(
  folder: RunFolder,
  runtime: Runtime,
  sweepers: readonly Sweeper[],
  { signal: asked, ...options }: RunOptions,
): Promise<readonly string[]> {
  const { plan, onProgress } = options
  const plannedMs =
    plan.cells.length === 0 ? 0 : sum(blocksOf(plan.cells).map((block) => Math.max(...block.map(plannedCellMs))))
  onProgress({ kind: 'run-start', folder: folder.path, cells: plan.cells.length, plannedMs })
  const broken = new AbortController()
  const signal = AbortSignal.any([asked, broken.signal])
  const job = { ...options, signal, breakOff: (error: HarnessError) => broken.abort(error) }
  const act = async (temp: string): Promise<void> => {
    try {
      const verification = options.verify ? await verify(folder, temp, runtime, job) : undefined
      await conductBlocks(folder, temp, runtime, measuredOnly(plan, verification), job)
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

/** A run's options, and how it is told that the harness itself failed. */
interface RunJob extends RunOptions {
  readonly breakOff: RunContext['breakOff']
}

async function servicesOf({ plan, engines: more }: RunOptions): Promise<Engine['services']> {
  const engines = await findEngines(more)
  return [...new Set(plan.cells.map(({ engine }) => engine))].flatMap((name) => engines.get(name)!.services)
}

/** A plan that cannot fit is told before it has cost anybody its time. */
async function warnOfLoad(
  { plan, engines: more, onProgress }: RunOptions,
  look: MachineLook | undefined,
): Promise<void> {
  if (!look) return
  const stepsOf = (cell: CellPlan): number => planTask({ seed: 1, profile: cell.profile }, cell.timeScale).steps.length
  const text = whyTooMuch(blocksOf(plan.cells), await findEngines(more), stepsOf, look)
  if (text !== undefined) onProgress({ kind: 'note', text })
}

async function findEngines(more: RunOptions['engines'] = new Map()): Promise<ReadonlyMap<string, Engine>> {
  const found = await discover<Engine>(new URL('../../patterns/engines/', import.meta.url), 'engine')
  return new Map([...found, ...more])
}

async function removeLeftovers(sweepers: readonly Sweeper[], onProgress: OnProgress): Promise<void> {
  // Of this temporary folder, and on this Docker: what other processes belong to is for outlast clean to tell.
  const { removed, standing, passedOver } = await cleanUp(sweepers, await findRuns(sweepers, 'here'))
  const notes = removed.map(({ run }) => `removed what the dead run ${run} had left`)
  for (const text of [...notes, ...passedOver.map((sentence) => `passed over: ${sentence}`), ...standing])
    onProgress({ kind: 'note', text })
}

async function verify(
  folder: RunFolder,
  temp: string,
  runtime: Runtime,
  { plan, signal, onProgress, breakOff }: RunJob,
): Promise<Verification> {
  const logs = join(folder.path, 'verification')
  const verification = await verifyPatterns(plan, { temp, logs, runtime, signal, onProgress, onLost: breakOff })
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
  folder: RunFolder,
  temp: string,
  runtime: Runtime,
  cells: readonly CellPlan[],
  options: RunJob,
): Promise<void> {
  await using journal = await openJournal(temp)
  const engines = await findEngines(options.engines)
  const faults = await discover<Fault>(new URL('../faults/', import.meta.url))
  const { signal, breakOff } = options
  const context = { folder, temp, journal, runtime, engines, faults, signal, breakOff }
  for (const block of blocksOf(cells))
    if (!context.signal.aborted) await conductBlock(block, context, options.onProgress)
}

/** Cells of one block run side by side: the same work, the same faults, the same noise. */
async function conductBlock(block: readonly CellPlan[], context: RunContext, onProgress: OnProgress): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const started = monotonicMs()
  const machine = stack.use(watchMachine())
  const settled = await Promise.allSettled(block.map((cell) => prepare(cell, { ...context, machine }, onProgress)))
  const ready = settled.flatMap((one) => (one.status === 'fulfilled' ? [stack.use(one.value)] : []))
  const whyNot = (reason: unknown): unknown => (context.signal.aborted ? context.signal.reason : reason)
  settled.forEach(
    (one, i) => one.status === 'rejected' && reportFailure(block[i]!, whyNot(one.reason), started, onProgress),
  )
  if (context.signal.aborted) return cutShort(ready)
  const health = watchHealth()
  // A moment for every cell to reach its starting line.
  const epochMs = monotonicMs() + 100
  machine.start(epochMs)
  const ticker = setInterval(() => ready.forEach((cell) => reportCounts(cell, epochMs, onProgress)), 500)
  try {
    await allEnded(ready.map((cell) => cell.underLoad(epochMs)))
  } finally {
    clearInterval(ticker)
  }
  const seen = health.stop()
  if (context.signal.aborted) return cutShort(ready)
  await allEnded(ready.map((cell) => cell.conclude(seen)))
  for (const { cell, counts } of ready)
    onProgress({
      kind: 'cell-end',
      cell: cell.id,
      elapsedMs: monotonicMs() - started,
      ok: counts.ok,
      tasks: cell.tasks,
    })
}

/** Nothing of a cell may be taken away while another one fails: it would fail in turn. Rejects when all have ended. */
async function allEnded(acts: readonly Promise<void>[]): Promise<void> {
  for (const act of await Promise.allSettled(acts)) if (act.status === 'rejected') throw act.reason
}

async function cutShort(ready: readonly ReadyCell[]): Promise<void> {
  await Promise.all(ready.map((cell) => cell.cut()))
}

async function prepare(cell: CellPlan, context: BlockContext, onProgress: OnProgress): Promise<ReadyCell> {
  onProgress({ kind: 'cell-start', cell: cell.id, tasks: cell.tasks, plannedMs: plannedCellMs(cell) })
  onProgress({ kind: 'cell-phase', cell: cell.id, phase: 'deploy' })
  return prepareCell(cell, context, {
    phase: (phase) => onProgress({ kind: 'cell-phase', cell: cell.id, phase }),
    fault: (change) => onProgress({ kind: 'fault', cell: cell.id, change }),
  })
}

function reportFailure(cell: CellPlan, reason: unknown, started: number, onProgress: OnProgress): void {
  const error = describeError(reason)
  onProgress({ kind: 'cell-end', cell: cell.id, elapsedMs: monotonicMs() - started, ok: 0, tasks: cell.tasks, error })
}

function reportCounts({ cell, counts }: ReadyCell, epochMs: number, onProgress: OnProgress): void {
  const { started, ok, failed } = counts
  const progress = { started, ok, failed, finished: ok + failed }
  onProgress({ kind: 'cell-progress', cell: cell.id, elapsedMs: monotonicMs() - epochMs, ...progress })
}

/** Start-up, arrivals, the last task's ideal duration and its whole grace: losses are waited for. */
function plannedCellMs(cell: CellPlan): number {
  const startMs = 3_000
  return startMs + (cell.tasks / cell.load.ratePerSec) * 1000 + 300_000 / cell.timeScale + 2 * cell.graceMs
}

function blocksOf(cells: readonly CellPlan[]): readonly (readonly CellPlan[])[] {
  return [...Map.groupBy(cells, ({ block }) => block).values()]
}

async function usable(runtimes: ReadonlyMap<string, Runtime>, name: string): Promise<Runtime> {
  const runtime = runtimes.get(name)
  if (!runtime) throw new HarnessError(`there is no runtime "${name}"; there is ${[...runtimes.keys()].join(', ')}`)
  const reason = await runtime.probe()
  if (reason) throw new HarnessError(`runtime ${name} cannot be used here: ${reason}`)
  return runtime
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
