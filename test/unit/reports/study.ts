import type { FaultState } from '../../../harness/core/history.ts'
import type { CellPlan, Plan, PlannedFault } from '../../../harness/core/plan.ts'
import type { Promised } from '../../../harness/core/promises.ts'
import { createRng, type Rng } from '../../../harness/core/rng.ts'
import { outcomes } from '../../../harness/store/schema.ts'
import type * as Store from '../../../harness/store/schema.ts'

/**
 * A made-up study for looking at reports: small seeded models of six patterns under five arms, with every verdict,
 * a cell that does not apply, one without tasks, unresolved percentiles, clustered intervals and every outcome.
 * Its numbers are fiction and prove nothing; intervals are Wilson's throughout.
 */
export function study(tasks: number): Store.RunResults {
  const cells = arms.flatMap((arm, block) => patterns.flatMap((pattern) => cellOf(pattern, arm, block, tasks)))
  return {
    version: 1,
    run: '20260413T140500Z-fiction-42',
    plan: planOf(cells.map(({ cell }) => cell)),
    environment,
    cells,
    claims: claimsOf(cells),
    gates: gatesOf(cells),
    verdict: 'FAIL',
    reasons: [
      'durable-restate.kill.1: effect-once is promised and broken: 3 steps were executed again',
      'polling.latency.1: the harness was sick: pacer lag p99 31.0 ms, allowed 5.0 ms',
      'gate durable-postgres/kill success >= 0.999 is inconclusive: 2,995 tasks would settle it',
    ],
  }
}

interface Model {
  readonly name: string
  readonly delivery: string
  readonly engine: string
  readonly promises: readonly Promised[]
  readonly overheadMs: number
}
const durable: readonly Promised[] = ['no-lost-task', 'effect-once', 'idempotency', 'no-phantom', 'state-machine']
const patterns: readonly Model[] = [
  { name: 'sync', delivery: 'sync', engine: 'memory', promises: ['no-phantom'], overheadMs: 4 },
  { name: 'webhook', delivery: 'webhook', engine: 'memory', promises: ['no-phantom'], overheadMs: 9 },
  { name: 'polling', delivery: 'polling', engine: 'memory', promises: ['no-phantom', 'idempotency'], overheadMs: 26 },
  {
    name: 'sse-polling',
    delivery: 'sse-polling',
    engine: 'memory',
    promises: ['no-phantom', 'sse-continuity'],
    overheadMs: 7,
  },
  { name: 'durable-postgres', delivery: 'sse-polling', engine: 'postgres', promises: durable, overheadMs: 21 },
  { name: 'durable-restate', delivery: 'sse-polling', engine: 'restate', promises: durable, overheadMs: 34 },
]
const arms = ['none', 'kill', 'receiver-down', 'idle-timeout', 'latency'] as const
type Arm = (typeof arms)[number]

const timeScale = 100
const loadMs = 60_000
const graceMs = 1_200
const callbackArms: readonly Arm[] = ['receiver-down']

/** A flat list, so that a cell that does not apply is simply none. */
function cellOf(model: Model, arm: Arm, block: number, tasks: number): readonly Store.CellResult[] {
  if (callbackArms.includes(arm) && model.delivery !== 'webhook') return []
  const n = model.name === 'sync' && arm === 'latency' ? 0 : tasks
  const plan = cellPlan(model, arm, block, n)
  const rows = simulate(plan, createRng(42, plan.id))
  return [judge(plan, model, arm, rows)]
}

function cellPlan(model: Model, arm: Arm, block: number, tasks: number): CellPlan {
  return {
    id: `${model.name}.${arm}.1`,
    block,
    pattern: model.name,
    delivery: model.delivery,
    engine: model.engine,
    promises: model.promises,
    arm,
    repetition: 1,
    seed: 42,
    timeScale,
    profile: 'research-write',
    tasks,
    load: { arrivals: 'poisson', ratePerSec: (tasks * 1000) / loadMs },
    graceMs,
    restartDelayMs: 500,
    replicas: { api: 3, executor: 3 },
    faults: faultsOf(arm),
    health: { pacerLagP99Ms: 5, eventLoopDelayP99Ms: 20 },
  }
}

