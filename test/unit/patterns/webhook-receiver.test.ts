import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { MockAgent, request } from 'undici'
import { expect, test } from 'vitest'
import type { ClientPorts, OpenCallback } from '../../../patterns/contract/client/client.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'
import runJob from '../../../patterns/deliveries/webhook-retry/client.ts'
import { endpointKey, readVerifyingKey } from '../../../patterns/deliveries/webhook-retry/keys.ts'
import { clockS, messageOf } from '../../../patterns/deliveries/webhook-retry/message.ts'
import { receiverOf } from '../../../patterns/deliveries/webhook-retry/receiver.ts'
import { openSender } from '../../../patterns/deliveries/webhook-retry/sender.ts'
import { signMessage } from '../../../patterns/deliveries/webhook-retry/signature.ts'
import { OwedCallback } from '../../../patterns/engines/memory/callback.ts'

const secret = `whsec_${randomBytes(32).toString('base64')}`
const task = {
  task_id: 'task_1',
  status: 'completed',
  version: 6,
  updated_at: '2026-11-26T00:00:00.000Z',
  estimated_completion: null,
} as Task

async function startReceiver(insert: (id: string) => Promise<boolean>) {
  const worked: string[] = []
  const work = ({ task_id }: Task): void => void worked.push(task_id)
  const server = createServer(receiverOf({ keys: [readVerifyingKey(secret)], insert, work }))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  /** As the specification's own library signs it. */
  const post = async (id: string, body: string, signed = body): Promise<number> => {
    const at = new Date()
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, at, signed),
    }
    const answer = await request(url, { method: 'POST', headers, body, reset: true })
    await answer.body.dump()
    return answer.statusCode
  }
  return { post, worked, [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) }
}

const body = messageOf(task, '').body.toString()

test('a message is inserted before it is answered, and worked on once however often it comes', async () => {
  const ids = new Set<string>()
  await using receiver = await startReceiver(async (id) => !ids.has(id) && ids.add(id) === ids)
  expect(await receiver.post('evt_1', body)).toBe(204)
  expect(await receiver.post('evt_1', body)).toBe(204)
  expect(await receiver.post('evt_2', body)).toBe(204)
  expect([receiver.worked, [...ids]]).toEqual([
    ['task_1', 'task_1'],
    ['evt_1', 'evt_2'],
  ])
})

test('news of a task that goes on is answered, and nothing is done', async () => {
  await using receiver = await startReceiver(async () => Promise.reject(new Error('must not be called')))
  const running = messageOf({ ...task, status: 'running' }, '').body.toString()
  expect([await receiver.post('evt_1', running), receiver.worked]).toEqual([204, []])
})

