import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import { canonical } from '../../patterns/contract/types/canonical.ts'
import type { Spawned, TaskEvent } from '../../patterns/contract/types/events.ts'
import { ancestorsOf, isOfFamily } from '../../patterns/contract/types/family.ts'
import { foldEvents } from '../../patterns/contract/types/fold.ts'
import { isTerminal, type Task, type TaskRequest } from '../../patterns/contract/types/task.ts'
import { monotonicMs } from '../../patterns/contract/types/timer.ts'
import { type EngineCluster, startCluster, type Worker } from '../support/engine-cluster.ts'
import { presentEnginesOfOwnCode } from '../support/engines.ts'
import { openLanes } from '../support/lanes.ts'
import { rightAnswer } from '../support/tools.ts'

/** 30 s of work in 1.5 s, and a step of a rogue agent in half a second. */
const timeScale = 20
/** As the checker `cancel-holds` has it. */
const boundMs = 1000

// An engine with its servers waits for most of a test.
vi.setConfig({ maxConcurrency: 3 })
const inTurn = { concurrent: false }
const openLane = openLanes()

describe.concurrent.each(await presentEnginesOfOwnCode())('engine $name', (engine) => {
  const hasSubTasks = engine.promises.includes('spawn-once')
  const lane = openLane()
  let cluster: EngineCluster
  let backend: Backend
  let worker: Worker | undefined

  beforeAll(async () => {
    await lane.enter()
    cluster = await startCluster(engine, timeScale)
    if (engine.executor === 'worker') worker = await cluster.startWorker()
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

  async function submit(profile: string, asked: Partial<TaskRequest> = {}): Promise<string> {
    const job = randomUUID()
    const request = { type: 'agent' as const, input: { seed: 7, profile, job }, ...asked }
    return (await backend.submit({ key: job, request, fingerprint: canonical(request) })).task.task_id
  }
  const logOf = (taskId: string): Promise<TaskEvent[]> =>
    Array.fromAsync(backend.follow(taskId, 0, AbortSignal.timeout(120_000)))
  const startedBy = (log: readonly TaskEvent[]): readonly string[] =>
    log.flatMap(({ type, data }) => (type === 'task.spawned' ? (data as unknown as Spawned).sub_task : []))
  const effectsBelow = (taskId: string) => cluster.effects.filter((one) => ancestorsOf(one.taskId).includes(taskId))

  /** The task and all below it, each as it has ended. A log may name one that never came to be: its parent was cut off. */
  async function endsOf(taskId: string): Promise<readonly Task[]> {
    const log = await logOf(taskId)
    if (log.length === 0) return []
    const below = await Promise.all(startedBy(log).map(endsOf))
    return [foldEvents(log), ...below.flat()]
  }

  async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (const signal = AbortSignal.timeout(90_000); !(await isSo());) await delay(20, undefined, { signal })
  }

  if (!hasSubTasks) {
    test('refuses work that would start sub-tasks', inTurn, async () => {
      await expect(submit('recursive')).rejects.toMatchObject({ kind: 'not-supported' })
    })
    return
  }

  test('every task of a family has its right result, and names its parent', inTurn, async () => {
    const rootId = await submit('recursive/2/2')
    const family = await endsOf(rootId)
    expect(family).toHaveLength(7)
    for (const task of family) {
      expect(task).toMatchObject({ status: 'completed', result: { digest: rightAnswer(task.input) } })
      expect(task.parent).toBe(ancestorsOf(task.task_id).at(-1))
      expect(await backend.read(task.task_id)).toEqual(task)
    }
    expect(new Set(family.map(({ input }) => input.job)).size).toBe(7)
  })

  test('a cancellation holds over all of them', inTurn, async () => {
    const rootId = await submit('rogue')
    await until(() => effectsBelow(rootId).some(({ taskId }) => ancestorsOf(taskId).length === 2))
    const task = await backend.cancel(rootId)
    const acknowledgedAt = monotonicMs()
    expect(['cancelling', 'cancelled']).toContain(task!.status)
    const family = await endsOf(rootId)
    expect(family.length).toBeGreaterThanOrEqual(3)
    expect(new Set(family.map(({ status }) => status))).toEqual(new Set(['cancelled']))
    await delay(2 * boundMs)
    const late = cluster.effects.filter(({ taskId, startedAt }) => {
      return isOfFamily(taskId, rootId) && startedAt > acknowledgedAt + boundMs
    })
    expect(late).toEqual([])
  })

  test('one in the middle takes only those below it along', inTurn, async () => {
    const rootId = await submit('rogue')
    await until(() => effectsBelow(rootId).some(({ taskId }) => ancestorsOf(taskId).length === 2))
    const [middle] = startedBy((await backend.events(rootId, 0))!)
    await backend.cancel(middle!)
    expect(new Set((await endsOf(middle!)).map(({ status }) => status))).toEqual(new Set(['cancelled']))
    expect((await backend.read(rootId))!.status).toBe('running')
    await backend.cancel(rootId)
    await endsOf(rootId)
  })

  test('also of a task that has ended: it stays as it is, and those below it are cancelled', inTurn, async () => {
    const release = cluster.holdTools((taskId) => ancestorsOf(taskId).length > 0)
    const rootId = await submit('recursive/1/1')
    await until(async () => isTerminal((await backend.read(rootId))!.status))
    expect(await backend.cancel(rootId)).toMatchObject({ status: 'completed' })
    release()
    expect((await endsOf(rootId)).map(({ status }) => status)).toEqual(['completed', 'cancelled'])
  })

  test('too many of them fail the task, and none is started', inTurn, async () => {
    const rootId = await submit('recursive/9/1')
    expect(foldEvents(await logOf(rootId))).toMatchObject({ status: 'failed', status_reason: 'spawn-width-exceeded' })
    await delay(500)
    expect(effectsBelow(rootId)).toEqual([])
  })

  test('one generation too many fails the task that would start it', inTurn, async () => {
    const family = await endsOf(await submit('recursive/1/4'))
    expect(family.map(({ status, status_reason }) => status_reason ?? status)).toEqual([
      'completed',
      'completed',
      'completed',
      'spawn-depth-exceeded',
    ])
  })

  test('a budget is divided, and never spent twice', inTurn, async () => {
    const rootId = await submit('recursive/2/1', { budget: { credits: 20, on_exhausted: 'fail' } })
    const family = await endsOf(rootId)
    // 20 - 1 for the first step, - 2 for the second: a third of 17 for each.
    expect(family.map(({ status, credits_granted }) => [status, credits_granted])).toEqual([
      ['completed', 10],
      ['completed', 5],
      ['completed', 5],
    ])
  })

  test('a deadline is that of all of them, also where it passes while they start', inTurn, async () => {
    // So many families load the machine: beside others their ends would come apart for want of a processor.
    await lane.goAlone()
    const others = Array.from({ length: 16 }, (_, i) => submit('rogue', { deadline_s: 8 + i }))
    const [family, ...early] = await Promise.all(
      [submit('rogue', { deadline_s: 100 }), ...others].map(async (task) => endsOf(await task)),
    )
    expect(family!.length).toBeGreaterThan(1)
    expect(new Set([family!, ...early].flat().map(({ status }) => status))).toEqual(new Set(['expired']))
    const times = family!.map(({ finished_at }) => Date.parse(finished_at!))
    expect(Math.max(...times) - Math.min(...times)).toBeLessThan(3000)
  })

  if (engine.executor === 'worker')
    test('a worker that dies starts none of them twice', inTurn, async () => {
      const rootId = await submit('recursive/2/2')
      await until(async () => startedBy((await backend.events(rootId, 0))!).length === 2)
      worker!.signal('SIGKILL')
      await worker!.ended
      worker = await cluster.startWorker(worker!.node)
      const family = await endsOf(rootId)
      expect(family.map(({ status }) => status)).toEqual(Array.from({ length: 7 }, () => 'completed'))
      const effects = [...effectsBelow(rootId)]
      const idsOf = Map.groupBy(effects, ({ task }) => task)
      expect(idsOf.size).toBe(6)
      for (const [, ofJob] of idsOf) expect(new Set(ofJob.map(({ taskId }) => taskId)).size).toBe(1)
    })
})
