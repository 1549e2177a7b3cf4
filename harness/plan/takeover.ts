import type { PlannedFault } from '../model/plan.ts'
import { timeoutsAt } from '../../patterns/contract/types/timeouts.ts'
import type { CatalogPattern, WorkProfile } from '../scenario/catalog.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { countNodes } from '../scenario/topology.ts'

/**
 * What one takeover costs a task beyond its ideal duration, at the longest, in real milliseconds: until another
 * node goes on with it, by the engine's timeouts; the time in which its node is away, where tasks wait for that node; and
 * what is done again, the longest step or all of it. Undefined where no fault takes executors away, or no node goes on.
 */
export function takeoverCostMs(
  pattern: CatalogPattern,
  { timeScale, replicas }: Pick<Scenario, 'timeScale' | 'replicas'>,
  faults: readonly PlannedFault[],
  work: WorkProfile,
): number | undefined {
  const { engine, tuning } = pattern
  const harmful = faults.filter(({ target }) => target.kind === 'node' && isExecutor(target.role))
  if (harmful.length === 0 || !engine.takeover) return undefined
  const stepMs = work.longestStepMs / timeScale
  const { earliestMs, latestMs } = engine.takeover(timeoutsAt(engine.timeouts, { tuning, timeScale }), stepMs)
  const waits = earliestMs === 0 || countNodes(pattern, 'executor', replicas) === 1
  const awayMs = waits ? Math.max(...harmful.map(({ durationMs }) => durationMs)) : 0
  const againMs = engine.promises.includes('effect-once') ? stepMs : work.idealMs / timeScale
  return Math.round(awayMs + latestMs + againMs)
}

/**
 * How long an executor may be silent before another node may get its work, in real milliseconds, at the earliest. Undefined
 * where the engine does not declare it, or notices an end by the connection and not by silence.
 */
export function patienceMsOf(
  { engine, tuning }: CatalogPattern,
  { timeScale }: Pick<Scenario, 'timeScale'>,
  work: WorkProfile,
): number | undefined {
  const at = timeoutsAt(engine.timeouts, { tuning, timeScale })
  const silentMs = engine.patience?.(at) ?? engine.takeover?.(at, work.longestStepMs / timeScale).earliestMs
  return silentMs !== undefined && silentMs > 0 && Number.isFinite(silentMs) ? Math.round(silentMs) : undefined
}

function isExecutor(role: string): boolean {
  return role === 'executor' || role === 'worker'
}
