import { machineLimits } from '../../harness/model/machine.ts'
import type { CellPlan, PlannedFault } from '../../harness/model/plan.ts'
import type { Promised } from '../../patterns/contract/types/promises.ts'

/** A run to imagine: a correct system of this kind, under kills of its executors. */
export interface Imagined {
  readonly delivery: 'webhook' | 'polling' | 'sse-polling'
  readonly engine: 'memory' | 'durable'
  readonly tasks: number
  /** Kills of executor `ordinal` at that time. Each node is away for `downMs`. */
  readonly kills: readonly { readonly ordinal: number; readonly atMs: number }[]
  readonly seed: number
}

export const graceMs = 1500
export const downMs = 400
/** After so much silence a durable engine gives an executor's work to another. */
export const leaseMs = 300
export const replicas = 4
export const ratePerSec = 40

const always: readonly Promised[] = ['no-phantom', 'state-machine', 'result-integrity', 'effect-at-least-once']

/** The plan that such a run would have had. */
export function planCell({ delivery, engine, tasks, kills, seed }: Imagined): CellPlan {
  const streams: readonly Promised[] = delivery === 'sse-polling' ? ['stream-continuity'] : []
  const posts: readonly Promised[] = delivery === 'webhook' ? ['callback-identity'] : []
  const keeps: readonly Promised[] = ['no-lost-task', 'effect-once', 'idempotency']
  const arm = kills.length > 0 ? 'kill' : 'none'
  return {
    id: `${delivery}-${engine}.${arm}.1`,
    block: 1,
    pattern: `${delivery}-${engine}`,
    delivery,
    engine,
    promises: [...always, ...streams, ...posts, ...(engine === 'durable' && delivery !== 'webhook' ? keeps : [])],
    axes: {
      delivery: [...always, ...streams, ...posts, ...(delivery === 'webhook' ? [] : keeps)],
      engine: [...always, ...streams, ...posts, ...(engine === 'durable' ? keeps : [])],
    },
    arm,
    repetition: 1,
    seed,
    timeScale: 300,
    tuning: 'default',
    ...(engine === 'durable' && { patienceMs: leaseMs }),
    profile: 'research-write',
    tasks,
    load: { arrivals: 'poisson', ratePerSec },
    graceMs,
    restartDelayMs: downMs,
    replicas: { api: replicas, executor: replicas },
    faults: kills.map(planKill),
    health: { pacerLagP99Ms: 5, eventLoopDelayP99Ms: 20, machine: machineLimits({ watchdogMs: 500 })! },
  }
}

function planKill({ ordinal, atMs }: Imagined['kills'][number], i: number): PlannedFault {
  return {
    id: `kill-1#${i + 1}`,
    fault: 'kill',
    target: { kind: 'node', role: 'executor', ordinal },
    trigger: { kind: 'time', atMs },
    durationMs: downMs,
    params: {},
    seed: i,
  }
}
