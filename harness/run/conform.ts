import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { supervise } from '../cleanup/supervise.ts'
import type { Sweeper } from '../cleanup/sweep.ts'
import { openJournal } from '../cleanup/journal.ts'
import { Breach } from '../conform/expect.ts'
import { type CaseResult, type Evidence, type NamedCase, runCases } from '../conform/suite.ts'
import { describeError } from '../core/errors.ts'
import { makeFolder } from '../core/folder.ts'
import type { Plan } from '../model/plan.ts'
import { settleAll } from '../core/async.ts'
import type { Runtime } from '../model/runtime.ts'
import { unmeasuredBy, type Verification, type VerifiedPattern } from '../model/verification.ts'
import type { OnLost } from '../os/child.ts'
import type { Registry } from '../registry.ts'
import type { OnProgress } from './progress.ts'
import { protocolCases } from '../conform/protocol-cases.ts'
import { openTarget, type TargetPattern } from './target.ts'

/** What patterns are held against, and where. */
export interface ConformOptions {
  readonly cases: readonly NamedCase[]
  readonly runtime: Runtime
  readonly timeScale: number
  /** Where logs of nodes go; by default into what is removed at the end. */
  readonly logs?: string
  /** Of a delivery with a protocol of its own: only the quick cases. `cases` are those of the task API. */
  readonly quick?: boolean
  /** Cases that fail may try once more. */
  readonly patient?: boolean
  readonly signal: AbortSignal
  /** A part of the harness failed: what cases find then says nothing. */
  readonly onLost?: OnLost
  readonly onStart?: (pattern: string) => void
  /** It runs, and so many cases are put to it. */
  readonly onCases?: (pattern: string, cases: number) => void
  readonly onResult?: (pattern: string, result: CaseResult) => void
}

export interface Conformance {
  readonly pattern: string
  readonly cases: readonly CaseResult[]
}

/** Hold patterns against cases, one after another, in a run of their own. Resolves also with what is left behind. */
export async function conformPatterns(
  patterns: readonly TargetPattern[],
  sweepers: readonly Sweeper[],
  options: ConformOptions,
): Promise<{ readonly conformances: readonly Conformance[]; readonly leftBehind: readonly string[] }> {
  const conformances: Conformance[] = []
  const broken = new AbortController()
  const signal = AbortSignal.any([options.signal, broken.signal])
  const own: ConformOptions = { ...options, signal, onLost: (error) => broken.abort(error) }
  const leftBehind = await supervise(sweepers, async (temp) => {
    for (const pattern of patterns) {
      options.onStart?.(pattern.name)
      const reason = await options.runtime.whyNot(pattern.engine.services)
      if (reason === undefined) conformances.push(await conformPattern(pattern, temp, own))
      else conformances.push(notStarted(pattern.name, new Error(reason), own))
    }
  })
  return { conformances, leftBehind }
}

/** One pattern, in the run that is under way. What keeps it from being asked at all is its one result. Rejects on abort alone. */
async function conformPattern(pattern: TargetPattern, temp: string, options: ConformOptions): Promise<Conformance> {
  const { cases, signal, onLost: lost } = options
  const { name } = pattern
  try {
    await using journal = await openJournal(temp)
    const folder = join(options.logs ?? temp, `conform-${name}`)
    // In the run's own folder only where that still is: what was deleted with it must not come back.
    if (options.logs === undefined) await mkdir(folder)
    else makeFolder(folder)
    const place = { cell: `conform-${name}`, folder, temp, note: journal.note, ...(lost && { lost }) }
    await using started = await openTarget(pattern, { ...options, place })
    const onResult = (result: CaseResult): void => options.onResult?.(name, result)
    const own = await protocolCases(pattern.delivery.name)
    const held = own ? own.filter(({ quick = false }) => quick || !options.quick) : cases
    options.onCases?.(name, held.length)
    const results = await runCases(held, started.target, { onResult, patient: options.patient ?? false })
    return { pattern: name, cases: results }
  } catch (error) {
    signal.throwIfAborted()
    return notStarted(name, error, options)
  }
}

function notStarted(pattern: string, error: unknown, options: ConformOptions): Conformance {
  const result = unstarted(error)
  options.onResult?.(pattern, result)
  return { pattern, cases: [result] }
}

