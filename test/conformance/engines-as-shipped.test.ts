import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import { type AgentPlan, planTask } from '../../patterns/agent/plan.ts'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { foldEvents } from '../../patterns/contract/types/fold.ts'
import { timeoutsAt } from '../../patterns/contract/types/timeouts.ts'
import { type EngineCluster, startCluster } from '../support/engine-cluster.ts'
import { presentEngines } from '../support/engines.ts'
import { rightAnswer } from '../support/tools.ts'

/** What users run who ask for no `@tuned`. Here a lease is 3 s, a lock 1.5 s, a silence 3 s, a step of Temporal's 8 s. */
const pace = { tuning: 'default', timeScale: 20 } as const
/** What else a busy machine takes until a step runs again. */
const slackMs = 3000
/** By how much a heartbeat may come late there. */
const lateMs = 500
const input = { seed: 7, profile: 'smoke' }
const plan = planTask(input, pace.timeScale)

/** Without timeouts there is one set, and the other suite has it. */
const engines = (await presentEngines()).filter(({ timeouts }) => Object.keys(timeouts).length > 0)

describe.concurrent('as shipped', () => {
  test.each(engines)('engine $name goes on after SIGKILL of the worker when its README says', async (engine) => {
    await using cluster = await startCluster(engine, pace.timeScale, pace)
    await using api = await cluster.openApi()
    const worker = await cluster.startWorker()
    const job = randomUUID()
    const taskId = await submit(api, cluster, job)
    await untilInStepTwo(api, taskId)
    worker.signal('SIGKILL')
    const killedAt = Date.now()
    await worker.ended
    const next = await cluster.startWorker(engine.promises.includes('no-lost-task') ? undefined : worker.node)
    const readyAt = Date.now()
    const events = await Array.fromAsync(api.follow(taskId, 0, AbortSignal.timeout(60_000)))
    expectDone(engine, cluster, job, events)
    const resumed = events.filter(({ type }) => type === 'task.resumed')
    expect(resumed).toMatchObject([{ attempt: 2, data: { executor: next.node } }])
    const resumedAt = Date.parse(resumed[0]!.time)
    const { earliestMs, latestMs } = promiseOf(engine, plan)
    expect(resumedAt - killedAt).toBeGreaterThanOrEqual(earliestMs - lateMs)
    expect(resumedAt - readyAt).toBeLessThanOrEqual(latestMs + slackMs)
    await vi.waitFor(() => expect(cluster.callbacks.map((one) => one.taskId)).toContain(taskId), 60_000)
  })
})

async function submit(api: Backend, { webhookUrl }: EngineCluster, job: string): Promise<string> {
  const request = { type: 'agent' as const, input: { ...input, job }, delivery: { webhook_url: webhookUrl } }
  return (await api.submit({ key: job, request, fingerprint: job })).task.task_id
}

async function untilInStepTwo(api: Backend, taskId: string): Promise<void> {
  for await (const { data } of api.follow(taskId, 0, AbortSignal.timeout(30_000))) if (data['step'] === 1) break
  await delay(plan.steps[1]!.durationMs / 2)
}

function promiseOf({ takeover, timeouts }: Engine, { steps }: AgentPlan) {
  expect(takeover, 'engine.ts says nothing of a takeover').toBeDefined()
  return takeover!(timeoutsAt(timeouts, pace), steps[1]!.durationMs)
}

/** Every step, in order; again only the one in flight, or all until then where an engine promises no more. */
function expectDone({ promises }: Engine, { effects }: EngineCluster, job: string, events: readonly TaskEvent[]): void {
  const digest = rightAnswer({ ...input, job })
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  expect(foldEvents(events)).toMatchObject({ status: 'completed', result: { digest, steps: 3 } })
  expect([...new Set(effects.map(({ step }) => step))]).toEqual([1, 2, 3])
  expect(effects.length - 3).toBeLessThanOrEqual(promises.includes('effect-once') ? 1 : 2)
}
