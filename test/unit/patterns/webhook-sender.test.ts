import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { expect, test, vi } from 'vitest'
import type { NodeSettings } from '../../../patterns/contract/types/settings.ts'
import type { CallbackAttempt } from '../../../patterns/contract/types/callback.ts'
import { shownAddress } from '../../../patterns/contract/types/shown-address.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'
import { readSettings } from '../../../patterns/contract/server/settings.ts'
import { endpointKey, readVerifyingKey } from '../../../patterns/deliveries/webhook-retry/keys.ts'
import { clockS, messageOf, openMessage } from '../../../patterns/deliveries/webhook-retry/message.ts'
import { openSender } from '../../../patterns/deliveries/webhook-retry/sender.ts'

const token = 'a-token-for-tests-only'
const input = { seed: 1, profile: 'smoke', job: 'job-1' }
const task = {
  task_id: 'task_1',
  type: 'agent',
  status: 'completed',
  version: 6,
  updated_at: '2026-11-26T00:00:00.000Z',
  input,
} as Task

function settingsWith(more: Partial<NodeSettings> = {}): NodeSettings {
  const listen = { host: '127.0.0.1', port: 1 }
  const axes = { delivery: 'webhook-retry', engine: 'memory' }
  return {
    node: 'api-0',
    listen,
    ...axes,
    timeScale: 10,
    tuning: 'tuned',
    token,
    webhookAllow: ['127.0.0.0/8'],
    ...more,
  }
}

