import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { describe, expect, test } from 'vitest'
import { keepPort } from '../support/ports.ts'
import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import type { RunJob } from '../../patterns/contract/client/client.ts'
import { dispatcher, startApiNode, startServe, timing, token } from './support/api-node.ts'
import { jobFor, portsFor, startReceiver, type RecordedPorts } from './support/client-ports.ts'
import { startCutter } from './support/cutter.ts'
import { readEnd, readTask, requestBody, send, submit } from './support/http.ts'
import { startEndlessLog } from './support/endless-log.ts'
import { openStream } from './support/sse.ts'
import { startToolServer } from './support/tool-server.ts'
import { rightAnswer } from '../support/tools.ts'

const folder = new URL('../../patterns/deliveries/', import.meta.url)
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

async function clientOf(delivery: string): Promise<RunJob> {
  return ((await import(new URL(`${delivery}/client.ts`, folder).href)) as { default: RunJob }).default
}

const never = new AbortController().signal

function streamStates(ports: RecordedPorts): string[] {
  return ports.log.flatMap((seen) => (seen.f === 'stream' ? [seen.value.state] : []))
}

function eventNumbers(ports: RecordedPorts): number[] {
  return ports.log.flatMap((seen) => (seen.f === 'event' ? [seen.value.seq] : []))
}

describe.each(names)('the client of %s', (delivery) => {
  test('is described by its folder', async () => {
    const { default: data } = (await import(new URL(`${delivery}/delivery.ts`, folder).href)) as { default: Delivery }
    expect(data.name).toBe(delivery)
    expect(data.promises).toContain('no-phantom')
  })
})

describe('sync', () => {
  test('holds the connection until the result', async () => {
    await using node = await startApiNode('sync')
    const reply = await submit(node.url, 'held', requestBody(21))
    expect(reply).toMatchObject({
      status: 200,
      json: { status: 'completed', result: { digest: rightAnswer(requestBody(21).input) } },
    })
  })

  test('a node that leaves says so: the task may be running, the key is good', async () => {
    await using node = await startApiNode('sync')
    const held = submit(node.url, 'leaving', requestBody(22))
    while (node.tools.effects.length === 0) await sleep(10)
    node.drain.abort()
    expect(await held).toMatchObject({ status: 503, json: { retryable: true, task_id: expect.any(String) } })
  })
})

describe('polling', () => {
  test('goes on through errors and keeps to the replica that accepted the task', async () => {
    await using node = await startApiNode('polling')
    await using other = await startApiNode('polling')
    await using cutter = await startCutter(node.url)
    const ports = portsFor([cutter.url, other.url])
    const running = (await clientOf('polling'))(jobFor('errors', 31), ports, never)
    while (!ports.log.some(({ f, type }) => f === 'poll' && type === 'ok')) await sleep(5)
    cutter.harm('cut', /GET/)
    while (!ports.log.some(({ f, type }) => f === 'poll' && type === 'fail')) await sleep(5)
    cutter.heal()
    const { task } = await running
    expect(task.result!.digest).toBe(rightAnswer(task.input))
    expect(other.tools.effects).toEqual([])
  })

  test('believes that a task is gone only when every replica that could know it says so', async () => {
    await using node = await startApiNode('polling')
    await using ignorant = await startApiNode('polling')
    const shared = portsFor([node.url, ignorant.url], { sticky: false })
    const { task } = await (await clientOf('polling'))(jobFor('shared', 32), shared, never)
    expect(task.result!.digest).toBe(rightAnswer(task.input))
    expect(shared.log.some(({ f, type, value }) => f === 'poll' && type === 'fail' && value.httpStatus === 404)).toBe(
      true,
    )
  })
})

