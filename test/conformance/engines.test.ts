import { createHash } from 'node:crypto'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ToxicSpec } from '../../harness/model/link.ts'
import type { Backend, Submission } from '../../patterns/contract/engine/backend.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { foldEvents } from '../../patterns/contract/types/fold.ts'
import { isTerminal, type Task } from '../../patterns/contract/types/task.ts'
import { serveOver } from './support/api-node.ts'
import { send } from './support/http.ts'
import { openStream } from './support/sse.ts'
import { type EngineCluster, startCluster, type Worker } from '../support/engine-cluster.ts'
import { presentEnginesOfOwnCode } from '../support/engines.ts'
import { openLanes } from '../support/lanes.ts'
import { rightAnswer } from '../support/tools.ts'
import { untilAccepted } from '../support/until-accepted.ts'

/** 300 s of work in 3.75 s, a lease of 1 s. */
const timeScale = 80
const patience = { timeout: 60_000, interval: 20 }

let ordinal = 0
function submission(extra: { key?: string; profile?: string; webhookUrl?: string; seed?: number } = {}): Submission {
  const key = extra.key ?? `job-${process.pid}-${++ordinal}`
  const input = { seed: extra.seed ?? 7, profile: extra.profile ?? 'smoke', job: key }
  const delivery = extra.webhookUrl ? { delivery: { webhook_url: extra.webhookUrl } } : {}
  const request = { type: 'agent' as const, input, ...delivery }
  return { key, request, fingerprint: createHash('sha256').update(JSON.stringify(request)).digest('hex') }
}

async function collect(backend: Backend, taskId: string, after = 0): Promise<TaskEvent[]> {
  return Array.fromAsync(backend.follow(taskId, after, AbortSignal.timeout(90_000)))
}

