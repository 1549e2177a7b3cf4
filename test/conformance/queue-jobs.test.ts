import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import processes from '../../harness/runtimes/process.ts'
import { planTask } from '../../patterns/agent/plan.ts'
import type { Backend, Submission } from '../../patterns/contract/engine/backend.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { createdEvent } from '../../patterns/contract/engine/log.ts'
import type { TaskRequest } from '../../patterns/contract/types/task.ts'
import { lineOf } from '../../patterns/engines/queue-redis/task-log.ts'
import { openRedisStore, redisBroker } from '../../patterns/engines/queue-redis/connection.ts'
import onRedis from '../../patterns/engines/queue-redis/engine.ts'
import { accept, keysOf, outboxes } from '../../patterns/engines/queue-redis/scripts.ts'
import onPostgres from '../../patterns/engines/queue/engine.ts'
import { attempts, queueNames } from '../../patterns/engines/_bullmq/queues.ts'
import { postgresBroker } from '../../patterns/engines/queue/worker.ts'
import { timingOf } from '../../patterns/engines/_bullmq/declaration.ts'
import { type EngineCluster, startCluster } from '../support/engine-cluster.ts'

/** As shipped, with a lock of 1 s. */
const pace = { tuning: 'default', timeScale: 80 } as const
const timing = timingOf(pace)
const patience = { timeout: 60_000, interval: 20 }

let cluster: EngineCluster
let api: Backend
let tasks: Queue

async function open(engine: typeof onPostgres): Promise<void> {
  cluster = await startCluster(engine, pace.timeScale, pace)
  api = await cluster.openApi()
  const url = cluster.storeUrl!
  const { backend, connection } = engine === onRedis ? redisBroker(url, timing) : postgresBroker(url, timing)
  tasks = new Queue(queueNames.tasks, { connection } as never, backend as never)
  tasks.on('error', () => {})
}
async function close(): Promise<void> {
  await tasks?.close()
  await api?.[Symbol.asyncDispose]()
  await cluster?.[Symbol.asyncDispose]()
}

function submission(more: Partial<TaskRequest> = {}, profile = 'research-write'): Submission {
  const input = { seed: 7, profile, job: 'it' }
  return { key: randomUUID(), fingerprint: 'f', request: { type: 'agent', input, ...more } }
}

async function log(taskId: string): Promise<TaskEvent[]> {
  return Array.fromAsync(api.follow(taskId, 0, AbortSignal.timeout(60_000)))
}

/** Until the attempt has done this many steps. */
async function seen(taskId: string, attempt: number, step: number): Promise<void> {
  for await (const event of api.follow(taskId, 0, AbortSignal.timeout(60_000)))
    if (event.attempt === attempt && event.type === 'task.progress' && event.data['step'] === step) return
}

/** Behind the library's back. */
async function inStore(text: string, id: string): Promise<readonly unknown[]> {
  const client = new pg.Client(cluster.storeUrl)
  await client.connect()
  const { rows } = await client.query(text, [id])
  await client.end()
  return rows
}

/** As a worker's who looks for stalled jobs: the one stall that a job may have. */
async function takeLock(engine: typeof onPostgres, taskId: string): Promise<void> {
  const stall = `update bullmq.job set state = 'waiting', lock_token = null, locked_until_ms = null, stalled_count = 1
    where id = $1 returning pg_notify('bullmq_jobs', queue)`
  if (engine !== onRedis) return void expect(await inStore(stall, taskId)).toHaveLength(1)
  const redis = new Redis(cluster.storeUrl!)
  expect(await redis.del(`bull:${queueNames.tasks}:${taskId}:lock`)).toBe(1)
  redis.disconnect()
}

/** A job as the library keeps it, without what is every job's own. */
async function jobRow(id: string): Promise<Record<string, unknown>> {
  const text = `select to_jsonb(job) - '{id,seq,added_at_ms}'::text[] as row from bullmq.job where id = $1`
  const [found] = await inStore(text, id)
  return (found as { row: Record<string, unknown> }).row
}

describe('queue', () => {
  beforeAll(() => open(onPostgres))
  afterAll(close)

  test('a task’s job is what the library would have added, and goes when it is done', async () => {
    const { task } = await api.submit(submission({}, 'smoke'))
    const { backoff } = (await tasks.getJob(task.task_id))!.opts
    await tasks.add(queueNames.tasks, {}, { jobId: 'theirs', attempts, ...(backoff !== undefined && { backoff }) })
    const [ours, theirs] = [await jobRow(task.task_id), await jobRow('theirs')]
    expect(ours).toMatchObject({ state: 'waiting', max_attempts: attempts, opts: { backoff: { type: 'exponential' } } })
    expect(theirs).toEqual({ ...ours, opts: { ...(ours['opts'] as object), jobId: 'theirs' } })
    await tasks.remove('theirs')
    const worker = await cluster.startWorker()
    expect((await log(task.task_id)).at(-1)!.type).toBe('task.completed')
    await vi.waitFor(async () => expect(await tasks.getJob(task.task_id)).toBeUndefined(), patience)
    worker.signal('SIGKILL')
    await worker.ended
  })
})

const reason = await processes.whyNot(onRedis.services)
if (reason !== undefined) console.warn(`engine queue-redis is skipped: ${reason}`)
const engines = [onPostgres, ...(reason === undefined ? [onRedis] : [])]