describe('a step whose tool call fails', () => {
  test('is repeated under the same key until it is acknowledged', async () => {
    await using node = await startApiNode('polling')
    node.tools.refuse(2, 503)
    const { task } = await (await clientOf('polling'))(jobFor('unavailable', 35), portsFor([node.url]), never)
    expect(task.result!.digest).toBe(rightAnswer(task.input))
    expect(node.tools.effects.map(({ key }) => key)).toEqual([1, 2, 3].map((step) => `${task.task_id}/${step}`))
  })

  test('fails the task when it can never succeed, and the client says so', async () => {
    await using node = await startApiNode('polling')
    node.tools.refuse(1, 400)
    const failed = (await clientOf('polling'))(jobFor('never', 36), portsFor([node.url]), never)
    await expect(failed).rejects.toMatchObject({
      reason: 'task-failed',
      message: expect.stringContaining('the tool server answered 400'),
    })
  })
})

describe.concurrent('sse-polling', () => {
  test('a draining node tells its readers when to come back', async () => {
    await using node = await startApiNode('sse-polling')
    const { json } = await submit(node.url, 'drained', requestBody(44))
    const stream = await openStream(`${node.url}${json.links.events}`)
    while (stream.events.length === 0) await sleep(5)
    node.drain.abort()
    await stream.ended
    expect(stream.comments).toContain('draining')
    expect(stream.retryMs).toHaveLength(2)
    expect(stream.events.at(-1)!.status).toBe('running')
  })

  test('polls while the stream is cut, and goes back to it', async () => {
    await using node = await startApiNode('sse-polling')
    await using cutter = await startCutter(node.url)
    const ports = portsFor([cutter.url])
    const job = { ...jobFor('cut', 45), input: { seed: 45, profile: 'research-write', job: 'cut' } }
    const running = (await clientOf('sse-polling'))(job, ports, never)
    while (eventNumbers(ports).length < 3) await sleep(5)
    cutter.harm('cut', /\/events/)
    while (!ports.log.some(({ f, type }) => f === 'poll' && type === 'ok')) await sleep(5)
    cutter.heal()
    const { task, via } = await running
    expect(via).toBe('stream')
    expect(task.result!.digest).toBe(rightAnswer(job.input))
    const states = streamStates(ports)
    expect(states.filter((state) => state !== 'closed')).toEqual(['open', 'fallback', 'open', 'recovered'])
    expect(eventNumbers(ports)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1))
  })

  test('notices a stream that went silent, and learns the end by polling when it stays away', async () => {
    await using node = await startApiNode('sse-polling')
    await using cutter = await startCutter(node.url)
    cutter.harm('silence', /\/events/)
    const ports = portsFor([cutter.url])
    const input = { seed: 46, profile: 'research-write', job: 'silent' }
    const { task, via } = await (await clientOf('sse-polling'))({ ...jobFor('silent', 46), input }, ports, never)
    expect([via, task.result!.digest]).toEqual(['poll', rightAnswer(input)])
    expect(streamStates(ports).slice(0, 3).toSorted()).toEqual(['closed', 'fallback', 'heartbeat-missed'])
    expect(task).toEqual(await readEnd(node.url, task.task_id))
  })
})

describe('a reader of an event stream that takes nothing', () => {
  test('is cut off instead of being waited for, and holds no more than its socket', async () => {
    await using endless = await startEndlessLog('sse')
    const socket = connect(Number(new URL(endless.url).port), '127.0.0.1')
    socket.on('error', () => {})
    const closed = once(socket, 'close')
    socket.write(
      `GET /v1/tasks/endless/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nAccept: text/event-stream\r\n\r\n`,
    )
    await once(socket, 'readable')
    await endless.readerCut
    expect(endless.produced() * endless.eventBytes).toBeLessThan(64 * 2 ** 20)
    socket.resume()
    await closed
  })
})

