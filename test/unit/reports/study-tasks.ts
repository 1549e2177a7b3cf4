import type { CellPlan, PlannedFault } from '../../../harness/model/plan.ts'
import type { Promised } from '../../../patterns/contract/types/promises.ts'
import type { Rng } from '../../../harness/core/rng.ts'
import type * as Store from '../../../harness/model/results.ts'

export interface Model {
  readonly name: string
  readonly delivery: string
  readonly engine: string
  readonly promises: readonly Promised[]
  readonly overheadMs: number
}
const durable: readonly Promised[] = ['no-lost-task', 'effect-once', 'idempotency', 'no-phantom', 'state-machine']
export const patterns: readonly Model[] = [
  { name: 'sync', delivery: 'sync', engine: 'memory', promises: ['no-phantom'], overheadMs: 4 },
  { name: 'webhook', delivery: 'webhook', engine: 'memory', promises: ['no-phantom'], overheadMs: 9 },
  { name: 'polling', delivery: 'polling', engine: 'memory', promises: ['no-phantom', 'idempotency'], overheadMs: 26 },
  {
    name: 'sse-polling',
    delivery: 'sse-polling',
    engine: 'memory',
    promises: ['no-phantom', 'stream-continuity'],
    overheadMs: 7,
  },
  { name: 'durable-postgres', delivery: 'sse-polling', engine: 'postgres', promises: durable, overheadMs: 21 },
  { name: 'durable-restate', delivery: 'sse-polling', engine: 'restate', promises: durable, overheadMs: 34 },
]
export const arms = ['none', 'kill', 'receiver-down', 'idle-timeout', 'latency'] as const
export type Arm = (typeof arms)[number]

export const timeScale = 100
export const loadMs = 60_000
export const graceMs = 1_200
export const windows: Readonly<Record<Arm, readonly (readonly [number, number])[]>> = {
  none: [],
  kill: Array.from({ length: 12 }, (_, i) => [4_000 + i * 4_700, 4_500 + i * 4_700] as const),
  'receiver-down': [[18_000, 24_000]],
  'idle-timeout': [[0, 63_000]],
  latency: [
    [15_000, 25_000],
    [20_000, 40_000],
  ],
}

export function faultsOf(arm: Arm): readonly PlannedFault[] {
  return windows[arm].map(([from, until], i) => ({
    id: `${arm}-1#${i}`,
    fault: arm,
    target:
      arm === 'kill'
        ? { kind: 'node' as const, role: 'executor' as const, ordinal: i % 3 }
        : { kind: 'link' as const, link: 'client->api' as const, ordinal: 'all' as const },
    trigger: { kind: 'time' as const, atMs: from },
    durationMs: until - from,
    params: {},
    seed: i,
  }))
}

/** `work` draws what every cell has alike: arrivals and durations. */
export function simulate(cell: CellPlan, rng: Rng, work: Rng): readonly Store.TaskRow[] {
  let intendedAt = 0
  return Array.from({ length: cell.tasks }, (_, ordinal) => {
    intendedAt += work.exponential(loadMs / cell.tasks)
    return taskRow(cell, { ordinal, intendedAt, idealMs: 2_400 + 1_200 * work.next() }, rng)
  })
}

type Work = Pick<Store.TaskRow, 'ordinal' | 'intendedAt' | 'idealMs'>

function taskRow(cell: CellPlan, { ordinal, intendedAt, idealMs }: Work, rng: Rng): Store.TaskRow {
  const doneAt = intendedAt + idealMs
  const hits = windows[cell.arm as Arm].flatMap(([from, until], i) => {
    const inFlight = from < doneAt && until > intendedAt
    return inFlight && (cell.arm !== 'kill' || ordinal % 3 === i % 3) ? [{ from, until }] : []
  })
  const outcome = hits.length > 0 ? struck(cell, doneAt, hits[0]!, rng) : 'ok'
  const base = patterns.find(({ name }) => name === cell.pattern)!.overheadMs
  const stallMs = hits.length > 0 && cell.arm === 'kill' ? 550 + 400 * rng.next() : 0
  const slowMs = hits.length > 0 && cell.arm === 'latency' ? 80 + rng.exponential(60) : 0
  const overheadMs = base * (0.6 + rng.exponential(0.5)) + stallMs + slowMs
  const seen = ['ok', 'late'].includes(outcome)
  const late = outcome === 'late' ? graceMs : 0
  return {
    ordinal,
    task: `t-${String(ordinal).padStart(5, '0')}`,
    intendedAt: round(intendedAt),
    idealMs: round(idealMs),
    ...(seen && { seenAt: round(doneAt + overheadMs + late), via: cell.delivery === 'sync' ? 'response' : 'stream' }),
    outcome,
    exposed: hits.length > 0,
  }
}

/** What each model loses when a fault meets a task. */
function struck(cell: CellPlan, doneAt: number, hit: { from: number; until: number }, rng: Rng): Store.Outcome {
  const memory = cell.engine === 'memory'
  if (cell.arm === 'kill' && memory) return cell.delivery === 'webhook' ? 'lost_everywhere' : 'failed_known'
  if (cell.arm === 'kill' && cell.engine === 'restate') return rng.next() < 0.02 ? 'late' : 'ok'
  if (cell.arm === 'receiver-down') return doneAt > hit.from && doneAt < hit.until ? 'lost_result' : 'ok'
  if (cell.arm === 'idle-timeout' && cell.delivery === 'sync') return rng.next() < 0.93 ? 'failed_known' : 'ok'
  if (cell.arm === 'idle-timeout' && cell.pattern === 'polling' && rng.next() < 0.01) return 'stuck'
  if (cell.arm === 'latency' && rng.next() < 0.01) return 'wrong'
  return 'ok'
}

export function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
