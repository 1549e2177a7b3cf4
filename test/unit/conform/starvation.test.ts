import { describe, expect, test } from 'vitest'
import { Breach } from '../../../harness/conform/expect.ts'
import { watchStarvation } from '../../../harness/conform/starvation.ts'
import { runCase } from '../../../harness/conform/suite.ts'
import { caseOf, targetAt } from '../../support/contract-case.ts'

describe('a machine that was too busy', () => {
  test.each([
    { waitedMs: 610, tells: '61 % of the time' },
    { waitedMs: 590, tells: undefined },
    { waitedMs: undefined, tells: undefined },
  ])('of a second in which it had work this process waited $waitedMs ms: $tells', ({ waitedMs, tells }) => {
    let times = waitedMs === undefined ? undefined : { ranMs: 5000, waitedMs: 900 }
    const why = watchStarvation(() => times)
    if (waitedMs !== undefined) times = { ranMs: 6000 - waitedMs, waitedMs: 900 + waitedMs }
    if (tells === undefined) expect(why()).toBeUndefined()
    else expect(why()).toContain(tells)
  })

  const target = targetAt('http://127.0.0.1:1')
  const starved = () => () => 'too busy'
  const late = async (): Promise<never> => {
    throw new Breach('it came after 1399 ms, 833 are allowed')
  }

  test('does not fail a service for what took too long', async () => {
    const result = await runCase({ ...caseOf(late), timed: true }, target, starved)
    expect(result).toMatchObject({
      outcome: 'undecided',
      reason: 'it came after 1399 ms, 833 are allowed; too busy',
      starved: true,
    })
  })

  test('excuses no wrong answer, and no lateness where it had time', async () => {
    expect(await runCase(caseOf(late), target, starved)).toMatchObject({ outcome: 'fail' })
    const fit = () => () => undefined
    expect(await runCase({ ...caseOf(late), timed: true }, target, fit)).toMatchObject({ outcome: 'fail' })
  })
})
