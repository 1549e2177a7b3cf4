import type { CellPlan, Plan } from '../../../harness/model/plan.ts'
import { summarizeRecovery } from '../../../harness/verdict/recovery.ts'
import type * as Judged from '../../../harness/model/judgements.ts'
import type * as Store from '../../../harness/model/results.ts'
import { compareWithFirst } from '../../../harness/verdict/compare.ts'
import { cellOf } from './study-cells.ts'
import { arms, patterns, timeScale } from './study-tasks.ts'

/**
 * A made-up study for looking at reports: small seeded models of six patterns under five arms. It has every verdict
 * and outcome, a cell that does not apply, one without tasks, unresolved percentiles and clustered intervals.
 * Its numbers are fiction and prove nothing; but what is said of them follows from them.
 */
export function study(tasks: number): Store.RunResults {
  const cells = arms.flatMap((arm, block) => patterns.flatMap((pattern) => cellOf(pattern, arm, block, tasks)))
  const plan = planOf(cells.map(({ cell }) => cell))
  return {
    version: 4,
    run: '20260413T140500Z-fiction-42',
    plan,
    environment,
    verification: { version: 1, patterns: [] },
    cells,
    recovery: summarizeRecovery(cells),
    claims: claimsOf(cells),
    comparisons: compareWithFirst(plan, cells),
    gates: gatesOf(cells),
    verdict: 'FAIL',
    reasons: [
      'durable-restate.kill.1: effect-once is promised and broken: 3 steps were executed again',
      'polling.latency.1: the harness was sick: pacer lag p99 31.0 ms, allowed 5.0 ms',
      'gate durable-postgres/kill success >= 0.999 is inconclusive: 3,688 tasks would settle it',
    ],
  }
}

function claimsOf(cells: readonly Store.CellResult[]): readonly Judged.Claim[] {
  const source = 'TechBytes 2026'
  const published = [
    { pattern: 'webhook', success: 0.6, predicted: 0.8838, verdict: 'consistent' },
    { pattern: 'sse-polling', success: 0.3, predicted: 0.9422, verdict: 'refuted' },
    { pattern: 'durable-restate', success: 0.9998, predicted: 1, verdict: 'underpowered' },
  ] as const
  const success = published.map(({ pattern, success: value, predicted, verdict }): Judged.Claim => {
    const cell = cells.find((found) => found.cell.pattern === pattern && found.cell.arm === 'kill')!
    const { successes, n, interval } = cell.success
    const note = verdict === 'underpowered' ? '18,443 clean tasks would be needed' : 'same failure model'
    const measured = successes / Math.max(n, 1)
    const at = { pattern, arm: 'kill', source, n }
    return { ...at, metric: 'success', published: value, predicted, measured, interval: interval!, verdict, note }
  })
  const note = 'timeScale is 100: milliseconds do not scale'
  const overhead = { pattern: 'webhook', arm: 'none', source, metric: 'overhead', published: 50, n: 0 } as const
  return [...success, { ...overhead, verdict: 'not-comparable', note }]
}

function gatesOf(cells: readonly Store.CellResult[]): readonly Judged.GateResult[] {
  const wanted = [
    { pattern: 'durable-postgres', min: 0.6, verdict: 'PASS' },
    { pattern: 'durable-postgres', min: 0.999, verdict: 'INCONCLUSIVE', needed: { tasks: 3_688 } },
    { pattern: 'webhook', min: 0.99, verdict: 'FAIL' },
  ] as const
  return wanted.map(({ pattern, min, verdict, ...rest }) => {
    const { success } = cells.find(({ cell }) => cell.pattern === pattern && cell.arm === 'kill')!
    const gate = { pattern, arm: 'kill', metric: 'success', min } as const
    const observed = success.successes / Math.max(success.n, 1)
    return { gate, observed, interval: success.interval!, n: success.n, verdict, ...rest }
  })
}

function planOf(cells: readonly CellPlan[]): Plan {
  const others = patterns.filter(({ delivery }) => delivery !== 'webhook')
  return {
    version: 4,
    scenario: 'fiction',
    question: 'Which pattern outlasts a killed executor, an idle limit, a receiver that is down and a slow network?',
    seed: 42,
    timeScale,
    runtime: 'process',
    cells,
    notApplicable: [
      ...others.map(({ name }) => ({
        pattern: name,
        arm: 'receiver-down',
        reason: `${name} posts no callback: there is no receiver to take down`,
      })),
      ...patterns.flatMap(({ name }) => [beyond(name, 'drop', 'packet-filter'), beyond(name, 'edge-60', 'edge')]),
    ],
    gates: [],
    published: [],
    health: { pacerLagP99Ms: 5, eventLoopDelayP99Ms: 20 },
  }
}

function beyond(pattern: string, arm: string, need: string): Plan['notApplicable'][number] {
  const reason = `${arm}-1 needs "${need}", which the runtime process does not offer`
  return { pattern, arm, reason, runtime: { lacks: [need], instead: ['docker'] } }
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
  runtime: { engine: 'Fictional Engine 1.2' },
  deviations: ['the checkout had uncommitted changes: its commit does not say what was run'],
}
