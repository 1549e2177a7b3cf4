import { expect, test } from 'vitest'
import { leaveOutInfeasible } from '../../../harness/run/feasibility.ts'
import type { Plan } from '../../../harness/model/plan.ts'
import type { Service } from '../../../patterns/contract/types/engine.ts'

const service = (program: Service['program']): Service => ({ role: 'engine', program, replicas: 1, dials: [] })
const engines = new Map([
  ['restate', { services: [service('restate')] }],
  ['temporal', { services: [service('temporal')] }],
])
const whyNot = async (services: readonly Service[]) =>
  services.some(({ program }) => program === 'temporal') ? 'not installed: install it' : undefined
const runtimes = new Map([['process', { whyNot }]])

test('cells whose engine cannot be started are left out with the reason, once for each arm; the others stay', async () => {
  const cell = (engine: string, arm: string, repetition: number) => ({
    pattern: `p-${engine}`,
    engine,
    arm,
    repetition,
  })
  const cells = [1, 2].flatMap((n) => ['restate', 'temporal'].map((engine) => cell(engine, 'none', n)))
  const plan = { runtime: 'process', cells, notApplicable: [] } as unknown as Plan
  const left = await leaveOutInfeasible(plan, { engines, runtimes })
  expect(left.cells).toEqual(cells.filter(({ engine }) => engine === 'restate'))
  expect(left.notApplicable).toEqual([{ pattern: 'p-temporal', arm: 'none', reason: 'not installed: install it' }])
})