test('a message whose answer was lost comes again, and is worked on once', async () => {
  const ids = new Set<string>()
  const worked: string[] = []
  const token = 'a-token-for-tests-only'
  let [port, arrivals] = [0, 0]
  const urlOf = (name: string) => `http://127.0.0.1:${port}/${name}`
  const receive = receiverOf({
    keys: [endpointKey(token)],
    insert: async (id) => !ids.has(id) && ids.add(id) === ids,
    work: ({ task_id }) => void worked.push(task_id),
  })
  const server = createServer((request, response) => {
    // The receiver does all that it must, and the first two times nobody hears of it.
    if (++arrivals <= 2) response.end = () => response.destroy()
    receive(request, response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  port = (server.address() as AddressInfo).port
  const settings = { node: 'api-0', listen: { host: '', port: 1 }, delivery: 'webhook-retry', engine: 'memory' }
  const notify = openSender({ ...settings, timeScale: 20, tuning: 'tuned', token, webhookAllow: ['127.0.0.0/8'] })
  const [one, two] = ['task_1', 'task_2'].map((task_id) => ({ ...task, task_id }))
  const owed = [new OwedCallback(one!, urlOf('one'), notify), new OwedCallback(two!, urlOf('two'), notify)]
  while (owed.some(({ delivery }) => delivery.status === 'pending')) await sleep(5)
  expect(owed.map(({ delivery }) => delivery.attempts.map(({ status }) => status))).toEqual([
    [undefined, 204],
    [undefined, 204],
  ])
  expect([worked.toSorted(), arrivals]).toEqual([['task_1', 'task_2'], 4])
  owed[0]!.replay()
  while (arrivals < 5 || owed[0]!.delivery.attempts.length < 3) await sleep(5)
  expect(worked).toHaveLength(2)
  await once(server.close(), 'close')
})

test('what cannot be written down is not accepted, so that it comes again', async () => {
  await using receiver = await startReceiver(async () => Promise.reject(new Error('disk full')))
  expect([await receiver.post('evt_1', body), receiver.worked]).toEqual([503, []])
})

test('what is forged, no message or too large is not inserted', async () => {
  await using receiver = await startReceiver(async () => Promise.reject(new Error('must not be called')))
  expect(await receiver.post('evt_1', body, body.replace('completed', 'failed'))).toBe(400)
  expect(await receiver.post('evt_1', '{"type":"x"}')).toBe(400)
  expect(await receiver.post('evt_1', 'not JSON')).toBe(400)
  expect(receiver.worked).toEqual([])
})

/** One API that accepts the task as running and, when asked, says what `read` says. */
function clientWith(read: () => { statusCode: number; data: object }) {
  const agent = new MockAgent()
  agent.disableNetConnect()
  const api = agent.get('http://api')
  const running = { ...task, status: 'running', version: 2 }
  const headers = { 'content-type': 'application/json' }
  api.intercept({ path: '/v1/tasks', method: 'POST' }).reply(202, running, { headers })
  const reads: number[] = []
  api
    .intercept({ path: '/v1/tasks/task_1', method: 'GET' })
    .reply(() => {
      reads.push(performance.now())
      return { ...read(), responseOptions: { headers } }
    })
    .persist()
  let open: OpenCallback | undefined
  let arrive: ((task: Task) => void) | undefined
  const ports: ClientPorts = {
    apis: [{ name: 'api-0', url: 'http://api' }],
    sticky: true,
    dispatcher: agent,
    token: 'a-token-for-tests-only',
    timeScale: 600,
    now: () => performance.now(),
    random: Math.random,
    observe: () => {},
    inbox: {
      urlFor: (job) => `http://receiver/${job}`,
      wait: (_, signal, opener) =>
        new Promise((resolve, reject) => {
          ;[open, arrive] = [opener, resolve]
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        }),
    },
  }
  /** A request to the callback URL. Throws what the receiver would refuse. */
  const post = (key = endpointKey(ports.token)): void => {
    const message = messageOf(task, '')
    arrive!(open!({ headers: signMessage({ ...message, timestampS: clockS() }, [key]), body: message.body }))
  }
  const job = { key: 'one', ordinal: 0, input: { seed: 1, profile: 'smoke', job: 'one' } }
  const run = (signal: AbortSignal, giveUpAt = Infinity) => runJob({ ...job, giveUpAt }, ports, signal)
  return { post, reads, run, running }
}

test('the client believes a callback that is signed with its token’s key and asks nothing', async () => {
  const client = clientWith(() => ({ statusCode: 500, data: {} }))
  const done = client.run(new AbortController().signal)
  await sleep(20)
  expect(() => client.post(endpointKey('the-token-of-another-owner'))).toThrow('no key known')
  client.post()
  expect(await done).toEqual({ task, via: 'callback' })
  expect(client.reads).toEqual([])
})

test('the client asks rarely when no callback came, and goes on through errors', async () => {
  let asked = 0
  const client = clientWith(() => {
    asked++
    if (asked === 2) return { statusCode: 200, data: client.running }
    return asked > 2 ? { statusCode: 200, data: task } : { statusCode: 503, data: {} }
  })
  const began = performance.now()
  expect(await client.run(new AbortController().signal)).toEqual({ task, via: 'poll' })
  // 60 s at full length.
  const gaps = client.reads.map((at, i) => at - (client.reads[i - 1] ?? began))
  expect(gaps).toHaveLength(3)
  for (const gap of gaps) expect(gap).toBeGreaterThan(95)
})

test('an estimate beyond the end of the job leaves time for one read before it', async () => {
  const client = clientWith(() => ({ statusCode: 200, data: task }))
  const far = { updated_at: '2026-11-26T00:00:00Z', estimated_completion: '2026-11-27T00:00:00Z' }
  Object.assign(client.running, far)
  const began = performance.now()
  expect(await client.run(AbortSignal.timeout(5_000), began + 200)).toEqual({ task, via: 'poll' })
  expect(client.reads).toHaveLength(1)
  expect(client.reads[0]! - began).toBeGreaterThan(150)
})

test('the client gives up with the abort reason', async () => {
  const client = clientWith(() => ({ statusCode: 500, data: {} }))
  await expect(client.run(AbortSignal.timeout(50))).rejects.toMatchObject({ name: 'TimeoutError' })
})

test('a message that is not genuine is answered with what is wrong, and where it came', async () => {
  const server = createServer(
    receiverOf({ keys: [endpointKey('the-token-of-another-owner')], insert: async () => true, work: () => {} }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const message = messageOf(task, '')
  const headers = signMessage({ ...message, timestampS: clockS() }, [endpointKey('a-token-for-tests-only')])
  const answer = await fetch(`http://127.0.0.1:${port}/behind/a/proxy?secret=1`, {
    method: 'POST',
    headers,
    body: message.body.toString(),
  })
  const why = `webhook-signature is of no key known here; posted to 127.0.0.1:${port}/behind/a/proxy?…\n`
  expect([answer.status, await answer.text()]).toEqual([400, why])
  await once(server.close(), 'close')
})
