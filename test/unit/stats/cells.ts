import type { CellPlan, PlannedFault } from '../../../harness/model/plan.ts'

/** A cell's plan with what a test does not care about filled in. */
export function cellPlan(over: Partial<CellPlan> = {}): CellPlan {
  return {
    id: 'a.none.1',
    block: 1,
    pattern: 'a',
    delivery: 'polling',
    engine: 'memory',
    promises: [],
    arm: 'none',
    repetition: 1,
    seed: 1,
    timeScale: 1,
    tuning: 'default',
    profile: 'research-write',
    tasks: 1,
    load: { arrivals: 'poisson', ratePerSec: 1 },
    graceMs: 100,
    restartDelayMs: 100,
    replicas: { api: 1, executor: 1 },
    faults: [],
    health: { pacerLagP99Ms: 5, eventLoopDelayP99Ms: 20 },
    ...over,
  }
}

export function plannedFault(over: Partial<PlannedFault>): PlannedFault {
  return {
    id: 'kill-1#1',
    fault: 'kill',
    target: { kind: 'node', role: 'executor', ordinal: 0 },
    trigger: { kind: 'time', atMs: 0 },
    durationMs: 100,
    params: {},
    seed: 1,
    ...over,
  }
}
