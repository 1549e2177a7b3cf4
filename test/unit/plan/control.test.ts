import { describe, expect, test } from 'vitest'
import { listUncontrolled } from '../../../harness/plan/control-kinds.ts'
import { planControl } from '../../../harness/plan/control-probes.ts'
import type { ControlKind } from '../../../harness/model/control.ts'
import { uncontrolledIn } from '../../../harness/model/plan-remarks.ts'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { profileOf } from '../../../patterns/agent/profiles.ts'
import { accessEnvironment } from '../../../patterns/contract/server/access.ts'
import { environmentOf } from '../../../harness/run/limits.ts'
import { catalog, scenario } from './catalog.ts'

const load = { tasks: 20, arrivals: 'poisson', ratePerSec: 1 / 30 } as const
const none: Readonly<Record<ControlKind, number>> = {
  cancel: 0,
  steer: 0,
  budget: 0,
  rogue: 0,
  permission: 0,
  balance: 0,
  rate: 0,
}
const brief = { idealMs: 300_000, steps: 4, calls: ['search', 'read', 'draft', 'finalize'], credits: [3, 6, 8, 2] }
const planned = (control: Partial<typeof none>, hasPrincipals = true, without: readonly ControlKind[] = []) =>
  planControl({ control: { ...none, ...control }, load, timeScale: 30 }, 7, brief, { without, hasPrincipals })

describe('balance', () => {
  test('all tasks have one principal, whose balance pays for half of them', () => {
    const { control, limits } = planned({ balance: 6 })
    expect(limits).toEqual({ balances: { 'c-balance': 57 } })
    expect(new Set(control!.map(({ principal }) => principal))).toEqual(new Set(['c-balance']))
    expect(control![0]).toMatchObject({ costs: [3, 6, 8, 2], tools: ['search', 'read', 'draft', 'finalize'] })
  })
})

describe('rate', () => {
  const { control, limits } = planned({ rate: 12, cancel: 12, steer: 12, budget: 12 })
  const probes = control!.filter(({ kind }) => kind === 'rate')
  const { task, principal } = limits!.toolRates!

  test('a principal may do more than the load needs, and less than its tasks want together', () => {
    // 20 tasks and 36 probes of the operator, with four calls each, in 20 seconds of real time.
    expect(principal!.perSecond).toBeGreaterThan(11.2)
    const together = probes.filter((probe) => probe.principal === 'c-rate')
    expect(together.length).toBe(9)
    expect(together.length * task.perSecond).toBeGreaterThanOrEqual(1.5 * principal!.perSecond)
  })

  test('some have a principal of their own, and wants that a task may not have', () => {
    const alone = probes.filter((probe) => probe.principal !== 'c-rate')
    expect(new Set(alone.map((probe) => probe.principal)).size).toBe(3)
    const { steps } = profileOf(alone[0]!.profile!)!
    expect(steps.length).toBeGreaterThan(task.burst + 4 * task.perSecond)
    // A task of the load has four steps in ten seconds.
    expect(task.perSecond).toBeGreaterThan(0.4)
  })

  test('how long they take at their rates is known', () => {
    const { steps } = profileOf(probes[0]!.profile!)!
    expect(probes[0]!.lastsMs).toBe(Math.ceil((1000 * 9 * steps.length) / principal!.perSecond - 2000))
  })

  test('without principals all are the operator’s, and only tasks have a rate', () => {
    const alone = planned({ rate: 4 }, false)
    expect(alone.limits!.toolRates).toEqual({ task: { perSecond: 2, burst: 4 } })
    expect(alone.control!.some((probe) => probe.principal !== undefined)).toBe(false)
  })

  test('nodes can read what they are given', () => {
    const env = environmentOf({ ...limits, balances: { 'c-balance': 57 } })
    const read = (name: keyof typeof accessEnvironment) => accessEnvironment[name].parse(env[name])
    expect(read('OUTLAST_TOOL_RATE_PER_TASK')).toEqual(task)
    expect(read('OUTLAST_TOOL_RATE_PER_PRINCIPAL')).toEqual(principal)
    expect(read('OUTLAST_BALANCES')).toEqual({ 'c-balance': 57 })
    expect(environmentOf(undefined)).toEqual({})
  })
})

test('what others get does not depend on them', () => {
  const { control } = planned({ cancel: 2, balance: 3, rate: 3 })
  expect(control!.slice(0, 2)).toEqual(planned({ cancel: 2 }).control)
  expect(planned({ cancel: 2 }).limits).toBeUndefined()
  expect(planned({})).toEqual({})
})

describe('where it cannot be put to the test', () => {
  const all = { ...none, cancel: 1, permission: 1, balance: 1, rate: 1 }
  const [keeps, keepsNone] = ['durable-postgres', 'durable-restate'].map((name) => catalog.resolvePattern(name)!)
  const without = { engine: { ...keepsNone!.engine, withoutAccounts: 'why' } }
  const kinds = (...args: Parameters<typeof listUncontrolled>) => listUncontrolled(...args).map(({ kind }) => kind)
  const process = { name: 'process', offers: ['host-files'] as const }
  const docker = { name: 'docker', offers: [] }

  test('an engine without accounts has no balance and no rate, and says why', () => {
    expect(kinds(all, keeps!, process)).toEqual([])
    expect(kinds(all, without, process)).toEqual(['balance', 'rate'])
    expect(uncontrolledIn({ uncontrolled: listUncontrolled(all, without, process) })).toEqual([
      'control.balance, control.rate: the engine restate keeps no balances and tool rates: why',
    ])
  })

  test('a runtime whose nodes read no files of this machine has no principals', () => {
    expect(kinds(all, keeps!, docker)).toEqual(['permission', 'balance'])
    expect(kinds({ ...none, cancel: 1 }, keeps!, docker)).toEqual([])
    expect(kinds(undefined, keeps!, docker)).toEqual([])
  })

  test('the cell says so, and has the others', () => {
    const wanted = scenario({ patterns: '[durable-postgres]', tail: 'control: { cancel: 1, permission: 2, rate: 2 }' })
    const [cell] = compilePlan(wanted, catalog, { runtime: 'process' }).cells
    expect(cell!.uncontrolled).toEqual([
      { kind: 'permission', reason: 'it needs "host-files", which the runtime process does not offer' },
    ])
    expect(cell!.control!.map(({ key }) => key)).toEqual(['c-cancel-1', 'c-rate-1', 'c-rate-2'])
    expect(cell!.limits).toEqual({ toolRates: { task: expect.anything() } })
  })
})