/** It runs and does not do the first thing that is asked of it, or it could not be started. */
export function unstarted(error: unknown, evidence?: Evidence): CaseResult {
  const outcome = error instanceof Breach ? 'fail' : 'undecided'
  return { case: 'start', outcome, reason: describeError(error).split('\n')[0]!, ...(evidence && { evidence }) }
}

/** The verification of a run: where it happens, and who hears of it. */
export interface VerifyContext extends Pick<ConformOptions, 'runtime' | 'signal' | 'onLost'> {
  readonly registry: Registry
  readonly temp: string
  readonly logs: string
  readonly onProgress: OnProgress
}

/** A short task takes a second: the contract is the same at every scale. */
const verifyTimeScale = 30
/** As many as share a block of the quickstart. */
const sideBySide = 4

/**
 * Hold every pattern of a plan against the quick cases of the contract, on a deployment of its own to which nothing is
 * done. A case must fail twice, the second time alone: a busy machine is no reason to leave a pattern unmeasured.
 */
export async function verifyPatterns(plan: Plan, context: VerifyContext): Promise<Verification> {
  const cases = (await context.registry.cases()).filter(({ quick }) => quick)
  const queue = [...(await patternsOf(plan, context.registry))]
  const done = new Map<string, VerifiedPattern>()
  const work = async (): Promise<void> => {
    for (let one = queue.shift(); one; one = queue.shift()) done.set(one.name, await verify(one, cases, context))
  }
  context.onProgress({ kind: 'verify-start', patterns: queue.map(({ name }) => name) })
  // All of them have ended before anybody removes what they use.
  await settleAll(Array.from({ length: sideBySide }, work))
  const names = [...new Set(plan.cells.map(({ pattern }) => pattern))]
  return { version: 1, patterns: names.flatMap((name) => done.get(name) ?? []) }
}

async function verify(
  pattern: TargetPattern,
  cases: readonly NamedCase[],
  { runtime, signal, onLost, logs, temp, onProgress }: VerifyContext,
): Promise<VerifiedPattern> {
  const how = {
    runtime,
    signal,
    logs,
    cases,
    timeScale: verifyTimeScale,
    quick: true,
    patient: true,
    ...countCases(onProgress),
    ...(onLost && { onLost }),
  }
  const verified = asStored(await conformPattern(pattern, temp, how))
  const [broken] = unmeasuredBy({ version: 1, patterns: [verified] })
  const unsure = verified.cases.find(({ outcome }) => outcome === 'undecided')
  const outcome = broken ? 'fail' : unsure ? 'undecided' : 'pass'
  onProgress({ kind: 'verify-end', pattern: pattern.name, outcome })
  if (broken) onProgress({ kind: 'note', text: `${pattern.name}: ${broken.reason}` })
  else if (unsure) onProgress({ kind: 'note', text: `${pattern.name}: ${unsure.case} is undecided: ${unsure.reason}` })
  return verified
}

/** Tells of every case of one pattern. */
function countCases(onProgress: OnProgress): Pick<ConformOptions, 'onCases' | 'onResult'> {
  let [done, of, failed] = [0, 0, 0]
  const tell = (pattern: string): void => onProgress({ kind: 'verify-progress', pattern, done, of, failed })
  return {
    onCases: (pattern, cases) => {
      of = cases
      tell(pattern)
    },
    onResult: (pattern, { outcome }) => {
      done++
      if (outcome === 'fail') failed++
      tell(pattern)
    },
  }
}

/** What a case of ours that is defect leaves open is as undecided as the rest. */
function asStored({ pattern, cases }: Conformance): VerifiedPattern {
  return {
    pattern,
    cases: cases.map(({ case: name, outcome, reason }) => {
      return {
        case: name,
        outcome: outcome === 'error' ? 'undecided' : outcome,
        ...(reason !== undefined && { reason }),
      }
    }),
  }
}

async function patternsOf({ cells }: Plan, registry: Registry): Promise<readonly TargetPattern[]> {
  const [deliveries, engines] = [await registry.deliveries(), await registry.engines()]
  // A service of somebody else's is measured, and held to what its scenario says: the contract is not its own.
  const ours = cells.filter(({ ownWork }) => !ownWork)
  const first = new Map(ours.toReversed().map((cell) => [cell.pattern, cell]))
  return [...first.values()].map(({ pattern: name, delivery, engine, tuning }) => {
    return { name, delivery: deliveries.get(delivery)!, engine: engines.get(engine)!, tuning }
  })
}
