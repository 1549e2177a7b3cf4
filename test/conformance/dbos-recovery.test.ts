import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { foldEvents } from '../../patterns/contract/types/fold.ts'
import { timeoutsAt } from '../../patterns/contract/types/timeouts.ts'
import dbos, { supervised } from '../../patterns/engines/dbos/engine.ts'
import { supervise } from '../../patterns/engines/dbos/worker.ts'
import { supervisedTimeouts as timeouts } from '../../patterns/engines/dbos/engine.ts'
import { type EngineCluster, startCluster } from '../support/engine-cluster.ts'
import { rightAnswer } from '../support/tools.ts'

/** 300 s of work in 3.75 s, a silence of 1 s, a beat of 0.2 s, a poll of 0.1 s. */
const timeScale = 80
const pace = { tuning: 'tuned', timeScale } as const
const { silenceMs, beatMs, queuePollMs } = timeoutsAt(timeouts, pace)
/** What else a busy machine takes until a step runs again. */
const slackMs = 3000

async function submit(api: Backend): Promise<string> {
  const key = randomUUID()
  const input = { seed: 7, profile: 'research-write', job: key }
  const { task } = await api.submit({ key, request: { type: 'agent', input }, fingerprint: key })
  return task.task_id
}

/** A long task, seen when step 3 is done. It comes no further than to its next tool call, until the release. */
async function atStepThree(cluster: EngineCluster, api: Backend) {
  const taskId = await submit(api)
  for await (const event of api.follow(taskId, 0, AbortSignal.timeout(90_000)))
    if (event.data['step'] === 3) return { taskId, release: cluster.holdTools((id) => id === taskId) }
  throw new Error('the task never came to step 3')
}

async function expectCompleted(cluster: EngineCluster, api: Backend, taskId: string): Promise<readonly TaskEvent[]> {
  const events = await Array.fromAsync(api.follow(taskId, 0, AbortSignal.timeout(120_000)))
  const task = foldEvents(events)
  expect(task).toMatchObject({ status: 'completed', result: { digest: rightAnswer(task.input) } })
  const steps = cluster.effects.filter((effect) => effect.taskId === taskId).map(({ step }) => step)
  expect(new Set(steps).size).toBe(12)
  // At most the step in flight was executed again.
  expect(steps.length).toBeLessThanOrEqual(13)
  return events
}

/** From one moment to the record that somebody goes on with the task, and who that is. */
function resumption(events: readonly TaskEvent[], sinceMs: number) {
  const resumed = events.filter(({ type }) => type === 'task.resumed')
  expect(resumed).toHaveLength(1)
  return { afterMs: Date.parse(resumed[0]!.time) - sinceMs, executor: resumed[0]!.data['executor'] }
}

/** What the library's own table says about a task. */
async function rowOf(cluster: EngineCluster, taskId: string): Promise<{ status: string; executor_id: string }> {
  const [row] = await ask<{ status: string; executor_id: string }>(
    cluster,
    'select status, executor_id from dbos.workflow_status where workflow_uuid = $1',
    [taskId],
  )
  return row!
}

async function ask<Row>(cluster: EngineCluster, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client(cluster.storeUrl)
  await client.connect()
  try {
    return (await client.query(text, values)).rows as Row[]
  } finally {
    await client.end()
  }
}

/** Until the connection is ended, nobody else can write the row of this executor. */
async function holdBeatOf(node: string, cluster: EngineCluster): Promise<pg.Client> {
  const client = new pg.Client(cluster.storeUrl)
  await client.connect()
  await client.query('begin')
  await client.query('insert into outlast_executor values ($1, now())', [node])
  return client
}

async function waitersIn(cluster: EngineCluster): Promise<number> {
  const [row] = await ask<{ n: number }>(cluster, 'select count(*)::int as n from pg_locks where not granted')
  return row!.n
}

// Every test has a cluster of its own: those of one engine come one after the other.
const inTurn = { concurrent: false }

