import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { openTaskClient, type TaskClient } from '../../../patterns/client.ts'
import { planTask } from '../../../patterns/agent/plan.ts'
import { completedEvent, createdEvent, startedEvent } from '../../../patterns/contract/engine/log.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'

const input = { seed: 1, profile: 'smoke', job: 'j' }
const plan = planTask(input, 1)
const created = createdEvent('task_1', { type: 'agent', input }, plan, new Date(0))
const started = startedEvent(created, plan, 'api-0', new Date(1))
const queued = foldEvents([created])
const ended = foldEvents([created, started, completedEvent(started, { digest: 'd', steps: 3 }, new Date(2))])

type Kind = 'submit' | 'read' | 'stream' | 'cancel'
type Serve = (response: ServerResponse, kind: Kind, nth: number) => void

function kindOf(method: string | undefined, url: string): Kind {
  if (method === 'POST') return url.endsWith(':cancel') ? 'cancel' : 'submit'
  return url.includes('/events') ? 'stream' : 'read'
}

async function meet(serve: Serve, work: (client: TaskClient) => Promise<unknown>, timeScale = 20) {
  const asked: { readonly kind: Kind; readonly atMs: number }[] = []
  const server = createServer((request, response) => {
    request.resume()
    const kind = kindOf(request.method, request.url!)
    asked.push({ kind, atMs: performance.now() })
    serve(response, kind, asked.filter((one) => one.kind === kind).length)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await using client = openTaskClient({ apis: [api], token: 'a-token-for-tests-only', timeScale })
  await work(client)
  server.close().closeAllConnections()
  return asked
}

function give(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

const submission = { key: 'k', type: 'agent', input, deadlineMs: 1_500 }
const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Starts a run, and goes on when its task is accepted. Its end is not looked at. */
async function begin(client: TaskClient, how: object = {}): Promise<{ ended: Promise<unknown> }> {
  let ended!: Promise<unknown>
  await new Promise<void>((resolve) => {
    ended = client.run({ ...submission, onAccepted: () => resolve(), ...how }).catch((error: unknown) => error)
  })
  return { ended }
}

test('at most two requests in a second are about one task, whichever calls make them', async () => {
  const serve: Serve = (response, kind) =>
    kind === 'submit' ? give(response, 202, queued) : give(response, 503, {}, { 'retry-after-ms': '10' })
  const work = async (client: TaskClient) => {
    const { ended } = await begin(client, { deadlineMs: 3_000 })
    const calls = [1, 2, 3].map(() => client.cancel('task_1', { deadlineMs: 2_500 }).catch(() => {}))
    await Promise.all([ended, ...calls, client.context('task_1', { deadlineMs: 2_500 }).catch(() => {})])
  }
  const secondMs = 250
  const asked = await meet(serve, work, 1_000 / secondMs)
  expect(asked.length).toBeGreaterThan(8)
  // What arrives a little late makes what comes after it seem early.
  const gaps = asked.slice(2).map(({ atMs }, i) => atMs - asked[i]!.atMs)
  expect(Math.min(...gaps)).toBeGreaterThan(0.6 * secondMs)
})

test('too many requests are too many of every call about the task', async () => {
  const refusedAt: number[] = []
  const serve: Serve = (response, kind) => {
    if (kind === 'submit') return give(response, 202, queued)
    if (kind === 'cancel') return give(response, 202, { ...queued, status: 'cancelling' })
    if (kind === 'stream') return give(response, 405, {})
    refusedAt.push(performance.now())
    give(response, 429, {}, { 'retry-after-ms': '700' })
  }
  const asked = await meet(serve, async (client) => {
    const { ended } = await begin(client)
    while (refusedAt.length === 0) await pass(5)
    await client.cancel('task_1', { deadlineMs: 2_000 })
    await ended
  })
  const cancelled = asked.find(({ kind }) => kind === 'cancel')!
  expect(cancelled.atMs - refusedAt[0]!).toBeGreaterThanOrEqual(690)
})

test('what one call was told of cancellations holds for the next one', async () => {
  const serve: Serve = (response, kind, nth) => {
    if (kind === 'cancel' && nth === 1) return give(response, 503, {}, { 'retry-after-ms': '700' })
    give(response, 202, { ...queued, status: 'cancelling' })
  }
  const asked = await meet(serve, async (client) => {
    await client.cancel('task_1', { deadlineMs: 50 }).catch(() => {})
    await client.cancel('task_1', { deadlineMs: 3_000 })
  })
  expect(asked[1]!.atMs - asked[0]!.atMs).toBeGreaterThanOrEqual(690)
})

test('a call whose time is short asks once all the same, before it is over', async () => {
  const serve: Serve = (response, kind, nth) => {
    if (kind === 'cancel' && nth === 1) return give(response, 503, {}, { 'retry-after': '600' })
    give(response, 202, { ...queued, status: 'cancelling' })
  }
  const asked = await meet(serve, async (client) => {
    await client.cancel('task_1', { deadlineMs: 50 }).catch(() => {})
    await client.cancel('task_1', { deadlineMs: 2_500 })
  })
  expect(asked.length).toBe(2)
})

test('a cancellation does not wait for a long poll to end', async () => {
  let held: ServerResponse | undefined
  const serve: Serve = (response, kind) => {
    if (kind === 'submit') return give(response, 202, queued)
    if (kind === 'cancel') return give(response, 202, { ...queued, status: 'cancelling' })
    if (kind === 'stream') return give(response, 405, {})
    held = response
  }
  let tookMs = Infinity
  await meet(serve, async (client) => {
    const { ended: over } = await begin(client)
    while (!held) await pass(5)
    const beganAt = performance.now()
    await client.cancel('task_1', { deadlineMs: 1_000 })
    tookMs = performance.now() - beganAt
    give(held, 200, ended, { etag: '"3"' })
    await over
  })
  expect(tookMs).toBeLessThan(400)
})