interface Post {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Answers the statuses in turn, the last one for ever; 0 is no answer at all. */
async function startReceiver(...statuses: number[]) {
  const posts: Post[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const status = statuses[Math.min(posts.length, statuses.length - 1)]!
    posts.push({ headers: request.headers, body: Buffer.concat(chunks) })
    if (status > 0) response.writeHead(status, { location: '/elsewhere' }).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  }
  return { port: (server.address() as AddressInfo).port, posts, [Symbol.asyncDispose]: close }
}

/** As an engine does it, each attempt on record before the next, but for the waits. */
async function deliverTo(url: string, notify = openSender(settingsWith())): Promise<CallbackAttempt[]> {
  const records: CallbackAttempt[] = []
  for (;;) {
    const record = await notify({ task, url, earlier: [...records] })
    records.push(record)
    if (record.decision.next !== 'retry') return records
  }
}

const steps = (records: readonly CallbackAttempt[]) => records.map(({ attempt, decision }) => [attempt, decision.next])

test('an attempt that fails is repeated until one is accepted: the same message, signed anew', async () => {
  await using receiver = await startReceiver(500, 307, 404, 204)
  const url = `http://127.0.0.1:${receiver.port}/hook?secret=1`
  const records = await deliverTo(url)
  expect(steps(records)).toEqual([
    [1, 'retry'],
    [2, 'retry'],
    [3, 'retry'],
    [4, 'delivered'],
  ])
  expect(receiver.posts).toHaveLength(4)
  expect(new Set(receiver.posts.map(({ body }) => body.toString())).size).toBe(1)
  const keys = [endpointKey(token)]
  for (const post of receiver.posts) expect(openMessage(post, keys, clockS())).toEqual({ id: 'evt_task_1_6', task })
  expect(JSON.parse(receiver.posts[0]!.body.toString())).toMatchObject({
    type: 'task.completed',
    timestamp: task.updated_at,
  })
  expect(JSON.stringify(records)).not.toContain('secret')
})

test('one key verifies at every address that a message is sent to, however it is spelt', async () => {
  await using receiver = await startReceiver(204)
  const base = `127.0.0.1:${receiver.port}`
  const spellings = [
    `HTTP://${base}/hook`,
    `http://${base}/hook/`,
    `http://${base}/hook#part`,
    `http://${base}/h%C3%BC`,
    `http://${base}/hü`,
    `http://${base}/hook?a=1`,
  ]
  for (const url of spellings) await deliverTo(url)
  expect(receiver.posts).toHaveLength(spellings.length)
  for (const post of receiver.posts) expect(openMessage(post, [endpointKey(token)], clockS()).task).toEqual(task)
})

test('a refusal lasts an hour at most, whatever came before it, and 413 no second attempt', async () => {
  await using receiver = await startReceiver(413, 401)
  const url = `http://127.0.0.1:${receiver.port}/`
  const notify = openSender(settingsWith({ timeScale: 1 }))
  const refused = { next: 'dead', reason: 'refused' }
  expect(await notify({ task, url, earlier: [] })).toMatchObject({ status: 413, decision: refused })
  const at = (attempt: number, agoMs: number, status: number): CallbackAttempt => {
    const time = new Date(Date.now() - agoMs).toISOString()
    return { attempt, time, manual: false, status, detail: `HTTP ${status}`, decision: { next: 'unchanged' } }
  }
  const hourMs = 3_600_000
  const down = [at(1, 9 * hourMs, 503), at(2, 8 * hourMs, 503)]
  expect((await notify({ task, url, earlier: down })).decision.next).toBe('retry')
  const refusals = [...down, at(3, 1.1 * hourMs, 401), at(4, hourMs, 404)]
  expect((await notify({ task, url, earlier: refusals })).decision).toEqual(refused)
  const interrupted = [at(1, 2 * hourMs, 401), at(2, 60_000, 503)]
  expect((await notify({ task, url, earlier: interrupted })).decision.next).toBe('retry')
})

test('the configured keys sign beside the endpoint’s own', async () => {
  const old = `whsec_${randomBytes(32).toString('base64')}`
  const pair = generateKeyPairSync('ed25519')
  const last32 = (key: Buffer): string => key.subarray(-32).toString('base64')
  const whsk = `whsk_${last32(pair.privateKey.export({ format: 'der', type: 'pkcs8' }))}`
  const whpk = `whpk_${last32(pair.publicKey.export({ format: 'der', type: 'spki' }))}`
  await using receiver = await startReceiver(204)
  await deliverTo(`http://127.0.0.1:${receiver.port}/`, openSender(settingsWith({ webhookKeys: [old, whsk] })))
  const [post] = receiver.posts
  expect(() => new Webhook(old).verify(post!.body.toString(), post!.headers as Record<string, string>)).not.toThrow()
  expect(openMessage(post!, [readVerifyingKey(whpk)], clockS()).id).toBe('evt_task_1_6')
})

test('a receiver that never answers, and one that is not there, are failures', async () => {
  await using receiver = await startReceiver(0, 204)
  const brief = openSender(settingsWith({ timeScale: 50 }))
  const silent = await brief({ task, url: `http://127.0.0.1:${receiver.port}/`, earlier: [] })
  expect(silent).toMatchObject({ decision: { next: 'retry' }, detail: 'The operation was aborted due to timeout' })
  expect(silent).not.toHaveProperty('status')
  const absent = await startReceiver(204)
  await absent[Symbol.asyncDispose]()
  const refused = await openSender(settingsWith())({ task, url: `http://127.0.0.1:${absent.port}/`, earlier: [] })
  expect(refused).toMatchObject({ decision: { next: 'retry' }, detail: expect.stringContaining('ECONNREFUSED') })
  expect(refused).not.toHaveProperty('status')
})

test('410 disables the endpoint: later messages are dead without being sent, other endpoints live', async () => {
  await using receiver = await startReceiver(410, 204)
  const url = `http://127.0.0.1:${receiver.port}/gone`
  const notify = openSender(settingsWith())
  expect(steps(await deliverTo(url, notify))).toEqual([[1, 'dead']])
  expect(await deliverTo(url, notify)).toMatchObject([
    { attempt: 1, decision: { next: 'dead', reason: 'gone' }, detail: 'disabled by an earlier 410' },
  ])
  expect(receiver.posts).toHaveLength(1)
  expect(steps(await deliverTo(`http://127.0.0.1:${receiver.port}/other`, notify))).toEqual([[1, 'delivered']])
})

test('where the engine remembers who is gone, this process does not', async () => {
  await using receiver = await startReceiver(410, 204)
  const url = `http://127.0.0.1:${receiver.port}/gone`
  const notify = openSender(settingsWith())
  expect(await notify({ task, url, earlier: [], isGone: true })).toMatchObject({ detail: 'disabled by an earlier 410' })
  expect(receiver.posts).toHaveLength(0)
  expect(await notify({ task, url, earlier: [], isGone: false })).toMatchObject({ status: 410 })
  expect(await notify({ task, url, earlier: [], isGone: false })).toMatchObject({ decision: { next: 'delivered' } })
})

test('by hand a message is sent also to an endpoint that was gone, and success is its return', async () => {
  await using receiver = await startReceiver(410, 500, 204)
  const url = `http://127.0.0.1:${receiver.port}/gone`
  const notify = openSender(settingsWith())
  const earlier = await deliverTo(url, notify)
  const failed = await notify({ task, url, earlier, manual: true })
  expect(failed).toMatchObject({ attempt: 2, manual: true, status: 500, decision: { next: 'unchanged' } })
  expect(await deliverTo(url, notify)).toMatchObject([{ decision: { next: 'dead' } }])
  const back = await notify({ task, url, earlier: [...earlier, failed], manual: true })
  expect(back).toMatchObject({ attempt: 3, status: 204, decision: { next: 'delivered' } })
  expect(steps(await deliverTo(url, notify))).toEqual([[1, 'delivered']])
})

test('the schedule goes on from the record, whoever made it, and attempts by hand take no place in it', async () => {
  await using receiver = await startReceiver(500)
  const url = `http://127.0.0.1:${receiver.port}/`
  const settings = settingsWith({ timeScale: 1 })
  const at = (attempt: number, agoMs: number, manual = false): CallbackAttempt => {
    const time = new Date(Date.now() - agoMs).toISOString()
    return { attempt, time, manual, status: 500, detail: 'HTTP 500', decision: { next: 'unchanged' } }
  }
  const earlier = [at(1, 60_000, true), at(2, 40_000), at(3, 30_000, true), at(4, 20_000), at(5, 10_000)]
  const { attempt, decision } = await openSender(settings)({ task, url, earlier })
  expect(attempt).toBe(6)
  // The fourth in the schedule: 40 s, with 20 % to either side.
  expect(decision).toMatchObject({ next: 'retry' })
  expect((decision as { delay_ms: number }).delay_ms).toBeGreaterThanOrEqual(32_000)
  expect((decision as { delay_ms: number }).delay_ms).toBeLessThanOrEqual(48_000)
  const horizonMs = 72 * 3_600_000
  expect((await openSender(settings)({ task, url, earlier: [at(1, horizonMs)] })).decision).toEqual({
    next: 'dead',
    reason: 'horizon',
  })
  // What was sent by hand three days ago began no schedule.
  expect((await openSender(settings)({ task, url, earlier: [at(1, horizonMs, true)] })).decision.next).toBe('retry')
})

test.each(['127.0.0.1', 'localhost'])('%s is not dialled when its address is private', async (host) => {
  await using receiver = await startReceiver(204)
  const notify = openSender(settingsWith({ webhookAllow: ['192.0.2.0/24'] }))
  const records = await deliverTo(`http://${host}:${receiver.port}/`, notify)
  expect(records).toMatchObject([{ attempt: 1, decision: { next: 'dead', reason: 'blocked' } }])
  expect(receiver.posts).toEqual([])
})

test('a message’s id holds no dot', () => {
  expect(messageOf(task, 'https://a.example/').id).not.toContain('.')
})

test('keys that are wrong stop a node when it starts, and are not quoted', () => {
  const env = {
    OUTLAST_NODE: 'api-0',
    OUTLAST_PORT: '1',
    OUTLAST_DELIVERY: 'webhook-retry',
    OUTLAST_ENGINE: 'memory',
    OUTLAST_TOKEN: token,
  }
  const good = `whsec_${randomBytes(32).toString('base64')}`
  expect(readSettings({ ...env, OUTLAST_WEBHOOK_KEYS: `${good}, whsk_x` }).webhookKeys).toEqual([good, 'whsk_x'])
  const wrong = () => readSettings({ ...env, OUTLAST_WEBHOOK_KEYS: 'hunter2-hunter2' })
  expect(wrong).toThrow('OUTLAST_WEBHOOK_KEYS')
  expect(wrong).not.toThrow('hunter2')
  expect(() => openSender(settingsWith({ webhookKeys: ['whsec_aHVudGVyMg=='] }))).toThrow('24 to 64 bytes')
})

test('the date until which a receiver asks to wait is by the receiver’s own clock', async () => {
  const hourAgoMs = Date.now() - 3_600_000
  const headers = {
    date: new Date(hourAgoMs).toUTCString(),
    'retry-after': new Date(hourAgoMs + 120_000).toUTCString(),
  }
  const server = createServer((_, response) => response.writeHead(503, headers).end())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const { decision } = await openSender(settingsWith())({ task, url, earlier: [] })
  server.close()
  expect(decision).toEqual({ next: 'retry', delay_ms: 120_000 })
})

test('the log of a node names the origin that was tried: a path may be a secret, too', async () => {
  await using receiver = await startReceiver(410)
  const log = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  await deliverTo(`http://127.0.0.1:${receiver.port}/secret?secret=1`)
  const said = log.mock.calls.join()
  log.mockRestore()
  expect(said).toContain(`to http://127.0.0.1:${receiver.port}, attempt 1`)
  expect(said).not.toContain('secret')
})

test.each([
  ['https://me:secret@a.test:8443/hook?secret=1#secret', 'https://a.test:8443/hook?…'],
  ['http://a.test', 'http://a.test/'],
  ['/hook?secret', '/hook?…'],
])('an address is shown without its secrets: %s', (url, shown) => {
  expect(shownAddress(url)).toBe(shown)
})
