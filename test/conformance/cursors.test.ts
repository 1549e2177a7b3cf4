import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApiNode, type ApiNode } from './support/api-node.ts'
import { readEnd, requestBody, send, submit } from './support/http.ts'
import { WebSocket } from 'ws'
import { once } from 'node:events'
import { openStream } from './support/sse.ts'
import { openSocket } from './support/websocket.ts'
import { token } from './support/api-node.ts'

const folder = new URL('../../patterns/deliveries/', import.meta.url)
const deliveries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())

/** Cursors that no log can have, or not this one. */
const impossible = ['999999', '9999999999', 'abc', '-1', '1.5', 'a:3', 'task_1/3']
const research = { type: 'agent', input: { seed: 1, profile: 'research-write', job: 'cursor' } }

describe.each(['sse', 'sse-polling'])('a stream of %s from a place that cannot be', (delivery) => {
  let node: ApiNode
  let running: string
  let ended: string
  beforeAll(async () => {
    node = await startApiNode(delivery)
    ended = (await submit(node.url, 'ended', requestBody())).json.task_id
    await readEnd(node.url, ended)
    running = (await submit(node.url, 'running', research)).json.task_id
  })
  afterAll(() => node[Symbol.asyncDispose]())

  test.each(impossible)('%s: stream.reset in a 200 at once, then the log from its beginning', async (cursor) => {
    for (const place of [{ query: cursor }, { header: cursor }]) {
      const query = 'query' in place ? `?after=${encodeURIComponent(place.query)}` : ''
      const headers: Record<string, string> = 'header' in place ? { 'last-event-id': place.header } : {}
      const began = performance.now()
      const stream = await openStream(`${node.url}/v1/tasks/${running}/events${query}`, headers)
      while (stream.events.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
      expect(performance.now() - began).toBeLessThan(1000)
      expect(stream.names.slice(0, 2)).toEqual(['stream.reset', 'task.created'])
      expect(stream.ids.slice(0, 2)).toEqual(['0', '1'])
      stream.close()
    }
  })

  test.each(impossible)('%s, of a task that has ended: the end is shown', async (cursor) => {
    const stream = await openStream(`${node.url}/v1/tasks/${ended}/events`, { 'last-event-id': cursor })
    await stream.ended
    expect(stream.names[0]).toBe('stream.reset')
    expect(stream.events.at(-1)!.status).toBe('completed')
  })

  test('of two places the furthest that can be counts, as a browser repeats its first address', async () => {
    const { version } = await readEnd(node.url, ended)
    const events = `${node.url}/v1/tasks/${ended}/events`
    const accept = { accept: 'text/event-stream' }
    const stop = await send(`${events}?after=1`, { headers: { ...accept, 'last-event-id': String(version) } })
    expect(stop.status).toBe(204)
    const mixed = await openStream(`${events}?after=999999`, { 'last-event-id': String(version - 1) })
    await mixed.ended
    expect(mixed.names).toEqual(['task.completed'])
  })
})

test.each(deliveries.map(({ name }) => name))('a page of %s after a place beyond the log is 400', async (delivery) => {
  await using node = await startApiNode(delivery)
  const { task_id } = (await submit(node.url, 'page', { ...research, deadline_s: 60 })).json
  for (const cursor of impossible) {
    const { status, json } = await send(`${node.url}/v1/tasks/${task_id}/events?after=${encodeURIComponent(cursor)}`)
    expect([cursor, status, json]).toMatchObject([cursor, 400, { type: '/problems/validation' }])
  }
  const { version } = await readEnd(node.url, task_id)
  expect((await send(`${node.url}/v1/tasks/${task_id}/events?after=${version}`)).json.events).toEqual([])
})

test('a long poll for what is beyond the log is answered at once, with the advice to wait', async () => {
  await using node = await startApiNode('polling', 'memory', { timeScale: 1 })
  const { task_id } = (await submit(node.url, 'beyond', research)).json
  const began = performance.now()
  const { status, headers } = await send(`${node.url}/v1/tasks/${task_id}?wait=20&after=999999`)
  expect([status, headers['retry-after']]).toEqual([200, '5'])
  expect(performance.now() - began).toBeLessThan(1000)
})

describe('a socket whose hello names a place that cannot be', () => {
  test.each(['running', 'ended'])('of a task that is %s is closed with 1008, which says why', async (state) => {
    await using node = await startApiNode('websocket')
    const { task_id } = (await submit(node.url, state, state === 'ended' ? requestBody() : research)).json
    if (state === 'ended') await readEnd(node.url, task_id)
    const { closed, events } = await openSocket(`${node.url}/v1/tasks/${task_id}`, 999_999)
    expect([await closed, events]).toEqual([1008, []])
  })

  test('the reason says where the log ends', async () => {
    await using node = await startApiNode('websocket')
    const { json } = await submit(node.url, 'reason', requestBody())
    const { version } = await readEnd(node.url, json.task_id)
    const socket = new WebSocket(`${node.url}${json.links.self}/ws`, { headers: { authorization: `Bearer ${token}` } })
    await once(socket, 'open')
    socket.send('{"type":"hello","last_seq":77}')
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
    expect([code, String(reason)]).toEqual([
      1008,
      `last_seq: 77 is beyond the log, which ends at ${version}: begin again at 0`,
    ])
  })
})