describe('webhook', () => {
  test('is one POST of the finished task on a connection of its own', async () => {
    await using node = await startApiNode('webhook')
    await using receiver = await startReceiver()
    const { json } = await submit(node.url, 'posted', withCallback(51, receiver.url))
    const final = await readEnd(node.url, json.task_id)
    while (receiver.posts.length === 0) await sleep(10)
    expect(JSON.parse(receiver.posts[0]!.body)).toEqual(final)
    expect(receiver.posts[0]!.headers).toMatchObject({
      connection: 'close',
      'webhook-id': `evt_${json.task_id}_${final.version}`,
    })
  })

  test.each([
    ['an error', 500, {}],
    ['a redirect', 307, { location: '/elsewhere' }],
  ])('%s from the receiver is the end of it', async (_, status, headers) => {
    await using node = await startApiNode('webhook')
    await using receiver = await startReceiver(status, headers)
    const { json } = await submit(node.url, 'once', withCallback(52, receiver.url))
    expect((await readEnd(node.url, json.task_id)).status).toBe('completed')
    await sleep(timing.webhookTimeoutMs)
    expect(receiver.posts.map(({ url }) => url)).toEqual(['/'])
    const { json: log } = await send(`${node.url}/v1/tasks/${json.task_id}/deliveries`)
    const attempts = [{ attempt: 1, status, decision: { next: 'dead', reason: 'once' } }]
    expect(log).toMatchObject({ deliveries: [{ status: 'dead', next_attempt_at: null, attempts }] })
  })

  test('a name that resolves to a private address is not dialled', async () => {
    await using tools = await startToolServer()
    await using receiver = await startReceiver()
    await using api = await startServe('webhook', tools.url, await keepPort(), {
      OUTLAST_WEBHOOK_ALLOW: '192.0.2.0/24',
    })
    const url = receiver.url.replace('127.0.0.1', 'localhost')
    const { json } = await submit(api.url, 'rebound', withCallback(54, url))
    expect((await readEnd(api.url, json.task_id)).status).toBe('completed')
    while (!api.log().includes('BlockedDestination')) await sleep(10)
    expect(receiver.posts).toEqual([])
  })
})

describe('serve', () => {
  test('SIGTERM: streams are told to reconnect, nothing more is accepted, exit 0', async () => {
    await using tools = await startToolServer()
    await using api = await startServe('sse-polling', tools.url, await keepPort())
    const { json } = await submit(api.url, 'drain', requestBody(61))
    const stream = await openStream(`${api.url}${json.links.events}`)
    while (stream.events.length === 0) await sleep(5)
    const exited = once(api.child, 'exit')
    api.child.kill('SIGTERM')
    await stream.ended
    expect(stream.comments).toContain('draining')
    expect(await exited).toEqual([0, null])
    await expect(request(`${api.url}/healthz`, { dispatcher })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(api.log()).toBe('')
  })

  test('SIGTERM: a long poll is answered at once, on a connection that ends', async () => {
    await using tools = await startToolServer()
    await using api = await startServe('polling', tools.url, await keepPort(), { OUTLAST_TIME_SCALE: '1' })
    const pool = new Agent()
    const { json } = await submit(api.url, 'leaving', requestBody(62))
    const headers = { authorization: `Bearer ${token}` }
    await sleep(500)
    const { version } = await readTask(api.url, json.task_id)
    const polled = request(`${api.url}${json.links.self}?wait=25&after=${version}`, { dispatcher: pool, headers })
    await sleep(500)
    const exited = once(api.child, 'exit')
    api.child.kill('SIGTERM')
    const answer = await polled
    expect([answer.statusCode, answer.headers.connection, answer.headers['retry-after']]).toEqual([200, 'close', '5'])
    await answer.body.dump()
    expect(await exited).toEqual([0, null])
    await pool.destroy()
  })

  test('ends when the process that started it is gone', async () => {
    await using tools = await startToolServer()
    await using api = await startServe('polling', tools.url, await keepPort())
    const exited = once(api.child, 'exit')
    api.child.stdin!.end()
    expect(await exited).toEqual([0, null])
  })

  test('does not start on settings that are wrong or on a port that is taken, and says why', async () => {
    await using tools = await startToolServer()
    await using taken = await startReceiver(503)
    const start = (port: number, env = {}) => startServe('polling', tools.url, port, env)
    await expect(start(await keepPort(), { OUTLAST_TOKEN: 'short' })).rejects.toThrow('OUTLAST_TOKEN')
    await expect(start(await keepPort(), { OUTLAST_DELIVERY: '../sync' })).rejects.toThrow('not the name of a folder')
    await expect(start(Number(new URL(taken.url).port))).rejects.toThrow('EADDRINUSE')
  })
})

function withCallback(seed: number, url: string): object {
  return requestBody(seed, { delivery: { webhook_url: url } })
}
