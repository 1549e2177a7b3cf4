import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import engine from '../../patterns/engines/postgres/engine.ts'
import { claimTasks, enrolWorker, evictExpired, renewLease } from '../../patterns/engines/postgres/leases.ts'
import { openStore, type Store } from '../../patterns/engines/_postgres/store.ts'
import { timingOf } from '../../patterns/engines/postgres/engine.ts'
import { type EngineCluster, startCluster } from '../support/engine-cluster.ts'

const timeScale = 80

let cluster: EngineCluster
let api: Backend
let store: Store

beforeAll(async () => {
  cluster = await startCluster(engine, timeScale)
  api = await cluster.openApi()
  const timing = timingOf({ tuning: 'default', timeScale })
  store = openStore({ url: cluster.storeUrl!, timing, connections: 1, patienceMs: 10_000 })
})
afterAll(async () => {
  await store?.[Symbol.asyncDispose]()
  await api?.[Symbol.asyncDispose]()
  await cluster?.[Symbol.asyncDispose]()
})

test('a claim that a firewall held up takes nothing that was claimed after it was sent', async () => {
  const input = { seed: 7, profile: 'smoke', job: 'a' }
  const { task } = await api.submit({ key: randomUUID(), request: { type: 'agent', input }, fingerprint: 'a' })
  const worker = await enrolWorker(store, 'worker-0', 60_000)
  const claim = async (turn: number, held: readonly string[]) =>
    (await claimTasks(store, { owner: worker, most: 16, held, turn })).map(({ taskId, epoch }) => [taskId, epoch])

  expect(await claim(2, [])).toEqual([[task.task_id, 1]])
  // Sent first, arrived last: it knows of nothing that is held.
  expect(await claim(1, [])).toEqual([])
  expect(await claim(2, [])).toEqual([])
  // The answer to the claim was lost, and the next one asks again.
  expect(await claim(3, [])).toEqual([[task.task_id, 2]])
  expect(await claim(4, [task.task_id])).toEqual([])
})

test('an eviction that a firewall held up evicts nobody: its own lease is over, too', async () => {
  const [ours, theirs] = [await enrolWorker(store, 'worker-0', 0), await enrolWorker(store, 'worker-1', 0)]
  await sleep(5)
  expect(await evictExpired(store, ours)).toBe(0)
  expect(await renewLease(store, ours, 60_000)).toBe(true)
  expect(await evictExpired(store, ours)).toBe(1)
  expect(await renewLease(store, theirs, 60_000)).toBe(false)
})
