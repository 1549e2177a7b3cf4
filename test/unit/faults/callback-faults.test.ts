import { expect, test } from 'vitest'
import duplicate from '../../../harness/faults/callback-duplicate.ts'
import progress from '../../../harness/faults/callback-progress.ts'
import reorder from '../../../harness/faults/callback-reorder.ts'
import skew from '../../../harness/faults/clock-skew.ts'
import type { Fault, FaultSite } from '../../../harness/model/fault.ts'
import { openPath, type OwnPath } from '../../../harness/run/callback-path.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'
import { never, siteOf } from './fakes.ts'

/** A receiver that writes down whose callbacks it took, and believes only a clock that is right to five minutes. */
function receiver() {
  const path = openPath()
  const taken: string[] = []
  const came = (job: string, status = 204) => {
    const take = (by?: string): number => {
      if (status < 300) taken.push(by === undefined ? job : `${job} by ${by}`)
      return status
    }
    const open = (aheadS: number): Task => {
      if (status >= 300 || Math.abs(aheadS) > 300) throw new Error('not of now')
      return { task_id: job, status: 'completed', version: 5, result: { digest: 'd', steps: 1 } } as unknown as Task
    }
    return { job, take, open }
  }
  const site: FaultSite = { ...siteOf([]), callbacks: path }
  return { path, taken, site, post: (job: string, status?: number) => path.pass(came(job, status)) }
}

const arm = (fault: Fault<never>, site: FaultSite, params: object = {}) =>
  fault.arm(site, fault.params.parse(params) as never, never)
const faults = { duplicate, reorder, progress, skew } as unknown as Readonly<Record<string, Fault<never>>>

test.each(Object.entries(faults))(
  '%s that nobody met is unexercised, one that is gone lost, and a second one refused',
  async (_, fault) => {
    const { site, path } = receiver()
    await expect(arm(fault, siteOf([]))).rejects.toThrow('no callback arrives here')
    const active = await arm(fault, site)
    await expect(arm(fault, { ...site, id: 'other' })).rejects.toThrow('it-1#1 is in the way of callbacks already')
    expect(await active.prove()).toMatchObject({ state: 'unexercised', firings: 0 })
    await active.heal()
    await active.heal()
    expect((await active.prove()).state).toBe('lost')
    expect(path.intercept('next', (arrival) => arrival.deliver()).listed()).toBe(true)
  },
)

test('a duplicate comes after the one that was taken, and is the fault’s', async () => {
  const { site, taken, post } = receiver()
  const active = await arm(faults['duplicate']!, site, { copies: 2, afterMs: 5 })
  expect([await post('a'), await post('refused', 400)]).toEqual([204, 400])
  expect(taken).toEqual(['a'])
  await sleep(40)
  expect(taken).toEqual(['a', 'a by it-1#1', 'a by it-1#1'])
  expect(await active.prove()).toMatchObject({ state: 'proven', firings: 2, evidence: { passed: 2, felt: 2 } })
  await active.heal()
})

test('a copy that is not due when the fault is healed never comes', async () => {
  const { site, taken, post } = receiver()
  const active = await arm(faults['duplicate']!, site, { afterMs: 20 })
  await post('a')
  await active.heal()
  await sleep(40)
  expect(taken).toEqual(['a'])
})

test('reordered, every other callback comes after the next', async () => {
  const { site, taken, post } = receiver()
  const active = await arm(faults['reorder']!, site, { holdMs: 1000 })
  for (const pair of [
    ['a', 'b'],
    ['c', 'd'],
  ])
    expect(await Promise.all(pair.map((job) => post(job)))).toEqual([204, 204])
  expect(taken).toEqual(['b', 'a', 'd', 'c'])
  expect(await active.prove()).toMatchObject({ state: 'proven', firings: 2 })
  await active.heal()
})

test('the last one is held no longer than it says, or until the fault is healed, and nobody felt it', async () => {
  const { site, taken, post } = receiver()
  const active = await arm(faults['reorder']!, site, { holdMs: 5 })
  await post('a')
  expect(await active.prove()).toMatchObject({ state: 'unexercised' })
  await active.heal()
  const again = await arm(faults['reorder']!, site, { holdMs: 60_000 })
  const held = post('b')
  await again.heal()
  await held
  expect(taken).toEqual(['a', 'b'])
})

test('progress comes by the sender’s own code, before the end and late, and counts as the fault’s', async () => {
  const { site, path, taken, post } = receiver()
  const posted: [string, string, number][] = []
  path.connect(
    (job) => `http://here/callbacks/${job}`,
    async ({ task, url }) => {
      const mark = new URL(url).searchParams.get('by')!
      posted.push([task.status, path.byMark(mark) ?? 'nobody', taken.length])
      expect(task.result).toBeUndefined()
      return { status: 204 } as never
    },
  )
  const active = await arm(faults['progress']!, site)
  expect(await post('a')).toBe(204)
  await sleep(5)
  expect(posted).toEqual([
    ['running', 'it-1#1', 0],
    ['running', 'it-1#1', 1],
  ])
  expect(await active.prove()).toMatchObject({ state: 'proven', firings: 2 })
  await active.heal()
})

test('a wrong clock is felt where the receiver refuses for it, and only there', async () => {
  const { site, taken, post } = receiver()
  const slight = await arm(faults['skew']!, site, { aheadSeconds: -200 })
  expect(await post('a')).toBe(204)
  expect(await slight.prove()).toMatchObject({ state: 'unexercised' })
  await slight.heal()
  const active = await arm(faults['skew']!, site)
  expect([await post('b'), await post('forged', 400)]).toEqual([400, 400])
  expect(taken).toEqual(['a'])
  expect(await active.prove()).toMatchObject({ state: 'proven', firings: 1 })
  await active.heal()
})

test('without a fault all passes as it came, and no mark is known that none made', async () => {
  const { path, taken, post }: ReturnType<typeof receiver> & { path: OwnPath } = receiver()
  await post('a')
  expect([taken, path.byMark(undefined), path.byMark('guessed')]).toEqual([['a'], undefined, undefined])
})
