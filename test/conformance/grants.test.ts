import { createAdaptorServer } from '@hono/node-server'
import { createHash, randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import { Agent } from 'undici'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import { mintGrant } from '../../patterns/contract/server/grants.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { foldEvents } from '../../patterns/contract/types/fold.ts'
import { createGateway } from '../../patterns/gateway/gateway.ts'
import { type EngineCluster, startCluster, type Worker } from '../support/engine-cluster.ts'
import { presentEnginesOfOwnCode } from '../support/engines.ts'
import { epoch } from '../support/issuer.ts'
import { openLanes } from '../support/lanes.ts'
import { closeServer, listenOnLoopback } from './support/tool-server.ts'

/** 300 s of work in 3.75 s. */
const timeScale = 80
const grantKey = 'a-secret-of-tests-that-is-long-enough'

/** The real gateway, in this process. */
async function openGateway(toolsUrl: string) {
  const dispatcher = new Agent()
  const listen = { host: '127.0.0.1', port: 0 }
  const app = createGateway({ node: 'gateway-0', listen, grantKey: Buffer.from(grantKey), toolsUrl }, dispatcher)
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  const url = await listenOnLoopback(server)
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      await closeServer(server)
      await dispatcher.destroy()
    },
  }
}

// An engine with its servers waits for most of a test.
vi.setConfig({ maxConcurrency: 3 })
const inTurn = { concurrent: false }
const openLane = openLanes()

describe.concurrent.each(await presentEnginesOfOwnCode())('engine $name', (engine) => {
  const lane = openLane()
  let cluster: EngineCluster
  let backend: Backend
  let worker: Worker | undefined

  beforeAll(async () => {
    await lane.enter()
    cluster = await startCluster(engine, timeScale, { doorkeeper: openGateway })
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

  /** A task of `ann`'s that may use these tools; undefined: none was granted anything. */
  async function submit(tools: readonly string[] | undefined, profile = 'smoke'): Promise<string> {
    const job = randomUUID()
    const request = { type: 'agent' as const, input: { seed: 7, profile, job } }
    const fingerprint = createHash('sha256').update(job).digest('hex')
    const mint = (task: string): string =>
      mintGrant(grantKey, { sub: 'ann', task, job, tools: tools! }, { iat: epoch(), exp: epoch(600) })
    const access = tools && { principal: 'ann', tools, mint }
    const { task } = await backend.submit({ key: job, fingerprint, request, ...(access && { access }) })
    return task.task_id
  }
  const logOf = (taskId: string): Promise<TaskEvent[]> =>
    Array.fromAsync(backend.follow(taskId, 0, AbortSignal.timeout(60_000)))
  const stepsOf = (taskId: string) => cluster.effects.filter((one) => one.taskId === taskId).map(({ step }) => step)

  test('a task uses the tools that it was granted', inTurn, async () => {
    const taskId = await submit(['search', 'draft', 'finalize'])
    expect(foldEvents(await logOf(taskId))).toMatchObject({ status: 'completed', principal: 'ann' })
    expect(stepsOf(taskId)).toEqual([1, 2, 3])
  })

  test('it uses no other one, and fails where it would have to', inTurn, async () => {
    const taskId = await submit(['search'])
    const { status, status_reason } = foldEvents(await logOf(taskId))
    expect([status, status_reason]).toEqual(['failed', expect.stringContaining('answered 403')])
    expect(stepsOf(taskId)).toEqual([1])
  })

  test('one without a grant uses none', inTurn, async () => {
    const taskId = await submit(undefined)
    const { status, status_reason } = foldEvents(await logOf(taskId))
    expect([status, status_reason]).toEqual(['failed', expect.stringContaining('answered 401')])
    expect(stepsOf(taskId)).toEqual([])
  })

  test('its sub-tasks use the same ones, and no others', inTurn, async (context) => {
    context.skip(!engine.promises.includes('spawn-once'), 'no step starts sub-tasks here')
    const endOf = async (taskId: string) => foldEvents(await logOf(taskId))
    const [whole, part] = [
      await submit(['search', 'tool_call', 'finalize'], 'recursive/2/1'),
      await submit(['search', 'tool_call'], 'recursive/2/1'),
    ]
    for (const [taskId, status] of [
      [whole, 'completed'],
      [part, 'failed'],
    ] as const) {
      // They are there when it has ended.
      const first = await endOf(taskId)
      const family = [first, ...(await Promise.all([`${taskId}.2-1`, `${taskId}.2-2`].map(endOf)))]
      expect(family.map((one) => one.status)).toEqual([status, status, status])
      expect(family.map(({ principal }) => principal)).toEqual(['ann', 'ann', 'ann'])
    }
    expect(stepsOf(`${whole}.2-1`)).toEqual([1, 2, 3])
    expect(stepsOf(`${part}.2-1`)).toEqual([1, 2])
  })

  test('what goes on after a crash has the grant of its task, and no more', inTurn, async (context) => {
    context.skip(!worker, 'its executor is the API node')
    const [whole, part] = [
      await submit(['search', 'read', 'draft', 'self_correct', 'tool_call', 'finalize'], 'research-write'),
      await submit(['search', 'read', 'draft'], 'research-write'),
    ]
    for await (const { type } of backend.follow(whole, 0, AbortSignal.timeout(60_000)))
      if (type === 'task.progress') break
    worker!.signal('SIGKILL')
    await worker!.ended
    worker = await cluster.startWorker(worker!.node)
    const [ofWhole, ofPart] = [foldEvents(await logOf(whole)), foldEvents(await logOf(part))]
    expect(ofWhole.attempt).toBeGreaterThan(1)
    expect([ofWhole.status, ofPart.status]).toEqual(['completed', 'failed'])
    expect(ofPart.status_reason).toContain('answered 403')
    expect(new Set(stepsOf(whole)).size).toBe(12)
  })
})
