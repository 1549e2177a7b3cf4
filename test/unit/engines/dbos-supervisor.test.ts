import { describe, expect, test } from 'vitest'
import { timeoutsAt } from '../../../patterns/contract/types/timeouts.ts'
import { openPulse } from '../../../patterns/engines/dbos/worker.ts'
import { supervisedTimeouts as timeouts } from '../../../patterns/engines/dbos/engine.ts'
import type { Statement } from '../../../patterns/engines/_postgres/store.ts'

const silenceMs = 5000

function observed(inHand = new Map<string, string>()) {
  const asked: { name: string; values: readonly unknown[] }[] = []
  let now = 0
  const query = async <Row>({ name }: Statement, values: readonly unknown[]): Promise<Row[]> => {
    asked.push({ name, values })
    return []
  }
  const pulse = openPulse({ query }, { node: 'worker-0', silenceMs, inHand }, () => now)
  /** What a pulse at this time asks of the database. */
  const at = async (ms: number): Promise<string[]> => {
    now = ms
    asked.length = 0
    await pulse()
    return asked.map(({ name }) => name)
  }
  return { at, asked }
}

describe('a pulse', () => {
  test('says that we live, and then gives others up', async () => {
    const { at, asked } = observed(new Map([['run', 'task_it']]))
    expect(await at(1000)).toEqual(['beat', 'hand_back'])
    expect(asked.map(({ values }) => values)).toEqual([
      ['worker-0', silenceMs],
      ['worker-0', ['task_it'], silenceMs],
    ])
  })

  test('after an outage gives nobody up until everybody had the time to come back', async () => {
    const { at } = observed()
    await at(1000)
    expect(await at(9000)).toEqual(['beat'])
    expect(await at(13_000)).toEqual(['beat'])
    expect(await at(14_000)).toEqual(['beat', 'hand_back'])
  })
})

const paces = (['default', 'tuned'] as const).flatMap((tuning) =>
  [1, 10, 60, 1000].map((timeScale) => ({ tuning, timeScale })),
)

test.each(paces)('a silence is several beats, and no scheduler’s pause ($tuning, $timeScale)', (pace) => {
  const { silenceMs, beatMs } = timeoutsAt(timeouts, pace)
  expect(silenceMs / beatMs).toBeGreaterThanOrEqual(4)
  expect(silenceMs).toBeGreaterThanOrEqual(1000)
})
