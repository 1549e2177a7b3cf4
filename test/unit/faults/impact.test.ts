import { expect, test } from 'vitest'
import { impactOf, isPassing, isSudden, firstPauseMs, takesMemory } from '../../../harness/analysis/impact.ts'
import type { FaultTrace } from '../../../harness/analysis/trace.ts'
import { discover } from '../../../harness/core/discover.ts'
import { type Fault, impactWith } from '../../../harness/model/fault.ts'
import type { Impact } from '../../../harness/model/plan.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { extractSchedule } from '../../../harness/plan/schedule.ts'
import { catalog, scenario } from '../plan/catalog.ts'

const faults = [...(await discover<Fault>(new URL('../../../harness/faults/', import.meta.url))).values()]

function planOf(faults: string) {
  return compilePlan(scenario({ arms: `a: [${faults}]` }), catalog, { runtime: 'process' })
}

test('a plan keeps what each of its faults says that it does; a schedule, which people edit, does not', () => {
  const plan = planOf('{ fault: latency, target: client->api, at: 5s, for: 5s, delay: 200ms }')
  const [planned] = plan.cells.flatMap(({ faults: own }) => own)
  expect(planned!.impact).toEqual({ kind: 'delay', ms: planned!.params['delayMs'] })
  const [scheduled] = extractSchedule(plan).arms.flatMap(({ faults: own }) => own)
  expect(scheduled).toEqual({ ...planned, impact: undefined })
  expect(scheduled).not.toHaveProperty('impact')
})

test('a fault is judged by what the plan says, known here or not', () => {
  const params = {}
  expect(impactOf({ fault: 'of-somebody-else', params, impact: { kind: 'end' } })).toEqual({ kind: 'end' })
  expect(impactOf({ fault: 'kill', params, impact: { kind: 'none' } })).toEqual({ kind: 'none' })
  expect(impactOf({ fault: 'of-somebody-else', params })).toEqual({ kind: 'none' })
})

function traced(fault: string, impact?: Impact): FaultTrace {
  const places = [{ node: 'worker-0' }]
  const rest = { id: `${fault}-1`, target: places, places, state: 'healed', proven: true, params: {}, ops: [] } as const
  return { fault, ...rest, ...(impact && { impact }) }
}

test('what goes with its kind is said by the plan too, whatever the name of the fault', () => {
  const other = 'of-somebody-else'
  expect([{ sudden: true as const }, {}].map((more) => isSudden(traced(other, { kind: 'end', ...more })))).toEqual([
    true,
    false,
  ])
  expect(
    [{ takesMemory: true as const }, {}].map((more) => takesMemory(traced(other, { kind: 'end', ...more }))),
  ).toEqual([true, false])
  expect([{ loses: true as const }, {}].map((more) => isPassing(traced(other, { kind: 'silence', ...more })))).toEqual([
    false,
    true,
  ])
  expect(
    [{ dropsPackets: true as const }, {}].map((more) => firstPauseMs(traced(other, { kind: 'silence', ...more }))),
  ).toEqual([1000, 250])
})

test('plans that had kinds alone are judged as they were', () => {
  expect([isSudden(traced('kill', { kind: 'end' })), isSudden(traced('stop', { kind: 'end' }))]).toEqual([true, false])
  expect(takesMemory(traced('oom', { kind: 'end' }))).toBe(true)
  expect(isPassing(traced('idle-nat', { kind: 'silence' }))).toBe(false)
  expect(firstPauseMs(traced('partition', { kind: 'silence' }))).toBe(1000)
  expect(isSudden(traced('kill', { kind: 'none' }))).toBe(false)
})

const modes = ['silent', 'refused', 'reset']
const recorded = faults.flatMap((fault) =>
  modes.map((mode) => {
    const params: Record<string, unknown> = { mode, delayMs: 200, jitterMs: fault.name === 'latency' ? 50 : 0 }
    return { fault, params, judged: impactOf({ fault: fault.name, params }) }
  }),
)

/** A fault of later than that is in no older run. */
const older = recorded.filter(({ judged }) => judged.kind !== 'none')

test.each(older)('what $fault.name says with $params.mode is what older runs were judged by', (one) => {
  expect(impactWith(one.fault, one.params)).toEqual(one.judged)
})