const windows: Readonly<Record<Arm, readonly (readonly [number, number])[]>> = {
  none: [],
  kill: Array.from({ length: 12 }, (_, i) => [4_000 + i * 4_700, 4_500 + i * 4_700] as const),
  'receiver-down': [[18_000, 24_000]],
  'idle-timeout': [[0, 63_000]],
  latency: [
    [15_000, 25_000],
    [20_000, 40_000],
  ],
}

function faultsOf(arm: Arm): readonly PlannedFault[] {
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

function simulate(cell: CellPlan, rng: Rng): readonly Store.TaskRow[] {
  let intendedAt = 0
  return Array.from({ length: cell.tasks }, (_, ordinal) => {
    intendedAt += rng.exponential(loadMs / cell.tasks)
    return taskRow(cell, ordinal, intendedAt, rng)
  })
}

function taskRow(cell: CellPlan, ordinal: number, intendedAt: number, rng: Rng): Store.TaskRow {
  const idealMs = 2_400 + 1_200 * rng.next()
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
  const seen = ['ok', 'late', 'wrong'].includes(outcome)
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

function judge(cell: CellPlan, model: Model, arm: Arm, rows: readonly Store.TaskRow[]): Store.CellResult {
  const ok = rows.filter(({ outcome }) => outcome === 'ok').length
  const exposed = rows.filter((row) => row.exposed)
  const server = rows.filter(({ outcome }) => ['ok', 'late', 'lost_result', 'wrong'].includes(outcome)).length
  const [verdict, reasons] = verdictOf(model, arm)
  return {
    cell,
    verdict,
    reasons,
    outcomes: countOutcomes(rows),
    success: clustered(proportion(ok, rows.length), arm),
    ...(exposed.length > 0 && {
      exposed: proportion(exposed.filter(({ outcome }) => outcome === 'ok').length, exposed.length),
    }),
    serverSuccess: proportion(server, rows.length),
    overhead: overheadOf(rows),
    episodes: arm === 'kill' ? episodesOf(model, rows) : [],
    rework: reworkOf(model, arm, rows),
    checks: checksOf(model, arm),
    faults: faultResults(model, arm),
    ...(arm !== 'idle-timeout' && { health: healthOf(verdict) }),
    tasks: rows,
  }
}

function verdictOf(model: Model, arm: Arm): readonly [Store.RunVerdict, readonly string[]] {
  if (model.name === 'durable-restate' && arm === 'kill')
    return ['FAIL', ['effect-once is promised and broken: 3 steps were executed again']]
  if (model.name === 'polling' && arm === 'latency')
    return ['INVALID', ['the harness was sick: pacer lag p99 31.0 ms, allowed 5.0 ms']]
  if (model.name === 'durable-postgres' && arm === 'latency')
    return ['INCONCLUSIVE', ['latency-1#1 is not proven: unexercised, no connection was open']]
  if (model.name === 'sync' && arm === 'latency') return ['INCONCLUSIVE', ['no task was offered']]
  return ['PASS', []]
}

function proportion(successes: number, n: number): Store.Proportion {
  const [z2, p] = [1.96 ** 2, n === 0 ? 0 : successes / n]
  const middle = (p + z2 / (2 * n)) / (1 + z2 / n)
  const half = (1.96 * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n))) / (1 + z2 / n)
  const interval: [number, number] = n === 0 ? [0, 1] : [Math.max(0, middle - half), Math.min(1, middle + half)]
  return { successes, n, wilson: interval, clopperPearson: interval }
}

function clustered(plain: Store.Proportion, arm: Arm): Store.Proportion {
  if (arm !== 'kill' || plain.n === 0) return plain
  const [low, high] = plain.wilson
  const interval = [Math.max(0, low - 0.03), Math.min(1, high + 0.02)] as const
  return { ...plain, clustered: { interval, clusters: 12, method: 'bootstrap over fault episodes' } }
}

