import { describe, expect, test } from 'vitest'
import type { Gate } from '../../../harness/model/plan.ts'
import type { GateResult } from '../../../harness/model/judgements.ts'
import type { RunResults } from '../../../harness/model/results.ts'
import { openRegistry } from '../../../harness/registry.ts'
import { annotationsOf } from '../../../reports/annotations.ts'
import { gateInterval, gateLimit, gateObserved, gateVerdict } from '../../../reports/gates.ts'
import { stepSummary } from '../../../reports/step-summary.ts'
import { study } from './study.ts'

const formats = await openRegistry().formats()
const about = { pattern: 'durable-postgres', arm: 'kill' } as const

function gate(over: Omit<Gate, 'pattern' | 'arm'>, judged: Partial<GateResult>): GateResult {
  return { gate: { ...about, ...over }, observed: 0.5, n: 300, verdict: 'PASS', ...judged }
}

/** The same study, as if it were judged by these gates alone and nothing else were wrong. */
function withGates(...gates: readonly GateResult[]): RunResults {
  const { plan, ...results } = study(12)
  const cells = results.cells.filter(({ cell, verdict }) => cell.pattern === about.pattern && verdict === 'PASS')
  const own = { ...plan, cells: cells.map(({ cell }) => cell), notApplicable: [], gates: gates.map((one) => one.gate) }
  const reasons = gates.filter(({ verdict }) => verdict !== 'PASS').map(() => 'a gate does not hold')
  return {
    ...results,
    plan: own,
    cells,
    gates,
    verdict: 'PASS',
    reasons,
    claims: [],
    comparisons: [],
    recovery: [],
    folder: 'runs/x',
  }
}

const warned = gate({ metric: 'lost', max: 0.01, severity: 'warn' }, { verdict: 'FAIL', interval: [0.4, 0.6] })
const allowed = gate(
  { metric: 'late', max: 0.01, onInconclusive: 'pass' },
  { verdict: 'INCONCLUSIVE', observed: 0.005, interval: [0, 0.02] },
)
const forced = gate(
  { metric: 'restored', max: 2000, onInconclusive: 'fail' },
  { verdict: 'INCONCLUSIVE', observed: 900, interval: [500, null], n: 12 },
)

test('figures are in the unit of their metric', () => {
  expect([gateLimit(warned.gate), gateObserved(warned), gateInterval(warned)]).toEqual([
    '≤ 1.0%',
    '50.0%',
    '[40.0%, 60.0%]',
  ])
  expect([gateLimit(forced.gate), gateObserved(forced), gateInterval(forced)]).toEqual([
    '≤ 2.00 s',
    '900 ms',
    '[500 ms, ∞]',
  ])
  const points = gate(
    { metric: 'regression', max: 0.02, confidence: 0.99 },
    { observed: -0.013, interval: [-0.03, 0.01] },
  )
  expect([gateLimit(points.gate), gateObserved(points), gateInterval(points)]).toEqual([
    '≤ 2 points',
    '-1.3 points',
    '[-3 points, 1 points] at 99.0%',
  ])
  const nothing = gate({ metric: 'overhead p50', max: 5 }, { observed: null, n: 0, note: 'why' })
  expect([gateObserved(nothing), gateInterval(nothing)]).toEqual(['–', '–'])
})

test('a verdict says why the run makes something else of it', () => {
  expect([warned, allowed, forced].map(gateVerdict)).toEqual([
    'FAIL (severity: warn)',
    'INCONCLUSIVE (allowed by onInconclusive: pass)',
    'INCONCLUSIVE (onInconclusive: fail)',
  ])
})

describe('a FAIL that only warns', () => {
  const results = withGates(warned, gate({ metric: 'success', min: 0.2 }, {}))

  test.each(['terminal', 'markdown', 'html'])(
    'is shown as one by %s, which does not say that every gate holds',
    (name) => {
      const text = formats.get(name)!.render(results)
      expect(text).toContain('severity: warn')
      expect(text).not.toContain('every gate holds')
      expect(text).toContain('1 of 2 gates holds, and 1 does not count (severity, onInconclusive)')
    },
  )

  test('is a warning in the summary, an annotation of its level, and skipped in JUnit', () => {
    expect(stepSummary(results, 100_000)).toContain('FAIL (severity: warn)')
    const [line, ...more] = annotationsOf(results)
    expect(line).toMatch(/^::warning title=outlast WARNING%3A durable-postgres under kill%3A gate lost ≤ 1\.0%25::/)
    expect(line).toContain('does not hold')
    expect(more).toEqual([])
    const junit = formats.get('junit')!.render(results)
    expect(junit).toMatch(/failures="0"/)
    expect(junit).toMatch(
      /<skipped message="WARNING: gate lost ≤ 1\.0% does not hold: observed 50\.0% \[40\.0%, 60\.0%\] over 300 tasks; severity: warn"/,
    )
  })
})

test('one that is open and allowed has no annotation, and is skipped', () => {
  const results = withGates(allowed)
  expect(annotationsOf(results)).toEqual([])
  expect(formats.get('junit')!.render(results)).toContain(
    '<skipped message="INCONCLUSIVE, allowed: observed 0.5% [0%, 2.0%] over 300 tasks with the right result; allowed by onInconclusive: pass"',
  )
})

test('one that must be settled and is not is a failure everywhere', () => {
  const results = { ...withGates(forced), verdict: 'FAIL' as const }
  expect(annotationsOf(results)[0]).toMatch(/^::error title=outlast FAIL/)
  expect(formats.get('junit')!.render(results)).toMatch(
    /<failure message="gate restored ≤ 2\.00 s is not settled: observed 900 ms \[500 ms, ∞\] over 12 outages; onInconclusive: fail/,
  )
  expect(formats.get('terminal')!.render(results)).toContain('or one that must be settled is not')
})
