import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Link, ToxicSpec } from '../../harness/model/link.ts'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { monotonicMs } from '../../patterns/contract/types/timer.ts'
import { timingOf } from '../../patterns/engines/_bullmq/declaration.ts'
import { openReady, queueNames } from '../../patterns/engines/_bullmq/queues.ts'
import { memo as engine } from '../../patterns/engines/queue/engine.ts'
import { postgresBroker } from '../../patterns/engines/queue/worker.ts'
import { type EngineCluster, startCluster } from '../support/engine-cluster.ts'
import { putBackStalled } from '../support/stalled-jobs.ts'

/** Steps of a second or two, and a lock of one. */
const timeScale = 8
const lockMs = 1000
/** Its second step is the longest of forty: two seconds. */
const longStepSeed = 2

let cluster: EngineCluster
let api: Backend
let database: pg.Client
let storeLink: Link

beforeAll(async () => {
  cluster = await startCluster(engine, timeScale)
  api = await cluster.openApi()
  database = new pg.Client(cluster.storeUrl)
  await database.connect()
  storeLink = cluster.links.get('worker->store')!
})
afterAll(async () => {
  await database?.end()
  await api?.[Symbol.asyncDispose]()
  await cluster?.[Symbol.asyncDispose]()
})

/** Both ways, until it is disposed of; throws then if nothing met it. */
async function impair(type: string, attributes: ToxicSpec['attributes']): Promise<AsyncDisposable> {
  const lease = { seed: 1, expiresMs: 60_000 }
  const oneWay = async (stream: 'upstream' | 'downstream') =>
    storeLink.impair({ name: `${type}-${stream}`, type, stream, toxicity: 1, attributes }, lease)
  const both = [await oneWay('upstream'), await oneWay('downstream')]
  const heal = async () => {
    const firings = await Promise.all(both.map((one) => one.firings()))
    await Promise.all(both.map((one) => one.heal()))
    expect(Math.min(...firings.map(Number))).toBeGreaterThan(0)
  }
  return { [Symbol.asyncDispose]: heal }
}

async function startWorkers(count: number): Promise<AsyncDisposable> {
  const workers = await Promise.all(Array.from({ length: count }, () => cluster.startWorker()))
  const end = async () => {
    for (const worker of workers) worker.signal('SIGKILL')
    await Promise.all(workers.map(({ ended }) => ended))
  }
  return { [Symbol.asyncDispose]: end }
}

async function submit(seed: number): Promise<string> {
  const input = { seed, profile: 'smoke', job: 'it' }
  const { task } = await api.submit({ key: randomUUID(), fingerprint: 'f', request: { type: 'agent', input } })
  return task.task_id
}

const log = (taskId: string): Promise<TaskEvent[]> =>
  Array.fromAsync(api.follow(taskId, 0, AbortSignal.timeout(60_000)))

test('when a silent database speaks again, no step is begun by a run that lost its job and by the next one', async () => {
  await using _workers = await startWorkers(2)
  const taskIds = await Promise.all(Array.from({ length: 40 }, (_, seed) => submit(seed)))
  const logs = Promise.all(taskIds.map(log))
  await sleep(500)
  {
    await using _silence = await impair('stall', {})
    // Until most steps in flight have ended, and every lock.
    await sleep(3 * lockMs)
    // As a worker would that was not cut off.
    expect(await putBackStalled(cluster.storeUrl!)).toBe(taskIds.length)
  }
  const healedAt = monotonicMs()
  for (const events of await logs) expect(events.at(-1)).toMatchObject({ type: 'task.completed' })
  const later = cluster.effects.filter(({ startedAt }) => startedAt > healedAt)
  const begun = Map.groupBy(later, ({ taskId, step }) => `${taskId} ${step}`)
  expect(later.length).toBeGreaterThan(taskIds.length)
  expect([...begun].filter(([, times]) => times.length > 1)).toEqual([])
})

test('a worker that gets a job back just as its last run of it finds out keeps the new lock', async () => {
  await using _workers = await startWorkers(1)
  const taskId = await submit(longStepSeed)
  for await (const { type } of api.follow(taskId, 0, AbortSignal.timeout(60_000))) if (type === 'task.progress') break
  await database.query('update task set epoch = epoch + 1 where task_id = $1', [taskId])
  const delayMs = 50
  {
    await using _distance = await impair('latency', { latency: delayMs, jitter: 0 })
    const steps = () => cluster.effects.filter((effect) => effect.taskId === taskId)
    await vi.waitFor(() => expect(steps()).toHaveLength(2), { timeout: 30_000, interval: 5 })
    // The run has asked twice after four of these, and the library has ended it after six. The next one begins in between.
    await sleep(2.5 * delayMs)
    const putBack = `update bullmq.job set state = 'waiting', lock_token = null, locked_until_ms = null
      where id = $1 returning pg_notify('bullmq_jobs', queue)`
    expect((await database.query(putBack, [taskId])).rowCount).toBe(1)
    await sleep(5 * delayMs)
  }
  expect((await log(taskId)).filter(({ type }) => type === 'task.resumed')).toHaveLength(1)
})

test('what cannot reach its database when it is opened is ready once it can', async () => {
  const url = cluster.storeUrl!.replace(new URL(cluster.storeUrl!).host, new URL(storeLink.url).host)
  const { backend, connection } = postgresBroker(url, timingOf({ timeScale, tuning: 'tuned' }))
  const open = () => new Queue(queueNames.tasks, { connection }, backend).on('error', () => {})
  const first = open()
  const reported: unknown[] = []
  let opening: Promise<ReturnType<typeof open>>
  {
    await using _silence = await impair('stall', {})
    await expect(first.waitUntilReady()).rejects.toThrow(/timeout/)
    opening = openReady(open, 50, (error) => reported.push(error))
    await sleep(1500)
  }
  const queue = await opening
  expect(reported.length).toBeGreaterThan(0)
  expect(await queue.getWaitingCount()).toBe(0)
  // The library's own word for it: whoever opens a worker as this one is has a worker that takes no job, ever.
  await expect(first.getWaitingCount()).rejects.toThrow(/timeout/)
  await Promise.all([first.close(), queue.close()])
})