function overheadOf(rows: readonly Store.TaskRow[]): Store.Overhead {
  const late = rows.map((row) => (row.seenAt === undefined ? Infinity : row.seenAt - row.intendedAt - row.idealMs))
  const sorted = late.toSorted((a, b) => a - b)
  const at = (q: number): number | null => {
    const value = sorted[Math.ceil(q * sorted.length) - 1] ?? Infinity
    return Number.isFinite(value) ? round(value) : null
  }
  const enough = { p50: 6, p95: 72, p99: 368 }
  const tooFew = (['p50', 'p95', 'p99'] as const).filter((name) => rows.length < enough[name])
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), n: rows.length, quotable: false, tooFew }
}

function countOutcomes(rows: readonly Store.TaskRow[]): Record<Store.Outcome, number> {
  const names = Object.keys(outcomes) as Store.Outcome[]
  const counts = names.map((name) => [name, rows.filter(({ outcome }) => outcome === name).length])
  return Object.fromEntries(counts) as Record<Store.Outcome, number>
}

function episodesOf(model: Model, rows: readonly Store.TaskRow[]): readonly Store.Episode[] {
  return windows.kill.map(([startedAt, endedAt], i) => {
    const inFlight = rows.filter((r) => r.intendedAt < startedAt && r.intendedAt + r.idealMs > startedAt)
    const affected = inFlight.filter((r) => r.ordinal % 3 === i % 3)
    const memory = model.engine === 'memory'
    return {
      fault: `kill-1#${i}`,
      startedAt,
      endedAt,
      affectedTasks: affected.length,
      lostTasks: memory ? affected.length : 0,
      ...(!memory && { detectionMs: 610 + i, taskStallMsMedian: 700, taskStallMsMax: 930 + i }),
      ...(!memory && i < 11 && { recoveryMs: 1_300 + 40 * i, drainMs: 900 }),
      reworkedSteps: memory ? 0 : affected.length,
      duplicateEffects: memory ? 0 : Math.floor(affected.length / 2),
    }
  })
}

function reworkOf(model: Model, arm: Arm, rows: readonly Store.TaskRow[]): Store.Rework {
  const plannedSteps = rows.length * 12
  const again = arm === 'kill' && model.engine !== 'memory' ? Math.round(rows.length * 0.2) : 0
  return {
    plannedSteps,
    executedSteps: plannedSteps + again,
    duplicateEffects: Math.round(again / 2),
    ratio: plannedSteps === 0 ? 0 : again / plannedSteps,
    wastedMs: again * 130,
  }
}

function checksOf(model: Model, arm: Arm): readonly Store.CheckResult[] {
  const kept = { status: 'pass', summary: 'no violation', counts: { tasks: 40 }, witnesses: [] } as const
  const broken = model.name === 'durable-restate' && arm === 'kill'
  const lost = model.engine === 'memory' && arm === 'kill'
  const judged = (['no-lost-task', 'effect-once', 'no-phantom'] as const).map((name) => ({
    ...kept,
    checker: name,
    judges: name,
    promised: model.promises.includes(name),
    ...(name === 'effect-once' &&
      broken && { status: 'fail' as const, summary: '3 steps were executed again', witnesses: [211, 389, 402] }),
    ...(name === 'no-lost-task' && lost && { status: 'fail' as const, summary: 'accepted tasks had no end' }),
  }))
  const vacuous = { status: 'unknown', summary: 'latency-1#1 was never exercised' } as const
  const unproven = arm === 'latency' && model.name === 'durable-postgres'
  return [...judged, { ...kept, checker: 'anti-vacuity', promised: false, ...(unproven && vacuous) }]
}

function faultResults(model: Model, arm: Arm): readonly Store.FaultResult[] {
  return windows[arm].map(([armedAt, healedAt], i) => {
    const unproven = model.name === 'durable-postgres' && arm === 'latency' && i === 1
    return {
      id: `${arm}-1#${i}`,
      fault: arm,
      target: arm === 'kill' ? `node ${model.engine === 'memory' ? 'api' : 'worker'}-${i % 3}` : 'link client->api',
      state: (unproven ? 'unexercised' : 'healed') satisfies FaultState,
      proven: !unproven,
      ...(arm !== 'kill' && { firings: unproven ? 0 : 17 + i }),
      armedAt: armedAt + 3,
      healedAt: healedAt + 8,
      ...(unproven && { reason: 'no connection was open' }),
    }
  })
}

