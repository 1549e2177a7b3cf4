import { describe, expect, test } from 'vitest'
import balanceHolds from '../../../harness/checkers/balance-holds.ts'
import rateHolds from '../../../harness/checkers/rate-holds.ts'
import { burstBeyond, isFelt } from '../../../harness/analysis/tool-rate.ts'
import type { ControlSeen } from '../../../harness/model/control.ts'
import type { OpOf } from '../../../harness/model/history.ts'
import type { CellPlan } from '../../../harness/model/plan.ts'
import { effect, fault, story } from './story.ts'

type Line = Parameters<typeof story>[0][number]

describe('balance-holds', () => {
  const keys = ['c-balance-1', 'c-balance-2'] as const
  const costs = [3, 6]
  const cell: Partial<CellPlan> = {
    control: keys.map((key, seed) => {
      return { key, kind: 'balance', seed, atMs: 0, afterMs: 1, principal: 'c-balance', costs }
    }),
    limits: { balances: { 'c-balance': 10 } },
  }
  const seen = (key: string, at: number, value: Omit<ControlSeen, 'kind'>): Line => {
    return { f: 'control', type: 'observe', at, process: 'client', task: key, value: { kind: 'balance', ...value } }
  }
  const ended = (key: string, status: string, reason?: string) =>
    seen(key, 900, { moment: 'log', log: [{ seq: 1, type: `task.${status}`, status, data: { reason } }] })
  const account = (credits: number, held: number, spent: number, at = 950) =>
    seen(keys[0], at, { moment: 'account', account: { credits, held, spent } })
  const [first, second] = keys
  /** The first task does all, and the second one is refused its first step. */
  const right = [
    effect(first, 1, 10),
    effect(first, 2, 100),
    ended(first, 'completed'),
    ended(second, 'failed', 'balance-exhausted'),
  ]
  const check = (...lines: Line[]) => balanceHolds.check(story(lines, cell))

  test('the balance pays what it can, and refuses the rest', () => {
    expect(check(...right, account(1, 0, 9))).toMatchObject({
      status: 'pass',
      summary: '6 rules of a balance, none broken',
      counts: { judged: 6, broken: 0, given: 10, spent: 9, refused: 1 },
    })
  })

  test('a step that is done again costs once', () => {
    expect(check(effect(first, 1, 5, { attempt: 2 }), ...right, account(1, 0, 9)).status).toBe('pass')
  })

  const rules = (...lines: Line[]) => {
    const { status, summary } = check(...lines)
    return status === 'fail' ? summary.replace(/^.* broken: /, '').split(', ') : [status]
  }

  test('an effect beyond it is a breach, whatever the account says', () => {
    const beyond = [effect(second, 1, 200), ...right]
    expect(rules(...beyond, account(0, 0, 10))).toEqual(['more was spent than there was', 'steps were not paid'])
    expect(rules(...beyond, account(-2, 0, 12))).toEqual(['more was spent than there was'])
    expect(rules(...beyond)).toEqual(['more was spent than there was'])
  })

  test('each rule is broken by what it is about, and by nothing else', () => {
    expect(rules(...right, account(2, 0, 9))).toEqual(['the account does not add up to what was given'])
    expect(rules(...right, account(4, 0, 6))).toEqual(['steps were not paid'])
    expect(rules(...right, account(0, 0, 10))).toEqual(['more was paid than steps were done'])
    expect(rules(...right, account(0, 1, 9))).toEqual(['credits are held for tasks that have ended'])
    const early = [effect(first, 1, 10), ended(first, 'completed'), ended(second, 'failed', 'balance-exhausted')]
    expect(rules(...early, account(7, 0, 3))).toEqual(['refused while there was enough'])
  })

  describe('of a task that nobody saw end', () => {
    const open = [effect(first, 1, 10), ended(second, 'failed', 'balance-exhausted')]

    test('the next step may be paid without an effect, or still held', () => {
      expect(rules(...open, account(1, 0, 9))).toEqual(['unknown'])
      expect(rules(...open, account(1, 6, 3))).toEqual(['unknown'])
    })

    test('and no more than that', () => {
      expect(rules(...open, account(0, 0, 10))).toEqual(['more was paid than steps were done'])
      expect(rules(...open, account(0, 7, 3))).toEqual(['credits are held for tasks that have ended'])
    })
  })

  test('one that failed for another reason may have paid in vain, and holds nothing', () => {
    const failed = [
      effect(first, 1, 10),
      ended(first, 'failed', 'a tool said no'),
      ended(second, 'failed', 'balance-exhausted'),
    ]
    expect(rules(...failed, account(1, 0, 9))).toEqual(['unexercised'])
    expect(rules(...failed, account(1, 6, 3))).toEqual(['credits are held for tasks that have ended'])
  })

  test('what came after the account was asked for may have been paid after that', () => {
    expect(rules(...right, account(7, 0, 3, 120))).toEqual(['pass'])
    expect(rules(...right, account(7, 0, 3, 150))).toEqual(['steps were not paid'])
  })

  test('says nothing where nobody was refused, where the account cannot be read, and where nobody worked', () => {
    expect(check(effect(first, 1, 10), ended(first, 'completed'), account(7, 0, 3))).toMatchObject({
      status: 'unexercised',
      summary: 'no task was refused for want of credits',
    })
    expect(check(...right).status).toBe('unknown')
    expect(check(account(10, 0, 0)).status).toBe('unknown')
  })

  test('mutant: all are refused before anybody has done a step', () => {
    const refused = keys.map((key) => ended(key, 'failed', 'balance-exhausted'))
    expect(rules(...refused, account(10, 0, 0))).toEqual(['refused while there was enough'])
  })
})