/** Gapless from 1, one terminal event and that the last, and the fold is what a read shows. */
function expectSoundLog(events: readonly TaskEvent[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  expect(events.filter(({ status }) => isTerminal(status))).toEqual([events.at(-1)])
}

function callbacksOf(cluster: EngineCluster, { task_id }: Task) {
  return cluster.callbacks.filter(({ taskId }) => taskId === task_id)
}

function stepsOf(events: readonly TaskEvent[]): unknown[] {
  return events.filter(({ type }) => type === 'task.progress').map(({ data }) => data['step'])
}

/** The steps of each execution attempt. */
function attemptsIn(events: readonly TaskEvent[]): number[][] {
  return [...Map.groupBy(events, ({ attempt }) => attempt).values()].map((attempt) => stepsOf(attempt) as number[])
}

// @busy: some tests load the whole machine. An engine with its servers waits for most of a test. So some are tried side by side, and the tests of each one after the other.
vi.setConfig({ maxConcurrency: 3 })
const inTurn = { concurrent: false }
const openLane = openLanes()

describe.concurrent.each(await presentEnginesOfOwnCode())('engine $name', (engine) => {
  const lane = openLane()
  const durable = engine.promises.includes('no-lost-task')
  const resumes = engine.promises.includes('effect-once')
  let cluster: EngineCluster
  let backend: Backend
  let workers: Worker[]

  beforeAll(async () => {
    await lane.enter()
    cluster = await startCluster(engine, timeScale)
    workers = engine.executor === 'worker' ? [await cluster.startWorker()] : []
    backend = await cluster.openApi()
    lane.leave()
  })
  beforeEach(() => lane.enter())
  afterEach(() => lane.leave())
  afterAll(async () => {
    lane.leave()
    await backend?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  test('runs a task to the right answer, and every view of it agrees', inTurn, async () => {
    const { task, replayed } = await backend.submit(submission({ profile: 'research-write' }))
    expect(replayed).toBe(false)
    expect(task.version).toBeGreaterThanOrEqual(1)
    const events = await collect(backend, task.task_id)
    expectSoundLog(events)
    expect(stepsOf(events)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(await backend.events(task.task_id, 0)).toEqual(events)
    expect(await backend.events(task.task_id, 5)).toEqual(events.slice(5))
    const seen = await backend.read(task.task_id)
    expect(seen).toEqual(foldEvents(events))
    expect(seen).toMatchObject({
      status: 'completed',
      attempt: 1,
      result: { digest: rightAnswer(task.input), steps: 12 },
    })
    const effects = cluster.effects.filter(({ taskId }) => taskId === task.task_id)
    expect(effects.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(effects[0]).toMatchObject({ task: task.input.job, attempt: 1 })
  })

  test('one key is one task, also when it is used many times at once', inTurn, async () => {
    const wanted = submission()
    const answers = await Promise.all(Array.from({ length: 20 }, () => untilAccepted(backend, wanted)))
    expect(new Set(answers.map(({ task }) => task.task_id)).size).toBe(1)
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
    const { task_id } = answers[0]!.task
    expectSoundLog(await collect(backend, task_id))
    expect((await backend.submit(wanted)).replayed).toBe(true)
    expect(cluster.effects.filter(({ taskId }) => taskId === task_id)).toHaveLength(3)
  })

  test('a key that comes with another request is refused', inTurn, async () => {
    const { key } = submission()
    await backend.submit(submission({ key, seed: 1 }))
    await expect(backend.submit(submission({ key, seed: 2 }))).rejects.toMatchObject({ kind: 'idempotency-key-reused' })
  })

  test('what does not exist is undefined, or an end', inTurn, async () => {
    expect(await backend.read('task_none')).toBeUndefined()
    expect(await backend.events('task_none', 0)).toBeUndefined()
    expect(await backend.cancel('task_none')).toBeUndefined()
    expect(await collect(backend, 'task_none')).toEqual([])
  })

  test('followers that come at any time see the rest of the log, and end with it', inTurn, async () => {
    const { task } = await backend.submit(submission())
    const [early, late] = [collect(backend, task.task_id), collect(backend, task.task_id, 2)]
    const all = await early
    expectSoundLog(all)
    expect(await late).toEqual(all.slice(2))
    expect(await collect(backend, task.task_id, 3)).toEqual(all.slice(3))
    expect(await collect(backend, task.task_id, all.length)).toEqual([])
    const gone = new AbortController()
    const { task: second } = await backend.submit(submission({ profile: 'research-write' }))
    const seen: number[] = []
    for await (const { seq } of backend.follow(second.task_id, 0, gone.signal)) if (seen.push(seq) === 2) gone.abort()
    expect(seen.slice(0, 2)).toEqual([1, 2])
    expect(seen.length).toBeLessThan(14)
  })

  test('a stream from a place beyond the log begins again, at once', inTurn, async () => {
    const { task } = await backend.submit(submission({ profile: 'research-write' }))
    await using api = await serveOver(backend, 'sse')
    const events = `${api.url}/v1/tasks/${task.task_id}/events`
    const began = performance.now()
    const stream = await openStream(events, { 'last-event-id': '999999' })
    await vi.waitFor(() => expect(stream.names.slice(0, 2)).toEqual(['stream.reset', 'task.created']), patience)
    expect(performance.now() - began).toBeLessThan(1000)
    stream.close()
    expect((await send(`${events}?after=999999`)).status).toBe(400)
    const { version } = (await backend.read(task.task_id))!
    const rest = await openStream(events, { 'last-event-id': String(version) })
    await rest.ended
    expect([rest.names[0], rest.names.at(-1)]).toEqual([expect.not.stringMatching('stream.reset'), 'task.completed'])
    expect(rest.ids[0]).toBe(String(version + 1))
  })

  test('a cancelled task ends cancelled, without the steps that were to come', inTurn, async () => {
    const { task } = await backend.submit(submission({ profile: 'research-write' }))
    for await (const { type } of backend.follow(task.task_id, 0, AbortSignal.timeout(60_000)))
      if (type === 'task.progress') break
    const cancelling = await backend.cancel(task.task_id)
    expect(['cancelling', 'cancelled']).toContain(cancelling?.status)
    const events = await collect(backend, task.task_id)
    expectSoundLog(events)
    expect(events.at(-1)!.type).toBe('task.cancelled')
    expect(stepsOf(events).length).toBeLessThan(12)
    expect(await backend.cancel(task.task_id)).toMatchObject({ status: 'cancelled', version: events.length })
  })

  test('the callback of a finished task is posted', inTurn, async () => {
    const { task } = await backend.submit(submission({ webhookUrl: cluster.webhookUrl }))
    const events = await collect(backend, task.task_id)
    await vi.waitFor(() => expect(callbacksOf(cluster, task)).toHaveLength(1), patience)
    // The delivery hangs up on a receiver that is slow to answer, as this process may be: then there is no body to compare.
    for (const { body } of callbacksOf(cluster, task)) if (body) expect(body).toEqual(foldEvents(events))
  })

  test('two hundred tasks at once all end right', inTurn, async () => {
    await lane.goAlone()
    const submissions = Array.from({ length: 200 }, (_, seed) => submission({ seed }))
    const tasks = await Promise.all(submissions.map((one) => untilAccepted(backend, one)))
    const logs = await Promise.all(tasks.map(({ task }) => collect(backend, task.task_id)))
    logs.forEach(expectSoundLog)
    expect(logs.map((log) => foldEvents(log).result?.digest)).toEqual(tasks.map(({ task }) => rightAnswer(task.input)))
  })

  if (durable)
    describe('survives', () => {
      /** A long task, seen when step 3 is done. */
      async function atStepThree(): Promise<Task> {
        const { task } = await backend.submit(submission({ profile: 'research-write', webhookUrl: cluster.webhookUrl }))
        for await (const event of backend.follow(task.task_id, 0, AbortSignal.timeout(60_000)))
          if (event.type === 'task.progress' && event.data['step'] === 3) break
        return task
      }

      /** Each interruption may repeat the step in flight, or all steps until then where an engine promises no more. */
      async function expectCompleted(task: Task, interruptions: number): Promise<TaskEvent[]> {
        const events = await collect(backend, task.task_id)
        expectSoundLog(events)
        for (const steps of attemptsIn(events)) expect(steps).toEqual(steps.map((_, i) => steps[0]! + i))
        const last = attemptsIn(events).at(-1)!
        expect(last.at(-1)).toBe(12)
        if (resumes) expect(stepsOf(events)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
        else for (const steps of attemptsIn(events)) expect(steps[0] ?? 1).toBe(1)
        expect(foldEvents(events).result?.digest).toBe(rightAnswer(task.input))
        const steps = cluster.effects.filter(({ taskId }) => taskId === task.task_id).map(({ step }) => step)
        expect(new Set(steps).size).toBe(12)
        expect(steps.length - 12).toBeLessThanOrEqual(interruptions * (resumes ? 1 : 12))
        await vi.waitFor(() => expect(callbacksOf(cluster, task)).not.toHaveLength(0), patience)
        return events
      }

      test('a new API node: it knows the old tasks and follows them on', inTurn, async () => {
        const task = await atStepThree()
        await backend[Symbol.asyncDispose]()
        backend = await cluster.openApi()
        expect(await backend.read(task.task_id)).toMatchObject({ task_id: task.task_id, input: task.input })
        await expectCompleted(task, 0)
      })

      const takesOver = resumes ? 'resumes after the last completed step' : 'begins again'
      test(`SIGKILL of the worker: the next one ${takesOver}`, inTurn, async () => {
        const task = await atStepThree()
        workers[0]!.signal('SIGKILL')
        expect(await workers[0]!.ended).toBe('SIGKILL')
        workers = [await cluster.startWorker()]
        const events = await expectCompleted(task, 1)
        const resumed = events.filter(({ type }) => type === 'task.resumed')
        expect(resumed).toHaveLength(1)
        expect(resumed[0]).toMatchObject({ attempt: 2, data: { executor: workers[0]!.node } })
        expect(events.at(-1)).toMatchObject({ attempt: 2 })
        const attempts = cluster.effects.filter(({ taskId }) => taskId === task.task_id).map(({ attempt }) => attempt)
        expect(attempts).toEqual(attempts.toSorted((a, b) => a - b))
        expect(attempts.at(-1)).toBe(2)
      })

      test('SIGTERM of the worker: it leaves in good order', inTurn, async () => {
        const task = await atStepThree()
        workers[0]!.signal('SIGTERM')
        expect(await workers[0]!.ended).toBe(0)
        workers = [await cluster.startWorker()]
        await expectCompleted(task, 1)
      })

      test('a restart of its server', inTurn, async () => {
        const task = await atStepThree()
        await cluster.stopServer()
        await cluster.startServer()
        await expectCompleted(task, 1)
      })

      if (engine.name === 'postgres')
        test('a worker that wakes up after its lease: it writes nothing any more', inTurn, async () => {
          const task = await atStepThree()
          const zombie = workers[0]!
          zombie.signal('SIGSTOP')
          workers = [await cluster.startWorker()]
          const events = await expectCompleted(task, 1)
          expect(events.find(({ type }) => type === 'task.resumed')).toMatchObject({
            data: { executor: workers[0]!.node },
          })
          zombie.signal('SIGCONT')
          // The zombie is awake when it has a lease again: a new one, as its old one is gone.
          await vi.waitFor(async () => expect(await aliveWorkers()).toBe(2), patience)
          expect(await backend.events(task.task_id, 0)).toEqual(events)
          const late = cluster.effects.filter(
            ({ taskId, executor }) => taskId === task.task_id && executor === zombie.node,
          )
          expect(new Set(late.map(({ step }) => step)).size).toBe(late.length)
          zombie.signal('SIGKILL')
        })

      const toxics: Readonly<Record<string, ToxicSpec[]>> = {
        reset: [{ name: 'reset', type: 'reset_peer', stream: 'downstream', toxicity: 1, attributes: { timeout: 0 } }],
        refuse: [
          { name: 'refuse', type: 'refuse', stream: 'downstream', toxicity: 1, attributes: { existing: 'reset' } },
        ],
        stall: [
          { name: 'stall-up', type: 'stall', stream: 'upstream', toxicity: 1, attributes: {} },
          { name: 'stall-down', type: 'stall', stream: 'downstream', toxicity: 1, attributes: {} },
        ],
      }

      test.each(Object.keys(toxics))(
        '%s of every link between its nodes, for longer than a lease',
        inTurn,
        async (fault) => {
          const task = await atStepThree()
          for (const link of cluster.links.values()) {
            const harm = await Promise.all(
              toxics[fault]!.map((toxic) => link.impair(toxic, { seed: 1, expiresMs: 60_000 })),
            )
            const during = backend
              .submit(submission({ webhookUrl: cluster.webhookUrl }))
              .catch((error: unknown) => error)
            await new Promise((resolve) => setTimeout(resolve, 2000))
            expect((await Promise.all(harm.map((impairment) => impairment.firings()))).some((n) => n! > 0)).toBe(true)
            await Promise.all(harm.map((impairment) => impairment.heal()))
            const answer = await during
            // Refusing is fair while the way is broken; losing what was accepted is not.
            if (answer instanceof Error) expect(answer).toMatchObject({ kind: 'temporary-reduced-capacity' })
            else expectSoundLog(await collect(backend, (answer as { task: Task }).task.task_id))
          }
          await expectCompleted(task, cluster.links.size + 1)
          expect(workers.every((worker) => worker.isAlive())).toBe(true)
        },
      )

      async function aliveWorkers(): Promise<number> {
        const client = new pg.Client(cluster.storeUrl)
        await client.connect()
        const { rows } = await client.query('select count(*)::int as n from worker where lease_until > now()')
        await client.end()
        return (rows[0] as { n: number }).n
      }
    })
})