function healthOf(verdict: Store.RunVerdict): NonNullable<Store.CellResult['health']> {
  const pacerLagP99Ms = verdict === 'INVALID' ? 31 : 0.8
  return {
    pacerLagP99Ms,
    pacerLagMaxMs: 41,
    eventLoopDelayP99Ms: 3.2,
    notOffered: 0,
    cpuShare: 0.21,
    ledgerGaps: 0,
  }
}

function claimsOf(cells: readonly Store.CellResult[]): readonly Store.Claim[] {
  const source = 'TechBytes 2026'
  const published = [
    { pattern: 'webhook', success: 0.884, predicted: 0.8838, verdict: 'consistent' },
    { pattern: 'sse-polling', success: 0.942, predicted: 0.9422, verdict: 'refuted' },
    { pattern: 'durable-restate', success: 0.9998, predicted: 1, verdict: 'underpowered' },
  ] as const
  const success = published.map(({ pattern, success: value, predicted, verdict }): Store.Claim => {
    const cell = cells.find((found) => found.cell.pattern === pattern && found.cell.arm === 'kill')!
    const { successes, n, wilson } = cell.success
    const note = verdict === 'underpowered' ? '14,978 clean tasks would be needed' : 'same failure model'
    const measured = successes / Math.max(n, 1)
    const at = { pattern, arm: 'kill', source, n }
    return { ...at, metric: 'success', published: value, predicted, measured, interval: wilson, verdict, note }
  })
  const note = 'timeScale is 100: milliseconds do not scale'
  const overhead = { pattern: 'webhook', arm: 'none', source, metric: 'overhead', published: 50, n: 0 } as const
  return [...success, { ...overhead, verdict: 'not-comparable', note }]
}

function gatesOf(cells: readonly Store.CellResult[]): readonly Store.GateResult[] {
  const wanted = [
    { pattern: 'durable-postgres', min: 0.95, verdict: 'PASS' },
    { pattern: 'durable-postgres', min: 0.999, verdict: 'INCONCLUSIVE', needed: 2_995 },
    { pattern: 'webhook', min: 0.99, verdict: 'FAIL' },
  ] as const
  return wanted.map(({ pattern, min, verdict, ...rest }) => {
    const { success } = cells.find(({ cell }) => cell.pattern === pattern && cell.arm === 'kill')!
    const gate = { pattern, arm: 'kill', metric: 'success', min } as const
    const observed = success.successes / Math.max(success.n, 1)
    return { gate, observed, interval: success.wilson, n: success.n, verdict, ...rest }
  })
}

function planOf(cells: readonly CellPlan[]): Plan {
  const others = patterns.filter(({ delivery }) => delivery !== 'webhook')
  return {
    version: 1,
    scenario: 'fiction',
    question: 'Which pattern outlasts a killed executor, an idle limit, a receiver that is down and a slow network?',
    seed: 42,
    timeScale,
    runtime: 'process',
    cells,
    notApplicable: others.map(({ name }) => ({
      pattern: name,
      arm: 'receiver-down',
      reason: `${name} posts no callback: there is no receiver to take down`,
    })),
    gates: [],
    published: [],
    health: { pacerLagP99Ms: 5, eventLoopDelayP99Ms: 20 },
  }
}

const environment: Store.Environment = {
  startedAt: '2026-04-13T14:05:00.000Z',
  outlast: '0.1.0',
  commit: '9e17e3a0c5d84f6b8a2b7f3c1d0e9f8a7b6c5d4e',
  dirty: true,
  node: 'v24.21.0',
  platform: 'linux x64',
  kernel: '6.18.1',
  cpu: 'Fictional CPU @ 2.40GHz',
  cores: 2,
  memoryBytes: 8_589_934_592,
  versions: { hono: '4.13.19', pg: '8.23.1' },
  deviations: ['the checkout had uncommitted changes: its commit does not say what was run'],
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
