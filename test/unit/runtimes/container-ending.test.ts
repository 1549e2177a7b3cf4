import { expect, test } from 'vitest'
import { monotonicMs, sleep } from '../../../patterns/contract/types/timer.ts'
import { type Container, endingOf } from '../../../harness/runtimes/docker/containers/container.ts'

/** It ends after 20 ms, which the daemon tells 60 ms later. */
function dying(code: number, finishedAt: () => Promise<string>): Pick<Container, 'handle'> {
  let endedAt = ''
  const wait = async () => {
    await sleep(20)
    endedAt = await finishedAt()
    await sleep(60)
    return { StatusCode: code }
  }
  const inspect = async () => ({ State: { FinishedAt: endedAt } })
  return { handle: { wait, inspect } as unknown as Container['handle'] }
}

test('an end is dated by when it was, not by when the daemon tells it', async () => {
  const from = monotonicMs()
  const { code, signal, endedMs } = await endingOf(dying(137, async () => new Date().toISOString()))
  expect([code, signal]).toEqual([137, 'SIGKILL'])
  expect(endedMs! - from).toBeGreaterThanOrEqual(15)
  expect(monotonicMs() - endedMs!).toBeGreaterThanOrEqual(55)
})

test('a daemon whose clock is another one, or that says nothing, dates nothing', async () => {
  const told = async (finishedAt: string) => (await endingOf(dying(1, async () => finishedAt))).endedMs
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString()
  expect([await told('2001-01-01T00:00:00Z'), await told(inAnHour), await told('')]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test('one that is taken away was killed', async () => {
  const handle = { wait: () => Promise.reject(new Error('gone')), inspect: () => Promise.reject(new Error('gone')) }
  expect(await endingOf({ handle: handle as unknown as Container['handle'] })).toEqual({ code: 137, signal: 'SIGKILL' })
})