const rate = { perSecond: 2, burst: 4 }
const callsAt = (...times: readonly number[]) =>
  times.map((at, index) => ({ index, at, f: 'effect' }) as unknown as OpOf<'effect'>)
/** The burst at once, then one each half second. */
const steady = [0, 1, 2, 3, ...Array.from({ length: 12 }, (_, i) => 500 * (i + 1))]

describe('a bucket', () => {
  test('may give out its burst, and two a second, and those of one second more', () => {
    expect(burstBeyond({ rate, calls: callsAt(...steady) })).toEqual([])
    // Six at once: the burst, and two whose tokens were taken a second before.
    expect(burstBeyond({ rate, calls: callsAt(0, 0, 0, 0, 0, 0) })).toEqual([])
    expect(burstBeyond({ rate, calls: callsAt(0, 0, 0, 0, 0, 0, 0) }).length).toBe(7)
  })

  test('the window that is too full is found wherever it is', () => {
    const calls = callsAt(...steady, ...Array.from({ length: 7 }, (_, i) => 20_000 + i), 30_000)
    expect(burstBeyond({ rate, calls }).map(({ at }) => at)).toEqual(Array.from({ length: 7 }, (_, i) => 20_000 + i))
  })

  test('too many in the long run are too many', () => {
    const everyThird = Array.from({ length: 40 }, (_, i) => 333 * i)
    expect(burstBeyond({ rate, calls: callsAt(...everyThird) }).length).toBeGreaterThan(0)
  })

  test('is felt where its burst was spent and its rate used', () => {
    expect(isFelt({ rate, calls: callsAt(...steady) })).toBe(true)
  })

  test.each([
    ['a demand that is a little below the rate', Array.from({ length: 40 }, (_, i) => 520 * i)],
    ['a burst alone', [0, 1, 2, 3]],
    ['a burst, and little after it', [0, 1, 2, 3, 2000, 4000, 6000]],
    ['nothing', []],
  ])('is not felt by %s', (_, times) => {
    expect(isFelt({ rate, calls: callsAt(...times) })).toBe(false)
  })
})

