import type { CellPlan } from '../model/plan.ts'
import type { Rng } from '../core/rng.ts'

/**
 * The intended start of every task, in milliseconds since the load began: fixed before the run, whatever the
 * system does (open loop). `poisson` has exponential gaps, `uniform` equal ones; both start at the first gap's end.
 */
export function planArrivals(load: CellPlan['load'], tasks: number, rng: Rng): readonly number[] {
  const meanGapMs = 1000 / load.ratePerSec
  const times: number[] = []
  let at = 0
  for (let n = 0; n < tasks; n++) {
    at += load.arrivals === 'poisson' ? rng.exponential(meanGapMs) : meanGapMs
    times.push(at)
  }
  return times
}
