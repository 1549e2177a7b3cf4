import { describe, expect, test } from 'vitest'
import balanceHolds from '../../harness/checkers/balance-holds.ts'
import rateHolds from '../../harness/checkers/rate-holds.ts'
import { judgeCell } from '../../harness/verdict/cell.ts'
import { openRegistry } from '../../harness/registry.ts'
import { limited } from './limited.ts'
import { wrongLimits } from './wrong-limits.ts'

const checkers = await openRegistry().checkers()

describe('a system that keeps balances and rates, under a kill', () => {
  const history = limited()

  test('passes, and both were put to the test', () => {
    expect(judgeCell(history, checkers)).toMatchObject({ verdict: 'PASS', reasons: [] })
    expect([balanceHolds, rateHolds].map(({ check }) => check(history))).toMatchObject([
      { status: 'pass' },
      { status: 'pass' },
    ])
  })

  test('is not passed, nor accused, where its history is torn', () => {
    for (let length = 0; length < history.length; length++) {
      const statuses = [balanceHolds, rateHolds].map(({ check }) => check(history.slice(0, length)).status)
      expect([length, ...statuses]).toEqual([length, 'unknown', 'unknown'])
    }
  })
})

test.each(wrongLimits)('$name: exactly this is said', ({ history, caughtBy, says }) => {
  const { checks } = judgeCell(history, checkers)
  const found = checks.find(({ checker }) => checker === caughtBy[0])!
  expect(found).toMatchObject({ status: 'fail', summary: says })
  expect(found.witnesses.length).toBeGreaterThan(0)
})
