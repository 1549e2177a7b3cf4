import { randomUUID } from 'node:crypto'
import { Worker } from 'bullmq'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { openTaskLog } from '../../patterns/engines/queue/task-log.ts'
import engine from '../../patterns/engines/queue/engine.ts'
import type { TaskLog } from '../../patterns/engines/_bullmq/executor.ts'
import { queueNames } from '../../patterns/engines/_bullmq/queues.ts'
import { postgresBroker } from '../../patterns/engines/queue/worker.ts'
import { timingOf } from '../../patterns/engines/_bullmq/declaration.ts'
import type { Claim } from '../../patterns/contract/engine/journal.ts'
import { KnownLog } from '../../patterns/contract/engine/known-log.ts'
import { openStore, type Store } from '../../patterns/engines/_postgres/store.ts'
import { type EngineCluster, startCluster } from '../support/engine-cluster.ts'
import { putBackStalled } from '../support/stalled-jobs.ts'

/** As shipped, with a lock of 1 s. */
const pace = { tuning: 'default', timeScale: 80 } as const
const timing = timingOf(pace)

let cluster: EngineCluster
let api: Backend
let store: Store
let log: TaskLog
/** The library's, without anybody who would renew its locks. */
let worker: Worker

beforeAll(async () => {
  cluster = await startCluster(engine, pace.timeScale, pace)
  api = await cluster.openApi()
  const url = cluster.storeUrl!
  store = openStore({ url, timing, connections: 2, patienceMs: 10_000 })
  log = openTaskLog(store, pace)
  const { backend, connection } = postgresBroker(url, timing)
  worker = new Worker(queueNames.tasks, null, { connection, autorun: false } as never, backend as never)
})

afterEach(() => store.query({ name: 'empty', text: 'delete from bullmq.job where queue = $1' }, [queueNames.tasks]))

afterAll(async () => {
  await worker?.close()
  await store?.[Symbol.asyncDispose]()
  await api?.[Symbol.asyncDispose]()
  await cluster?.[Symbol.asyncDispose]()
})

/** A task, and the token of the one run that has its job. */
async function takeTask() {
  const input = { seed: 7, profile: 'smoke', job: 'it' }
  const { task } = await api.submit({ key: randomUUID(), fingerprint: 'f', request: { type: 'agent', input } })
  const token = randomUUID()
  const job = await worker.getNextJob(token, { block: false })
  expect(job!.id).toBe(task.task_id)
  return { taskId: task.task_id, token, job: job! }
}

const write = async (claim: Claim): Promise<TaskEvent> => {
  const known = new KnownLog(claim.log)
  await log.journal.append(claim, known, () => [next(known.head)])
  return known.head
}
const next = (last: TaskEvent): TaskEvent => ({ ...last, seq: last.seq + 1, type: 'task.progress', status: 'running' })

const expireLock = (taskId: string) =>
  store.query({ name: 'expire', text: 'update bullmq.job set locked_until_ms = 1 where id = $1' }, [taskId])

test('a run whose lock has run out, and that nobody has taken over, goes on, and is under a lock again', async () => {
  const { taskId, token, job } = await takeTask()
  const claim = (await log.claim(taskId, token))!
  await expireLock(taskId)
  expect(await write(claim)).toMatchObject({ seq: 2 })
  await putBackStalled(cluster.storeUrl!)
  expect(await worker.getNextJob(randomUUID(), { block: false })).toBeUndefined()
  expect(await job.extendLock(token, timing.lockMs)).toBe(1)
})

test('a run whose job was put back records what it has done, and does not go on', async () => {
  const { taskId, token } = await takeTask()
  const claim = (await log.claim(taskId, token))!
  await expireLock(taskId)
  await putBackStalled(cluster.storeUrl!)
  await expect(write(claim)).rejects.toThrow('went to another worker')
  expect(await log.read(taskId)).toMatchObject([{}, { type: 'task.progress' }])
  expect((await worker.getNextJob(randomUUID(), { block: false }))!.id).toBe(taskId)
})

test('a run that comes to its task late does not fence off the one that has the job', async () => {
  const { taskId, token } = await takeTask()
  await expireLock(taskId)
  await putBackStalled(cluster.storeUrl!)
  const heir = randomUUID()
  expect((await worker.getNextJob(heir, { block: false }))!.id).toBe(taskId)
  const claim = (await log.claim(taskId, heir))!
  expect(await log.claim(taskId, token)).toBeUndefined()
  expect(await write(claim)).toMatchObject({ seq: 2 })
})

test('what the queue gave up is ended by whoever finds it', async () => {
  const { taskId, token, job } = await takeTask()
  await log.claim(taskId, token)
  job.opts.attempts = 1
  await job.moveToFailed(new Error('enough'), token)
  const claim = (await log.claim(taskId, 'a node'))!
  expect(await write(claim)).toMatchObject({ seq: 2 })
})
