import { describe, expect, test } from 'vitest'
import type { Engine } from '../../../patterns/contract/types/engine.ts'
import { processorsFor, whyTooMuch } from '../../../harness/run/machine/need.ts'
import { cellPlan } from '../stats/cells.ts'

const engine = (services: readonly object[]) => ({ services }) as unknown as Engine
const engines = new Map([
  ['memory', engine([{ role: 'api', replicas: 'api' }])],
  [
    'postgres',
    engine([
      { role: 'store', replicas: 1 },
      { role: 'worker', replicas: 'executor' },
      { role: 'api', replicas: 'api' },
    ]),
  ],
])
const load = { arrivals: 'uniform', ratePerSec: 10 } as const
const replicas = { api: 2, executor: 3 }
const inMemory = cellPlan({ engine: 'memory', load, replicas })
const durable = cellPlan({ engine: 'postgres', load, replicas })
const steps = () => 4

describe('what a plan needs', () => {
  test('grows with its processes and with the steps that it makes a second', () => {
    expect(processorsFor([inMemory], engines, steps)).toBeCloseTo(4 * 0.01 + 0.12)
    expect(processorsFor([durable], engines, steps)).toBeCloseTo(8 * 0.01 + 0.32)
    expect(processorsFor([inMemory, durable], engines, steps)).toBeCloseTo(0.56)
  })

  test('is told where it will not fit, of the block that needs most', () => {
    const blocks = [[inMemory], [inMemory, durable]]
    expect(whyTooMuch(blocks, engines, steps, { cores: 2, busy: 0.1 })).toBeUndefined()
    expect(whyTooMuch(blocks, engines, steps, { cores: 2, busy: 1.4 })).toMatch(
      /^this plan keeps about 0\.6 processors busy at once, and 0\.6 of 2 were idle .*sideBySide.*timeScale/,
    )
  })
})
