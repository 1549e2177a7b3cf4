import { expect, test } from 'vitest'
import { impactOf } from '../../../harness/analysis/impact.ts'
import { discover } from '../../../harness/core/discover.ts'
import type { Fault } from '../../../harness/model/fault.ts'
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
  const { impact } = one.fault
  expect(typeof impact === 'function' ? impact(one.params) : { kind: impact }).toEqual(one.judged)
})
