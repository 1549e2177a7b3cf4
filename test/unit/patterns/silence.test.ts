import { expect, test } from 'vitest'
import { silencesAt } from '../../../patterns/contract/types/timeouts.ts'
import { timeouts as postgres } from '../../../patterns/engines/postgres/engine.ts'
import { timeouts as temporal } from '../../../patterns/engines/temporal/engine.ts'

const memory = { delivery: { callback: false }, engine: { timeouts: {} }, tuning: 'default' } as const

test('clients and tools wait, and who is called back is waited for', () => {
  expect(silencesAt(memory, 60)).toEqual({ watchdogMs: 625, requestTimeoutMs: 667, toolTimeoutMs: 500 })
  expect(silencesAt({ ...memory, delivery: { callback: true } }, 60)).toMatchObject({ webhookTimeoutMs: 250 })
})

test('of an engine what would take a busy machine for a dead one, on its floor where it has one', () => {
  const of = (timeouts: typeof postgres | typeof temporal, timeScale: number) =>
    silencesAt({ ...memory, engine: { timeouts } }, timeScale)
  expect(of(postgres, 60)).toMatchObject({ leaseMs: 1000, queryTimeoutMs: 1000 })
  expect(of(postgres, 60)).not.toHaveProperty('claimPollMs')
  expect(of(temporal, 5)).toMatchObject({ workflowTaskMs: 2000, keepAliveTimeoutMs: 2000 })
  for (const name of ['stickyMs', 'keepAliveTimeMs', 'heartbeatTimeoutMs'])
    expect(of(temporal, 5)).not.toHaveProperty(name)
})