describe.each(engines)('$name as shipped', (engine) => {
  beforeAll(() => open(engine))
  afterAll(close)

  test('a task whose worker is killed twice ends failed, with its callback: the queue gives its job up', async () => {
    const { task } = await api.submit(submission({ delivery: { webhook_url: cluster.webhookUrl } }))
    for (const attempt of [1, 2]) {
      const worker = await cluster.startWorker()
      await seen(task.task_id, attempt, 2)
      worker.signal('SIGKILL')
      await worker.ended
    }
    const survivor = await cluster.startWorker()
    const events = await log(task.task_id)
    const reason = expect.stringContaining('stalled more than allowable') as string
    expect(events.at(-1)).toMatchObject({ type: 'task.failed', attempt: 2, data: { reason } })
    expect(events.filter(({ type }) => type === 'task.resumed')).toHaveLength(1)
    await vi.waitFor(() => expect(cluster.callbacks).toMatchObject([{ taskId: task.task_id }]), patience)
    await vi.waitFor(async () => expect(await tasks.getFailedCount()).toBe(0), patience)
    survivor.signal('SIGKILL')
    await survivor.ended
  })

  test('a worker that wakes up after its lock writes nothing any more', async () => {
    const zombie = await cluster.startWorker()
    const { task } = await api.submit(submission())
    await seen(task.task_id, 1, 2)
    zombie.signal('SIGSTOP')
    const heir = await cluster.startWorker()
    const events = await log(task.task_id)
    expect(events.at(-1)).toMatchObject({ type: 'task.completed', attempt: 2 })
    zombie.signal('SIGCONT')
    // Awake when it can do somebody else's work again.
    heir.signal('SIGSTOP')
    const { task: next } = await api.submit(submission({}, 'smoke'))
    expect((await log(next.task_id))[1]).toMatchObject({ data: { executor: zombie.node } })
    expect(await api.events(task.task_id, 0)).toEqual(events)
    for (const worker of [zombie, heir]) worker.signal('SIGKILL')
    await Promise.all([zombie.ended, heir.ended])
  })

  test('a worker that lost its lock and gets the job back keeps the new lock, and no other run beside it', async () => {
    const worker = await cluster.startWorker()
    const { task } = await api.submit(submission())
    await seen(task.task_id, 1, 2)
    await takeLock(engine, task.task_id)
    // Three locks long: one that nobody renewed would be the second stall, and the job's end.
    expect((await log(task.task_id)).at(-1)).toMatchObject({ type: 'task.completed', attempt: 2 })
    const runs = cluster.effects.filter(({ taskId }) => taskId === task.task_id).map(({ attempt }) => attempt)
    expect(runs).toEqual(runs.toSorted((a, b) => a - b))
    worker.signal('SIGKILL')
    await worker.ended
  })

  test('a task that is past its deadline expires', async () => {
    const worker = await cluster.startWorker()
    const { task } = await api.submit(submission({ deadline_s: 60 }))
    expect((await log(task.task_id)).at(-1)!.type).toBe('task.expired')
    worker.signal('SIGKILL')
    await worker.ended
  })

  test('a task that is cancelled before anybody began it is never begun', async () => {
    const { task } = await api.submit(submission())
    expect(await api.cancel(task.task_id)).toMatchObject({ status: 'cancelling' })
    const worker = await cluster.startWorker()
    const types = (await log(task.task_id)).map(({ type }) => type)
    expect(types).toEqual(['task.created', 'task.cancel_requested', 'task.cancelled'])
    worker.signal('SIGKILL')
    await worker.ended
  })
})

describe.runIf(reason === undefined)('queue-redis', () => {
  beforeAll(() => open(onRedis))
  afterAll(close)

  /** As an API node that dies before it has added the job. */
  async function acceptOnly(taskId: string, request: TaskRequest): Promise<void> {
    await using store = openRedisStore({ url: cluster.storeUrl!, timing, patienceMs: 10_000 })
    const plan = planTask({ seed: 7, profile: 'smoke' }, pace.timeScale)
    const { task, log } = keysOf(taskId)
    const line = lineOf(0, createdEvent(taskId, request, plan, new Date()))
    await store.run(accept, [task, log, outboxes.tasks], [taskId, 'f', line])
    expect(await tasks.getJob(taskId)).toBeUndefined()
  }

  test('a task that was accepted by an API node that died before it added the job gets one', async () => {
    await acceptOnly('task_orphan', submission({}, 'smoke').request)
    const worker = await cluster.startWorker()
    expect((await log('task_orphan')).at(-1)!.type).toBe('task.completed')
    worker.signal('SIGKILL')
    await worker.ended
  })

  test('a worker keeps its connections while a job waits for its time', async () => {
    const worker = await cluster.startWorker()
    await tasks.add(queueNames.tasks, {}, { jobId: 'later', delay: 600_000 })
    const redis = new Redis(cluster.storeUrl!)
    const opened = async () => Number(/total_connections_received:(\d+)/.exec(await redis.info('stats'))![1])
    await sleep(2 * timing.queryTimeoutMs)
    const before = await opened()
    await sleep(3 * timing.queryTimeoutMs)
    expect((await opened()) - before).toBe(0)
    redis.disconnect()
    await tasks.remove('later')
    worker.signal('SIGKILL')
    await worker.ended
  })

  test('a task whose job throws on every try ends, too', async () => {
    await acceptOnly('task_odd', submission({}, 'a profile of tomorrow').request)
    const worker = await cluster.startWorker()
    const [, end] = await log('task_odd')
    const reason = expect.stringContaining('a profile of tomorrow') as string
    expect(end).toMatchObject({ type: 'task.rejected', data: { reason } })
    worker.signal('SIGKILL')
    await worker.ended
  })
})
