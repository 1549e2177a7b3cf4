import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freshTokenMs } from '../../patterns/contract/engine/accounts.ts'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import { canonical } from '../../patterns/contract/types/canonical.ts'
import type { TaskRequest } from '../../patterns/contract/types/task.ts'
import { type EngineCluster, startCluster, type Worker } from '../support/engine-cluster.ts'
import { keepsAccounts, presentEnginesOfOwnCode } from '../support/engines.ts'
import { rightAnswer } from '../support/tools.ts'

const timeScale = 80
/** Three steps of a credit each, in 40 ms. */
const blink = 'blink'
const rate = { perSecond: 30, burst: 20 }
const balances = { crowd: 10, cut: 10, small: 2, failing: 1, fixed: 5, restarted: 30, poor: 0 }

// An engine with its servers waits for most of a test.
vi.setConfig({ maxConcurrency: 3 })
/** A task waits for a worker that was killed. */
const inTurn = { concurrent: false, timeout: 240_000 }
const all = await presentEnginesOfOwnCode()

describe.concurrent.each(all.filter(keepsAccounts))('engine $name', (engine) => {
  let cluster: EngineCluster
  let backend: Backend
  let workers: Worker[] = []
  let ordinal = 0
  const durable = engine.executor === 'worker'

  beforeAll(async () => {
    const settings = { balances, toolRates: { principal: rate } }
    cluster = await startCluster(engine, timeScale, { settings })
    workers = await startWorkers()
    backend = await cluster.openApi()
  }, 180_000)
  afterAll(async () => {
    await backend?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  /** Two where it may have two. */
  async function startWorkers(): Promise<Worker[]> {
    const service = engine.services.find(({ role }) => role === 'worker')
    const started = service ? [await cluster.startWorker()] : []
    return service && service.replicas !== 1 ? [...started, await cluster.startWorker()] : started
  }
  async function submit(principal: string, profile = blink, asked: Partial<TaskRequest> = {}): Promise<string> {
    const key = `accounts-${process.pid}-${engine.name}-${++ordinal}`
    const request = { type: 'agent' as const, input: { seed: ordinal, profile, job: key }, ...asked }
    const access = { principal, tools: ['*'] }
    return (await backend.submit({ key, request, fingerprint: canonical(request), access })).task.task_id
  }
  const balanceOf = (principal: string) => backend.accounts!.read(principal)
  const topUp = (principal: string, id: string, credits: number) => backend.accounts!.topUp(principal, { id, credits })
  const effectsOf = (ids: readonly string[]) => cluster.effects.filter(({ taskId }) => ids.includes(taskId))

  async function untilAll(ids: readonly string[], isSo: (status: string) => boolean): Promise<void> {
    for (const signal = AbortSignal.timeout(120_000); ; await delay(50, undefined, { signal })) {
      const tasks = await Promise.all(ids.map((id) => backend.read(id)))
      if (tasks.every((task) => isSo(task!.status))) return
    }
  }
  async function expectRight(ids: readonly string[]): Promise<void> {
    for (const task of await Promise.all(ids.map((id) => backend.read(id))))
      expect(task).toMatchObject({ status: 'completed', result: { digest: rightAnswer(task!.input) } })
  }

  test('many tasks of one principal spend what it has and no more, and go on when there is more', inTurn, async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => submit('crowd')))
    await untilAll(ids, (status) => status === 'input_required' || status === 'completed')
    await delay(300)
    expect(effectsOf(ids)).toHaveLength(10)
    expect(await balanceOf('crowd')).toEqual({ principal: 'crowd', credits: 0, held: 0, spent: 10 })
    const waiting = (await Promise.all(ids.map((id) => backend.read(id)))).filter(
      (task) => task!.status !== 'completed',
    )
    expect(new Set(waiting.map((task) => task!.status_reason))).toEqual(new Set(['balance-exhausted']))
    expect(await topUp('crowd', 'more', 8)).toBe('made')
    await untilAll(ids, (status) => status === 'completed')
    await expectRight(ids)
    expect(effectsOf(ids)).toHaveLength(18)
    expect(await balanceOf('crowd')).toEqual({ principal: 'crowd', credits: 0, held: 0, spent: 18 })
  })

  test('what a task holds comes back when it ends before it has called a tool', inTurn, async () => {
    const taskId = await submit('cut', 'one-long-step')
    while ((await balanceOf('cut'))!.held === 0) await delay(20)
    expect(await balanceOf('cut')).toEqual({ principal: 'cut', credits: 0, held: 10, spent: 0 })
    await backend.cancel(taskId)
    await untilAll([taskId], (status) => status === 'cancelled')
    while ((await balanceOf('cut'))!.held > 0) await delay(20)
    expect(await balanceOf('cut')).toEqual({ principal: 'cut', credits: 10, held: 0, spent: 0 })
  })

  test('a resume is void while there are no credits, and a cancellation ends the wait', inTurn, async () => {
    const taskId = await submit('small')
    await untilAll([taskId], (status) => status === 'input_required')
    await backend.command!(taskId, { id: 'go', type: 'resume' })
    let answer
    while (!(answer = (await backend.events(taskId, 0))!.find(({ data }) => data['command'] === 'go'))) await delay(20)
    expect(answer).toMatchObject({ type: 'task.command_void', status: 'input_required' })
    await backend.cancel(taskId)
    await untilAll([taskId], (status) => status === 'cancelled')
    expect(effectsOf([taskId])).toHaveLength(2)
  })

  test('who asks for it fails instead', inTurn, async () => {
    const taskId = await submit('failing', blink, { budget: { credits: 100, on_exhausted: 'fail' } })
    await untilAll([taskId], (status) => status === 'failed')
    expect(await backend.read(taskId)).toMatchObject({ status_reason: 'balance-exhausted' })
    expect(effectsOf([taskId])).toHaveLength(1)
  })

  test('a top-up is one by its id', inTurn, async () => {
    const again = await Promise.all(Array.from({ length: 8 }, () => topUp('fixed', 'a', 5)))
    expect(again.toSorted()).toEqual([...Array<string>(7).fill('known'), 'made'])
    expect(await topUp('fixed', 'a', 6)).toBe('reused')
    expect(await topUp('fixed', 'b', 1)).toBe('made')
    expect(await topUp('nobody', 'a', 5)).toBe('unknown')
    expect(await balanceOf('fixed')).toEqual({ principal: 'fixed', credits: 11, held: 0, spent: 0 })
    expect(await balanceOf('nobody')).toBeUndefined()
  })

  test('tools are called no more often than the rate says, and who has no account pays nothing', inTurn, async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, () => submit('nobody')))
    if (durable) {
      await delay(700)
      workers[0]!.signal('SIGKILL')
      await workers[0]!.ended
      // By its name: not every engine gives its tasks to another one.
      workers[0] = await cluster.startWorker(workers[0]!.node)
    }
    await untilAll(ids, (status) => status === 'completed')
    await expectRight(ids)
    const times = effectsOf(ids)
      .map(({ endedAt }) => endedAt)
      .toSorted((a, b) => a - b)
    expect(times.length).toBeGreaterThanOrEqual(90)
    for (const [i, from] of times.entries())
      for (const [j, to] of times.entries())
        if (j > i)
          expect(j - i + 1).toBeLessThanOrEqual(rate.burst + (rate.perSecond * (to - from + freshTokenMs)) / 1000)
    // It had to wait for them.
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(((90 - rate.burst) / rate.perSecond - 0.5) * 1000)
  })

  test.runIf(durable)('a restart gives nothing again', inTurn, async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, () => submit('restarted')))
    await untilAll(ids, (status) => status === 'completed')
    const spent = (await balanceOf('restarted'))!.spent
    expect(spent).toBe(12)
    for (const worker of workers) worker.signal('SIGKILL')
    await Promise.all(workers.map(({ ended }) => ended))
    workers = await startWorkers()
    await backend[Symbol.asyncDispose]()
    backend = await cluster.openApi()
    expect(await balanceOf('restarted')).toEqual({ principal: 'restarted', credits: 18, held: 0, spent: 12 })
  })
})

describe.each(all.filter((engine) => !keepsAccounts(engine)))('engine $name', ({ name }) => {
  test('keeps no balances and no rates, and says so instead of starting', async () => {
    const { loadBackend, loadWorker } = await import('../../patterns/contract/engine/backend.ts')
    const settings = { engine: name, balances, toolRates: { principal: rate } } as never
    const refused = `the ${name} engine keeps no balances and tool rates: unset OUTLAST_BALANCES, OUTLAST_TOOL_RATE_...`
    await expect(
      loadBackend({ engine: name }).then((module) => module.openBackend(settings, null as never)),
    ).rejects.toThrow(refused)
    await expect(loadWorker(name).then((module) => module.startWorker(settings, null as never))).rejects.toThrow(
      refused,
    )
  })
})