describe('rate-holds', () => {
  const keys = ['c-rate-1', 'c-rate-2', 'c-rate-3'] as const
  const cell = (principal?: CellPlan['limits'] & object): Partial<CellPlan> => ({
    control: keys.map((key, i) => {
      return { key, kind: 'rate', seed: i, atMs: 0, afterMs: 1, principal: i === 0 ? 'c-rate-1' : 'c-rate' }
    }),
    limits: principal ?? { toolRates: { task: rate } },
  })
  const both = cell({ toolRates: { task: rate, principal: { perSecond: 3, burst: 6 } } })
  const calls = (key: string, times: readonly number[], over: object = {}) =>
    times.map((at, i) => effect(key, i + 1, at, over))
  const check = (lines: readonly Line[], plan = cell()) => rateHolds.check(story(lines, plan))

  test('passes where a task came to its rate', () => {
    expect(check(calls(keys[0], steady))).toMatchObject({
      status: 'pass',
      counts: { judged: 1, byTasks: 1, calls: 16 },
    })
  })

  test('says which rate nobody came to', () => {
    expect(check(calls(keys[0], [0, 900]))).toMatchObject({
      status: 'unexercised',
      summary: 'no task came to its rate',
    })
    expect(check(calls(keys[0], steady), both)).toMatchObject({
      status: 'unexercised',
      summary: 'no principal came to its rate',
    })
  })

  test('tasks of one principal are counted together, at whichever worker they are', () => {
    const slow = Array.from({ length: 12 }, (_, i) => 500 * i)
    const two = [...calls(keys[1], slow), ...calls(keys[2], slow, { executor: 'worker-1' })]
    expect(check([...calls(keys[0], steady), ...two])).toMatchObject({ status: 'pass' })
    expect(check([...calls(keys[0], steady), ...two], both).status).toBe('pass')
    const faster = Array.from({ length: 24 }, (_, i) => 250 * i)
    const split = [...calls(keys[1], faster), ...calls(keys[2], faster, { executor: 'worker-1' })]
    const loose = cell({ toolRates: { task: { perSecond: 9, burst: 9 }, principal: { perSecond: 3, burst: 6 } } })
    expect(check(split, loose)).toMatchObject({ status: 'fail', counts: { broken: 1 } })
  })

  test('a task of the load has the same rate', () => {
    const burst = Array.from({ length: 7 }, (_, i) => 1 + i)
    const begun: Line = {
      f: 'task',
      type: 'invoke',
      at: 0,
      process: 'client',
      task: 't-1',
      value: { ordinal: 1, intendedAt: 0, idealMs: 1, steps: 7, deadlineAt: 9, giveUpAt: 9, expectedDigest: 'right' },
    }
    expect(check([begun, ...calls('t-1', burst)])).toMatchObject({ status: 'fail', counts: { broken: 1 } })
  })

  test('a call that is sent again is one call, and a step that is done again is two', () => {
    const once = effect(keys[0], 1, 0)
    const posts = Array.from({ length: 9 }, (_, i) => ({ ...once, at: 50 + i }) as Line)
    expect(check([...fault('drop-1', 'worker->tools-0', 40, 90, 'drop'), ...posts]).status).toBe('unexercised')
    expect(check([...fault('kill-1', 'worker-0', 40, 90), ...posts]).status).toBe('unexercised')
    const again = Array.from({ length: 9 }, (_, i) => effect(keys[0], 1, i, { attempt: i + 1 }))
    expect(check(again).status).toBe('fail')
  })

  test('mutant: each call is sent over and over, and no fault took an answer', () => {
    const posts = calls(keys[0], steady).flatMap((one) => Array.from({ length: 20 }, () => one))
    expect(check(posts).status).toBe('unknown')
    expect(check([...fault('drop-1', 'worker->store-0', 40, 9000, 'drop'), ...posts]).status).toBe('unknown')
    expect(check([...fault('drop-1', 'worker->tools-0', 8000, 9000, 'drop'), ...posts]).status).toBe('unknown')
  })

  test('calls that were long on their way say nothing, and neither does a task with many of them', () => {
    const late = (at: number): Line => ({ ...effect(keys[0], 99, at), at: at + 5000 }) as Line
    expect(check(Array.from({ length: 9 }, (_, i) => late(i))).status).toBe('unknown')
    const many = Array.from({ length: 40 }, (_, i) => 500 * i)
    expect(check([...calls(keys[0], [0, 1, 2, 3, ...many.slice(1)]), late(2)]).status).toBe('pass')
  })
})
