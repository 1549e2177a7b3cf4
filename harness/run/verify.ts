import { discover } from '../core/discover.ts'
import { settleAll } from '../core/settle.ts'
import type { Plan } from '../model/plan.ts'
import type { Delivery, Engine, Runtime } from '../model/types.ts'
import { unmeasuredBy, type Verification, type VerifiedPattern } from '../model/verification.ts'
import { loadCases } from '../conform/suite.ts'
import { conformPattern, type ConformOptions } from './conform.ts'
import type { OnLost } from '../os/heed.ts'
import type { OnProgress } from './progress.ts'
import type { ScenePattern } from './target.ts'

/** A short task takes a second: the contract is the same at every scale. */
const timeScale = 30
/** As many as share a block of the quickstart. */
const sideBySide = 4

export interface VerifyContext {
  /** The run's own temporary folder. */
  readonly temp: string
  /** Where logs of nodes go. */
  readonly logs: string
  readonly runtime: Runtime
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
  /** A part of the harness failed: what cases find then says nothing. */
  readonly onLost?: OnLost
}

/**
 * Hold every pattern of a plan against the quick cases of the contract, on a deployment of its own to which nothing is
 * done. A case must fail twice, the second time alone: a busy machine is no reason to leave a pattern unmeasured.
 */
export async function verifyPatterns(plan: Plan, context: VerifyContext): Promise<Verification> {
  const cases = (await loadCases()).filter(({ quick }) => quick)
  const options = { ...context, cases, timeScale, patient: true }
  const queue = [...(await patternsOf(plan))]
  const done = new Map<string, VerifiedPattern>()
  const work = async (): Promise<void> => {
    for (let one = queue.shift(); one; one = queue.shift()) done.set(one.name, await verify(one, context, options))
  }
  context.onProgress({ kind: 'note', text: `holding ${queue.length} patterns against the contract` })
  // All of them have ended before anybody removes what they use.
  await settleAll(Array.from({ length: sideBySide }, work))
  const names = [...new Set(plan.cells.map(({ pattern }) => pattern))]
  return { version: 1, patterns: names.map((name) => done.get(name)!) }
}

async function verify(
  pattern: ScenePattern,
  { temp, onProgress }: VerifyContext,
  options: ConformOptions,
): Promise<VerifiedPattern> {
  const verified = await conformPattern(pattern, temp, options)
  const [broken] = unmeasuredBy({ version: 1, patterns: [verified] })
  const unsure = verified.cases.find(({ outcome }) => outcome === 'undecided')
  if (broken) onProgress({ kind: 'note', text: `${pattern.name}: ${broken.reason}` })
  else if (unsure) onProgress({ kind: 'note', text: `${pattern.name}: ${unsure.case} is undecided: ${unsure.reason}` })
  return verified
}

async function patternsOf({ cells }: Plan): Promise<readonly ScenePattern[]> {
  const folder = new URL('../../patterns/', import.meta.url)
  const deliveries = await discover<Delivery>(new URL('deliveries/', folder), 'delivery')
  const engines = await discover<Engine>(new URL('engines/', folder), 'engine')
  const first = new Map(cells.toReversed().map((cell) => [cell.pattern, cell]))
  return [...first.values()].map(({ pattern: name, delivery, engine, tuning }) => {
    return { name, delivery: deliveries.get(delivery)!, engine: engines.get(engine)!, tuning }
  })
}
