import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { planTask } from '../../patterns/agent/plan.ts'
import { taskEvent } from '../../patterns/contract/events.ts'
import { foldEvents } from '../../patterns/contract/log.ts'
import { problem } from '../../patterns/contract/problems.ts'
import { task } from '../../patterns/contract/task.ts'
import { startApiNode, timeScale, timing, type ApiNode } from './support/api-node.ts'
import { readEnd, readEvents, requestBody, send, submit, type Reply } from './support/http.ts'

const folder = new URL('../../patterns/deliveries/', import.meta.url)
const deliveries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())

describe.each(deliveries.map(({ name }) => name))('the task resource of %s', (delivery) => {
  let node: ApiNode
  beforeAll(async () => {
    node = await startApiNode(delivery)
  })
  afterAll(() => node[Symbol.asyncDispose]())

  test('ten submissions of one key at once are one task', async () => {
    const replies = await Promise.all(Array.from({ length: 10 }, () => submit(node.url, 'same', requestBody(2))))
    expect(new Set(replies.map(({ json }) => json.task_id)).size).toBe(1)
    expect(replies.every(({ status }) => status === 200 || status === 202)).toBe(true)
    expect(replies.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(9)
    const { task_id } = await readEnd(node.url, replies[0]!.json.task_id)
    const steps = node.tools.effects.filter(({ taskId }) => taskId === task_id).map(({ step }) => step)
    expect(steps).toEqual([1, 2, 3])
  })

  test('the same key with another body is refused, spelled otherwise it is the same', async () => {
    const first = await submit(node.url, 'reused', requestBody(3))
    expectProblem(await submit(node.url, 'reused', requestBody(4)), 422, 'idempotency-key-reused')
    const spelled = ` { "input": {"job":"job-3", "profile":"smoke", "seed": 3}, "type":"agent" } `
    const again = await submit(node.url, '"reused"', spelled)
    expect(again.json.task_id).toBe(first.json.task_id)
  })

  test('an accepted task is described at its Location, with advice and a validator', async () => {
    const reply = await submit(node.url, 'described', requestBody(5))
    expect(reply.headers['location']).toBe(`/v1/tasks/${reply.json.task_id}`)
    expect(reply.headers['etag']).toBe(`"${reply.json.version}"`)
    expect(reply.headers['cache-control']).toBe('no-store')
    expect(() => task.parse(reply.json)).not.toThrow()
    expect('retry-after' in reply.headers).toBe(reply.status === 202)
    expect((await send(node.url + reply.headers['location'])).json.task_id).toBe(reply.json.task_id)
  })

  test('the log is gapless, ends once, and its fold is the task with the right result', async () => {
    const { json } = await submit(node.url, 'log', requestBody(6))
    const final = await readEnd(node.url, json.task_id)
    const events = await readEvents(node.url, json.task_id)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
    expect(events.filter(({ type }) => /completed|failed|cancelled|expired|rejected/.test(type))).toHaveLength(1)
    for (const event of events) taskEvent.parse(event)
    expect(foldEvents(events)).toEqual(final)
    expect(final).toMatchObject({ status: 'completed', progress_pct: 100, current_action: null, credits_used: 4 })
    expect(final.result!.digest).toBe(planTask({ seed: 6, profile: 'smoke' }, timeScale).digest)
    expect(await readEvents(node.url, json.task_id, 3)).toEqual(events.slice(3))
  })

  test('a conditional read of an unchanged task is 304, a final one gives no advice', async () => {
    const { json } = await submit(node.url, 'conditional', requestBody(7))
    const final = await readEnd(node.url, json.task_id)
    const url = `${node.url}/v1/tasks/${json.task_id}`
    const unchanged = await send(url, { headers: { 'if-none-match': `W/"1", "${final.version}"` } })
    expect([unchanged.status, unchanged.text]).toEqual([304, ''])
    const changed = await send(url, { headers: { 'if-none-match': '"1"' } })
    expect(changed.status).toBe(200)
    expect(changed.headers).not.toHaveProperty('retry-after')
  })

  test('a long poll wakes at the next event, and is bounded', async () => {
    // The sync delivery answers when all is over, so the task is submitted beside the API.
    const request = { ...requestBody(8), type: 'agent' as const }
    node.tools.refuse(1_000_000, 503)
    const { task: queued } = await node.backend.submit({ key: 'long-poll', fingerprint: 'x', request })
    const url = `${node.url}/v1/tasks/${queued.task_id}`
    const began = performance.now()
    const held = await send(`${url}?wait=3600&after=2`)
    expect([held.json.version, held.json.status, held.headers['retry-after']]).toEqual([2, 'running', '0'])
    expect(performance.now() - began).toBeGreaterThan(timing.longPollMs * 0.9)
    node.tools.refuse(0, 503)
    let woken = held
    while (woken.json.version === 2) woken = await send(`${url}?wait=3600&after=2`)
    expect(woken.json.version).toBeGreaterThan(2)
    await readEnd(node.url, queued.task_id)
    expect((await send(`${url}?wait=3600&after=1000`)).json.status).toBe('completed')
  })

  test('cancelling ends the task once and may be repeated', async () => {
    const request = { ...requestBody(9), type: 'agent' as const }
    const { task: queued } = await node.backend.submit({ key: 'cancel', fingerprint: 'x', request })
    const url = `${node.url}/v1/tasks/${queued.task_id}:cancel`
    const first = await send(url, { method: 'POST' })
    expect([first.status, first.json.status]).toEqual([202, 'cancelling'])
    expect((await readEnd(node.url, queued.task_id)).status).toBe('cancelled')
    const second = await send(url, { method: 'POST' })
    expect([second.status, second.json.status]).toEqual([200, 'cancelled'])
    const events = await readEvents(node.url, queued.task_id)
    expect(events.slice(-2).map(({ type }) => type)).toEqual(['task.cancel_requested', 'task.cancelled'])
  })

  test('every refusal is a problem document', async () => {
    const post = (options: object) => send(`${node.url}/v1/tasks`, { method: 'POST', body: requestBody(), ...options })
    const key = { 'idempotency-key': 'refused' }
    expectProblem(await post({}), 400, 'idempotency-key-missing')
    expectProblem(await post({ headers: { 'idempotency-key': 'a b' } }), 400, 'validation')
    expectProblem(await post({ headers: key, body: '{"type":' }), 400, 'validation')
    expectProblem(await post({ headers: key, body: { ...requestBody(), extra: 1 } }), 400, 'validation')
    const unknown = { type: 'agent', input: { seed: 1, profile: 'none', job: 'j' } }
    expectProblem(await post({ headers: key, body: unknown }), 400, 'validation')
    expectProblem(await post({ headers: { ...key, 'content-type': 'text/plain' } }), 415, 'unsupported-media-type')
    expectProblem(await post({ headers: key, body: 'x'.repeat(70_000) }), 413, 'body-too-large')
    expectProblem(await post({ headers: key, token: null }), 401, 'unauthorized')
    expectProblem(await post({ headers: key, token: 'another-token-0123456789' }), 401, 'unauthorized')
    expectProblem(await send(`${node.url}/v1/tasks/none`, { token: null }), 401, 'unauthorized')
    expectProblem(await send(`${node.url}/v1/tasks/none`), 404, 'not-found')
    expectProblem(await send(`${node.url}/v1/tasks/none/events`), 404, 'not-found')
    expectProblem(await send(`${node.url}/v1/tasks/none:cancel`, { method: 'POST' }), 404, 'not-found')
    expectProblem(await send(`${node.url}/v1/tasks/none/events?after=-1`), 400, 'validation')
    expectProblem(await send(`${node.url}/nowhere`), 404, 'not-found')
    expectProblem(await send(`${node.url}/v1/tasks/none/deliveries`), 404, 'not-found')
    const replay = `${node.url}/v1/tasks/none/deliveries/evt_none_1:replay`
    expectProblem(await send(replay, { method: 'POST' }), 404, 'not-found')
    expectProblem(await send(`${node.url}/v1/deliveries?status=lost`), 400, 'validation')
    expectProblem(await send(`${node.url}/v1/deliveries`, { token: null }), 401, 'unauthorized')
    expectProblem(await send(`${node.url}/v1/tasks/none/deliveries`, { method: 'PUT' }), 405, 'method-not-allowed')
    expectProblem(await send(`${node.url}/v1/tasks`, { method: 'DELETE' }), 405, 'method-not-allowed')
    expect((await send(`${node.url}/problems/validation`, { token: null })).json.status).toBe(400)
  })

  test('the OpenAPI document lists every route, and every reference in it resolves', async () => {
    const { json, status } = await send(`${node.url}/openapi.json`, { token: null })
    expect([status, json.openapi]).toEqual([200, '3.1.0'])
    const documented = Object.entries(json.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const served = node.app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`)
    const asTemplate = (route: string) =>
      route
        .replace(/(deliveries\/):target\{.*\}$/, '$1{delivery_id}:replay')
        .replace(/:target\{.*\}$/, '{id}:cancel')
        .replace(/:(id|kind)(\{.*?\})?/, '{$1}')
    expect(documented.toSorted()).toEqual([...new Set(served.map(asTemplate))].toSorted())
    const references = [...JSON.stringify(json).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]!)
    expect(new Set(references)).toEqual(new Set(Object.keys(json.components.schemas)))
    for (const operation of Object.values(json.paths).flatMap(Object.values))
      expect(operation).toMatchObject({ operationId: expect.any(String), responses: expect.any(Object) })
  })
})

function expectProblem(reply: Reply, status: number, kind: string): void {
  expect([reply.status, reply.headers['content-type'], reply.json?.type]).toEqual([
    status,
    'application/problem+json',
    `/problems/${kind}`,
  ])
  expect(problem.parse(reply.json).status).toBe(status)
}
