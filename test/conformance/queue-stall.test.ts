import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { Link } from '../../harness/core/link.ts'
import { monotonicMs } from '../../patterns/contract/patience.ts'
import engine from '../../patterns/engines/queue-memo/engine.ts'
import { queueNames } from '../../patterns/engines/queue/queues.ts'
import { type EngineCluster, startCluster } from '../support/engine-cluster.ts'

/** Steps of a second or so, and a lock of one. */
const timeScale = 8
const tasks = 40

/** Until every step in flight has ended, and every lock. */
async function stall(link: Link, lockMs: number): Promise<AsyncDisposable> {
  const lease = { seed: 1, expiresMs: 60_000 }
  const silence = async (stream: 'upstream' | 'downstream') =>
    link.impair({ name: `stall-${stream}`, type: 'stall', stream, toxicity: 1, attributes: {} }, lease)
  const both = [await silence('upstream'), await silence('downstream')]
  await sleep(3 * lockMs)
  return { [Symbol.asyncDispose]: async () => void (await Promise.all(both.map((one) => one.heal()))) }
}

/** What a worker that was not cut off does meanwhile: it looks for stalled jobs twice, and puts them back. */
async function putBackStalled({ storeUrl }: EngineCluster): Promise<number> {
  const client = new pg.Client(storeUrl)
  await client.connect()
  const nowMs = '(extract(epoch from clock_timestamp()) * 1000)::bigint'
  const look = () => client.query(`select bullmq.move_stalled_jobs_to_wait('${queueNames.tasks}', 1000, ${nowMs}, 0)`)
  const found = (await look()).rowCount! + (await look()).rowCount!
  await client.end()
  return found
}

test('when a silent database speaks again, no step is begun by a run that lost its job and by the next one', async () => {
  await using cluster = await startCluster(engine, timeScale)
  const api = await cluster.openApi()
  const workers = [await cluster.startWorker(), await cluster.startWorker()]
  const ended = Array.from({ length: tasks }, async (_, seed) => {
    const input = { seed, profile: 'smoke', job: 'it' }
    const { task } = await api.submit({ key: randomUUID(), fingerprint: 'f', request: { type: 'agent', input } })
    const log = await Array.fromAsync(api.follow(task.task_id, 0, AbortSignal.timeout(60_000)))
    return log.at(-1)!
  })
  await sleep(500)
  let putBack: number
  {
    await using _silence = await stall(cluster.links.get('worker->store')!, 1000)
    putBack = await putBackStalled(cluster)
  }
  const healedAt = monotonicMs()
  expect(putBack).toBe(tasks)
  for (const end of await Promise.all(ended)) expect(end).toMatchObject({ type: 'task.completed' })
  const later = cluster.effects.filter(({ startedAt }) => startedAt > healedAt)
  const begun = Map.groupBy(later, ({ taskId, step }) => `${taskId} ${step}`)
  expect(later.length).toBeGreaterThan(tasks)
  expect([...begun].filter(([, times]) => times.length > 1)).toEqual([])
  for (const worker of workers) {
    worker.signal('SIGKILL')
    await worker.ended
  }
  await api[Symbol.asyncDispose]()
})
