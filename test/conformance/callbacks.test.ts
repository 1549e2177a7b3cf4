import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hono } from 'hono'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadDeliveryServer } from '../../patterns/contract/server/plugins.ts'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import { callbackDelivery, type CallbackDelivery } from '../../patterns/contract/types/callback.ts'
import { timingAt } from '../../patterns/contract/types/timing.ts'
import { type EngineCluster, startCluster, type Worker } from '../support/engine-cluster.ts'
import { presentEnginesOfOwnCode } from '../support/engines.ts'
import { openLanes } from '../support/lanes.ts'
import { untilAccepted } from '../support/until-accepted.ts'

const present = await presentEnginesOfOwnCode()

/** The waits between attempts are 0.25, 0.5, 1, 2, 4 s and so on, with a fifth to either side. No engine is as slow as the last. */
const timeScale = 20
const { webhookRetryBaseMs } = timingAt(timeScale)
const ladderMs = (failures: number): number => webhookRetryBaseMs * 2 ** failures
const patience = { timeout: 60_000, interval: 20 }

interface Post {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly atMs: number
}

/** Answers posts in turn, the last answer for ever. */
async function startReceiver(...answers: readonly (readonly [status: number, headers?: Record<string, string>])[]) {
  const posts: Post[] = []
  const server = createServer(async (request, response) => {
    if (request.method === 'OPTIONS') return void response.writeHead(204, { 'webhook-allowed-origin': '*' }).end()
    let body = ''
    for await (const chunk of request) body += chunk
    const [status, headers] = answers[Math.min(posts.length, answers.length - 1)]!
    posts.push({ headers: request.headers, body, atMs: performance.now() })
    return void response.writeHead(status, headers).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, posts, [Symbol.asyncDispose]: close }
}

let ordinal = 0

async function submit(backend: Backend, url: string): Promise<string> {
  const job = `job-${process.pid}-${++ordinal}`
  const request = { type: 'agent' as const, input: { seed: 7, profile: 'smoke', job }, delivery: { webhook_url: url } }
  const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest('hex')
  return (await untilAccepted(backend, { key: job, request, fingerprint })).task.task_id
}

// Every engine has servers and receivers of its own, and waits most of the time; nothing here must come before a given time.
vi.setConfig({ maxConcurrency: 3 })
const inTurn = { concurrent: false }
const openLane = openLanes()

describe.concurrent.each(present)('callbacks over engine $name', (engine) => {
  const lane = openLane()
  let cluster: EngineCluster
  let backend: Backend
  let workers: Worker[]
  let app: Hono
  const durable = engine.promises.includes('no-lost-task')

  beforeAll(async () => {
    await lane.enter()
    cluster = await startCluster(engine, timeScale, { delivery: 'webhook-retry' })
    workers = engine.executor === 'worker' ? [await cluster.startWorker()] : []
    backend = await cluster.openApi()
    const server = await loadDeliveryServer('webhook-retry')
    app = server.routes(backend, cluster.settings, new AbortController().signal)
    lane.leave()
  })
  beforeEach(() => lane.enter())
  afterEach(() => lane.leave())
  afterAll(async () => {
    lane.leave()
    await backend?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  async function ask(method: string, path: string) {
    const headers = { authorization: `Bearer ${cluster.settings.token}` }
    const answer = await app.request(path, { method, headers })
    return { status: answer.status, json: (await answer.json()) as { deliveries: CallbackDelivery[]; type?: string } }
  }

  async function deliveryOf(taskId: string): Promise<CallbackDelivery | undefined> {
    return (await ask('GET', `/v1/tasks/${taskId}/deliveries`)).json.deliveries[0]
  }

  test('are repeated until one is accepted: one id, one body, each wait longer', inTurn, async () => {
    await using receiver = await startReceiver([500], [503], [204])
    const taskId = await submit(backend, receiver.url)
    await vi.waitFor(() => expect(receiver.posts).toHaveLength(3), patience)
    const [first, second, third] = receiver.posts
    expect(new Set(receiver.posts.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(receiver.posts.map(({ body }) => body)).size).toBe(1)
    expect(JSON.parse(first!.body)).toMatchObject({ type: 'task.completed', data: { task_id: taskId } })
    expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(0.8 * ladderMs(0) - 5)
    expect(third!.atMs - second!.atMs).toBeGreaterThanOrEqual(0.8 * ladderMs(1) - 5)
    await sleep(2 * ladderMs(2))
    expect(receiver.posts).toHaveLength(3)
  })

  if (durable)
    test('go on where they were when their sender is killed between two attempts', inTurn, async () => {
      await using receiver = await startReceiver([500], [500], [500], [500], [500], [204])
      const taskId = await submit(backend, receiver.url)
      await vi.waitFor(() => expect(receiver.posts).toHaveLength(4), patience)
      await sleep(0.3 * ladderMs(3))
      workers[0]!.signal('SIGKILL')
      expect(await workers[0]!.ended).toBe('SIGKILL')
      expect(receiver.posts).toHaveLength(4)
      workers = [await cluster.startWorker()]
      await vi.waitFor(() => expect(receiver.posts).toHaveLength(6), patience)
      // A schedule that began anew would be at its first step: a sixteenth of this.
      expect(receiver.posts[5]!.atMs - receiver.posts[4]!.atMs).toBeGreaterThanOrEqual(0.8 * ladderMs(4) - 5)
      expect(new Set(receiver.posts.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
      if (!backend.deliveries) return
      await vi.waitFor(async () => expect(await deliveryOf(taskId)).toMatchObject({ status: 'delivered' }), patience)
      const { attempts } = (await deliveryOf(taskId))!
      expect(attempts.map(({ attempt, status, decision }) => [attempt, status, decision.next])).toEqual([
        ...[1, 2, 3, 4, 5].map((attempt) => [attempt, 500, 'retry']),
        [6, 204, 'delivered'],
      ])
    })

  test('that are dead are listed, and arrive once when they are sent again by hand', inTurn, async ({ skip }) => {
    skip(!backend.deliveries, 'the engine shows no deliveries')
    await using receiver = await startReceiver([410], [500], [204])
    const taskId = await submit(backend, receiver.url)
    expect(await ask('GET', `/v1/tasks/${taskId}/deliveries`)).toMatchObject({
      status: 200,
      json: { deliveries: [] },
    })
    await vi.waitFor(async () => expect(await deliveryOf(taskId)).toMatchObject({ status: 'dead' }), patience)
    const dead = (await deliveryOf(taskId))!
    expect(dead).toMatchObject({
      next_attempt_at: null,
      attempts: [{ attempt: 1, status: 410, manual: false, decision: { next: 'dead', reason: 'gone' } }],
    })
    expect(callbackDelivery.parse(dead)).toEqual(dead)
    expect((await ask('GET', '/v1/deliveries?status=dead')).json).toEqual({ deliveries: [dead] })
    expect((await ask('GET', `/v1/deliveries?status=dead&after=${taskId}`)).json).toEqual({ deliveries: [] })
    expect((await ask('GET', `/v1/tasks/${taskId}/deliveries?status=delivered`)).json).toEqual({ deliveries: [] })
    const replay = `/v1/tasks/${taskId}/deliveries/${dead.id}:replay`
    // The endpoint is not well yet: the message stays dead.
    expect(await ask('POST', replay)).toMatchObject({ status: 202, json: { id: dead.id } })
    await vi.waitFor(async () => expect((await deliveryOf(taskId))!.attempts).toHaveLength(2), patience)
    expect(await deliveryOf(taskId)).toMatchObject({ status: 'dead', attempts: [{}, { manual: true, status: 500 }] })
    await ask('POST', replay)
    await vi.waitFor(async () => expect(await deliveryOf(taskId)).toMatchObject({ status: 'delivered' }), patience)
    await sleep(300)
    expect(receiver.posts).toHaveLength(3)
    expect(new Set(receiver.posts.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([dead.id]))
    expect((await ask('GET', '/v1/deliveries?status=dead')).json).toEqual({ deliveries: [] })
    expect((await ask('POST', replay.replace('evt_', 'evt_x'))).status).toBe(404)
  })

  test('of a hundred and fifty dead receivers hold up nobody else', inTurn, async ({ skip }) => {
    skip(!backend.deliveries, 'the engine shows no deliveries')
    await lane.goAlone()
    // As far as the schedule goes: twelve minutes here.
    await using dead = await startReceiver([503, { 'retry-after': '86400' }])
    await Promise.all(Array.from({ length: 150 }, () => submit(backend, dead.url)))
    // Where the sender is too busy to hear the answer in time, it has none, and posts once more.
    const called = () => new Set(dead.posts.map(({ headers }) => headers['webhook-id']))
    await vi.waitFor(() => expect(called().size).toBe(150), patience)
    await using receiver = await startReceiver([204])
    const taskId = await submit(backend, receiver.url)
    await vi.waitFor(() => expect(receiver.posts).toHaveLength(1), patience)
    // The receiver knows before the record does.
    await vi.waitFor(async () => expect(await deliveryOf(taskId)).toMatchObject({ status: 'delivered' }), patience)
    const pages = [
      (await ask('GET', '/v1/deliveries?status=pending')).json as { deliveries: CallbackDelivery[]; next?: string },
    ]
    while (pages.at(-1)!.next)
      pages.push((await ask('GET', `/v1/deliveries?status=pending&after=${pages.at(-1)!.next}`)).json)
    const pending = pages.flatMap(({ deliveries }) => deliveries)
    expect(new Set(pending.map(({ task_id }) => task_id)).size).toBe(150)
    expect(pages.map(({ deliveries }) => deliveries.length)).toEqual([100, 50])
    for (const { next_attempt_at } of pending) expect(Date.parse(next_attempt_at!)).toBeGreaterThan(Date.now() + 60_000)
  })

  test('are not shown, and the API says so', inTurn, async ({ skip }) => {
    skip(backend.deliveries !== undefined, 'the engine shows deliveries')
    expect(['memory', 'postgres']).not.toContain(engine.name)
    const problem = { status: 501, json: { type: '/problems/not-supported' } }
    expect(await ask('GET', '/v1/deliveries')).toMatchObject(problem)
    expect(await ask('GET', '/v1/tasks/none/deliveries')).toMatchObject(problem)
    expect(await ask('POST', '/v1/tasks/none/deliveries/none:replay')).toMatchObject(problem)
  })
})