describe.concurrent.each<Engine>([dbos, supervised])('engine $name', (engine) => {
  const takesOver = engine.promises.includes('no-lost-task')

  test('a worker that was killed and comes back under its name resumes what it had', inTurn, async () => {
    await using cluster = await startCluster(engine, timeScale)
    await using api = await cluster.openApi()
    const worker = await cluster.startWorker()
    const { taskId, release } = await atStepThree(cluster, api)
    worker.signal('SIGKILL')
    await worker.ended
    release()
    await cluster.startWorker(worker.node)
    const restartedAt = Date.now()
    const { afterMs, executor } = resumption(await expectCompleted(cluster, api, taskId), restartedAt)
    expect(executor).toBe(worker.node)
    // A poll: nobody waits for a silence.
    expect(afterMs).toBeLessThan(queuePollMs + slackMs)
  })

  if (takesOver)
    test('a survivor takes over what a killed worker had, which nobody restarts', inTurn, async () => {
      await using cluster = await startCluster(engine, timeScale)
      await using api = await cluster.openApi()
      const worker = await cluster.startWorker()
      const { taskId, release } = await atStepThree(cluster, api)
      const survivor = await cluster.startWorker()
      worker.signal('SIGKILL')
      const killedAt = Date.now()
      release()
      const { afterMs, executor } = resumption(await expectCompleted(cluster, api, taskId), killedAt)
      expect(executor).toBe(survivor.node)
      expect(afterMs).toBeGreaterThan(silenceMs - 2 * beatMs)
      expect(afterMs).toBeLessThan(silenceMs + 2 * beatMs + queuePollMs + slackMs)
    })

  if (!takesOver)
    test('a survivor never takes over: the task waits for the name, and loses nothing', inTurn, async () => {
      await using cluster = await startCluster(engine, timeScale)
      await using api = await cluster.openApi()
      const worker = await cluster.startWorker()
      const { taskId, release } = await atStepThree(cluster, api)
      await cluster.startWorker()
      worker.signal('SIGKILL')
      await worker.ended
      release()
      // The survivor is at work: another task is done by it, meanwhile and after fifty polls.
      const waitedMs = 50 * queuePollMs
      await expectCompleted(cluster, api, await submit(api))
      await new Promise((resolve) => setTimeout(resolve, waitedMs))
      await expectCompleted(cluster, api, await submit(api))
      expect(await rowOf(cluster, taskId)).toEqual({ status: 'PENDING', executor_id: worker.node })
      expect((await api.read(taskId))?.status).toBe('running')
      await cluster.startWorker(worker.node)
      await expectCompleted(cluster, api, taskId)
    })

  if (takesOver)
    test('a worker that wakes up while another goes on with its task drops it, and works again', inTurn, async () => {
      await using cluster = await startCluster(engine, timeScale)
      await using api = await cluster.openApi()
      const zombie = await cluster.startWorker()
      const { taskId, release } = await atStepThree(cluster, api)
      zombie.signal('SIGSTOP')
      release()
      const survivor = await cluster.startWorker()
      for await (const { type } of api.follow(taskId, 0, AbortSignal.timeout(90_000)))
        if (type === 'task.resumed') break
      const wokenAfter = cluster.effects.length
      zombie.signal('SIGCONT')
      const events = await expectCompleted(cluster, api, taskId)
      expect(resumption(events, 0).executor).toBe(survivor.node)
      // It had begun one step before it was stopped, and may have ended that.
      const late = cluster.effects.slice(wokenAfter).filter(({ executor }) => executor === zombie.node)
      expect(late.length).toBeLessThanOrEqual(1)
      survivor.signal('SIGKILL')
      await expectCompleted(cluster, api, await submit(api))
      expect(cluster.effects.at(-1)!.executor).toBe(zombie.node)
      expect(await api.events(taskId, 0)).toEqual(events)
    })

  if (takesOver)
    test('a worker that starts has said that it lives before it claims anything', inTurn, async () => {
      await using cluster = await startCluster(engine, timeScale)
      await using api = await cluster.openApi()
      await using _other = await supervise({ node: 'other', storeUrl: cluster.storeUrl!, ...pace }, new Map())
      const taskId = await submit(api)
      const beat = await holdBeatOf('worker-0', cluster)
      const starting = cluster.startWorker('worker-0')
      await vi.waitFor(async () => expect(await waitersIn(cluster)).toBe(1), 30_000)
      // Long enough for claims, and for the other one to sweep.
      await new Promise((resolve) => setTimeout(resolve, 10 * queuePollMs))
      await beat.end()
      await starting
      const events = await expectCompleted(cluster, api, taskId)
      expect(events.map(({ type }) => type)).not.toContain('task.resumed')
    })

  test('a disk that is full for a while holds tasks up, and loses none', inTurn, async () => {
    await using cluster = await startCluster(engine, timeScale)
    await using api = await cluster.openApi()
    await cluster.startWorker()
    const { taskId, release } = await atStepThree(cluster, api)
    release()
    // The error that PostgreSQL has for it: disk_full.
    await ask(
      cluster,
      `create function fill() returns trigger language plpgsql as
         $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
       create trigger full_disk before insert or update on dbos.workflow_status
         for each statement execute function fill();
       create trigger full_disk before insert on dbos.operation_outputs for each statement execute function fill();`,
    )
    await expect(submit(api)).rejects.toMatchObject({ kind: 'temporary-reduced-capacity' })
    const { version } = (await api.read(taskId))!
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect((await api.read(taskId))?.version).toBe(version)
    await ask(
      cluster,
      'drop trigger full_disk on dbos.operation_outputs; drop trigger full_disk on dbos.workflow_status',
    )
    await expectCompleted(cluster, api, taskId)
  })
})
