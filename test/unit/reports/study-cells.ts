import type { FaultState } from '../../../harness/model/history.ts'
import type { CellPlan } from '../../../harness/model/plan.ts'
import { createRng } from '../../../harness/core/rng.ts'
import { clopperPearson } from '../../../harness/stats/intervals.ts'
import { outcomes } from '../../../harness/model/results.ts'
import { summarizeOverhead } from '../../../harness/verdict/overhead.ts'
import type * as Judged from '../../../harness/model/judgements.ts'
import type * as Store from '../../../harness/model/results.ts'
import { faultsOf, graceMs, loadMs, simulate, timeScale, windows, type Arm, type Model } from './study-tasks.ts'

const callbackArms: ReadonlySet<Arm> = new Set(['receiver-down'])

/** A flat list, so that a cell that does not apply is simply none. */
export function cellOf(model: Model, arm: Arm, block: number, tasks: number): readonly Store.CellResult[] {
  if (callbackArms.has(arm) && model.delivery !== 'webhook') return []
  const n = model.name === 'sync' && arm === 'latency' ? 0 : tasks
  const plan = cellPlan(model, arm, block, n)
  const rows = simulate(plan, createRng(42, plan.id), createRng(42, 'work'))
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
    tuning: 'default',
    profile: 'research-write',
    tasks,
    load: { arrivals: 'poisson', ratePerSec: (tasks * 1000) / loadMs },
    graceMs,
    restartDelayMs: 500,
    replicas: { api: 3, executor: 3 },
    faults: faultsOf(arm),
    health: { pacerLagP99Ms: 5, eventLoopDelayP99Ms: 20 },
    ...(arm === 'latency' &&
      model.delivery === 'webhook' && { untouchedBy: [{ fault: 'slow-poll', reason: 'it never polls' }] }),
  }
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
    overhead: summarizeOverhead([{ cell, tasks: rows }]),
    episodes: arm === 'kill' ? episodesOf(model, rows) : [],
    interruptions: arm === 'kill' ? interruptionsOf(model, rows) : [],
    rework: reworkOf(model, arm, rows),
    requests: requestsOf(model, rows),
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

function proportion(successes: number, n: number): Judged.Proportion {
  return { successes, n, ...(n > 0 && { interval: clopperPearson(successes, n) }), method: 'made up' }
}

function clustered(plain: Judged.Proportion, arm: Arm): Judged.Proportion {
  if (arm !== 'kill' || plain.n === 0) return plain
  const [low, high] = plain.interval!
  const interval = [Math.max(0, low - 0.03), Math.min(1, high + 0.02)] as const
  return { ...plain, interval, faults: 12, method: 'made up over 12 faults' }
}

function countOutcomes(rows: readonly Store.TaskRow[]): Record<Store.Outcome, number> {
  const names = Object.keys(outcomes) as Store.Outcome[]
  const counts = names.map((name) => [name, rows.filter(({ outcome }) => outcome === name).length])
  return Object.fromEntries(counts) as Record<Store.Outcome, number>
}

function episodesOf(model: Model, rows: readonly Store.TaskRow[]): readonly Store.FaultEpisode[] {
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
      ...(!memory && {
        detectionMs: 610 + i,
        taskStallMsMedian: 700,
        taskStallMsMax: 930 + i,
      }),
      interruptedTasks: affected.length,
      wentOnTasks: memory ? 0 : affected.length,
      restored: restoredOf(i),
      reworkedSteps: memory ? 0 : affected.length,
      duplicateEffects: memory ? 0 : Math.floor(affected.length / 2),
    }
  })
}

function restoredOf(firing: number): Store.Restored {
  if (firing === 11) return { kind: 'beyond', ms: 480 }
  if (firing % 5 === 4) return { kind: 'too-few' }
  return firing % 2 === 0 ? { kind: 'unbroken' } : { kind: 'restored', ms: 300 + 40 * firing }
}

function interruptionsOf(model: Model, rows: readonly Store.TaskRow[]): readonly Store.InterruptedTask[] {
  return windows.kill.flatMap(([startedAt], i) => {
    const cut = rows.filter((r) => r.intendedAt < startedAt && r.intendedAt + r.idealMs > startedAt)
    return cut
      .filter((r) => r.ordinal % 3 === i % 3)
      .map(({ task }, k): Store.InterruptedTask => {
        const about = { task, fault: `kill-1#${i}` }
        if (model.delivery === 'sync') return { ...about, by: 'client', afterMs: 240 + 30 * k }
        return model.engine === 'memory' ? about : { ...about, by: 'engine', afterMs: 640 + i + 40 * k }
      })
  })
}

function requestsOf({ delivery }: Model, rows: readonly Store.TaskRow[]): Store.Requests {
  const cut = rows.filter((row) => row.exposed).length
  const reads = delivery === 'polling' ? 60 * rows.length : 0
  const submissions = rows.length + (delivery === 'sync' ? 3 * cut : 0)
  const requests = submissions + reads
  const cuts = delivery === 'sync' ? 3 * cut : 0
  return { tasks: rows.length, submissions, requests, cuts, tasksCut: cuts > 0 ? cut : 0, mostCuts: cuts > 0 ? 3 : 0 }
}

function reworkOf(model: Model, arm: Arm, rows: readonly Store.TaskRow[]): Store.Rework {
  const plannedSteps = rows.length * 12
  const again = arm === 'kill' && model.engine !== 'memory' ? Math.round(rows.length * 0.2) : 0
  return {
    plannedSteps,
    executedSteps: plannedSteps + again,
    duplicateEffects: Math.round(again / 2),
    ratio: plannedSteps === 0 ? 0 : again / plannedSteps,
    ...(plannedSteps > 0 && {
      interval: [0.8 * (again / plannedSteps), 1.3 * (again / plannedSteps) + 0.001] as const,
    }),
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
      target: [
        arm === 'kill' ? { node: `${model.engine === 'memory' ? 'api' : 'worker'}-${i % 3}` } : { link: 'client->api' },
      ],
      state: (unproven ? 'unexercised' : 'healed') satisfies FaultState,
      proven: !unproven,
      ...(arm !== 'kill' && { firings: unproven ? 0 : 17 + i }),
      armedAt: armedAt + 3,
      healedAt: healedAt + 8,
      plannedMs: healedAt - armedAt,
      lastedMs: healedAt - armedAt + 5,
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
    machine: { standstill: { at: 0, ms: 12 }, cores: 4 },
  }
}
