import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { isTransient } from '../../../patterns/engines/_postgres/store.ts'
import { timingOf } from '../../../patterns/engines/postgres/engine.ts'

function databaseError(code: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('said the database', 0, 'error'), { code })
}

describe('what is worth another try', () => {
  test.each(['57P01', '57P03', '08006', '40001', '40P01', '53300', '57014', 'XX000'])('SQLSTATE %s is', (code) =>
    expect(isTransient(databaseError(code))).toBe(true),
  )
  test.each(['23503', '23505', '42P01', '42601', '22P02'])('SQLSTATE %s is not', (code) =>
    expect(isTransient(databaseError(code))).toBe(false),
  )
  test('a broken connection is, whatever the driver calls it', () => {
    expect(isTransient(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }))).toBe(true)
    expect(isTransient(new Error('Connection terminated unexpectedly'))).toBe(true)
    expect(isTransient(new Error('Query read timeout'))).toBe(true)
  })
  test('a mistake of ours is not', () => expect(isTransient(new TypeError('x is not a function'))).toBe(false))
})

describe('timeouts', () => {
  const paces = [1, 10, 60, 1000].flatMap((timeScale) => [
    { timeScale, tuning: 'default' as const },
    { timeScale, tuning: 'tuned' as const },
  ])
  test.each(paces)('a lease holds several heartbeats, and a query less than a lease, %o', (pace) => {
    const { leaseMs, leaseHeartbeatMs, queryTimeoutMs } = timingOf(pace)
    expect(leaseMs / leaseHeartbeatMs).toBeGreaterThanOrEqual(4)
    expect(queryTimeoutMs).toBeLessThanOrEqual(leaseMs)
    expect(leaseMs).toBeGreaterThanOrEqual(1000)
  })
})
