import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { request } from 'undici'
import { expect, test } from 'vitest'
import type { Dropped } from '../../../harness/model/history.ts'
import { openInbox, type Callback, type CallbackBody, type InboxLimits } from '../../../harness/run/inbox.ts'

const never = new AbortController().signal
const body = { task_id: 'task_1', status: 'completed' }

async function post(address: string, job: string, text: string): Promise<number> {
  const answer = await request(`http://${address}/callbacks/${job}`, { method: 'POST', body: text, reset: true })
  await answer.body.dump()
  return answer.statusCode
}

test('without a judge the body is the task', async () => {
  const callbacks: Callback[] = []
  await using inbox = await openInbox('127.0.0.1', (callback) => callbacks.push(callback))
  expect(await post(inbox.address, 'early', JSON.stringify(body))).toBe(204)
  expect(await inbox.wait('early', never)).toEqual(body)
  expect(await post(inbox.address, 'early', '{"torn":')).toBe(400)
  expect(await post(inbox.address, 'early', '{}')).toBe(400)
  expect(callbacks).toMatchObject([
    { job: 'early', deliveryId: '', body, bytes: expect.stringMatching(/^[0-9a-f]{16}$/) },
  ])
})

test('a judge is asked about every request for its job, the later ones too', async () => {
  const callbacks: Callback[] = []
  await using inbox = await openInbox('127.0.0.1', (callback) => callbacks.push(callback))
  const wrapped = inbox.wait('judged', never, ({ body }) => {
    if (body.toString() === 'forged') throw new Error('forged')
    return (JSON.parse(body.toString()) as { data: CallbackBody }).data
  })
  expect(await post(inbox.address, 'judged', 'forged')).toBe(400)
  expect(await post(inbox.address, 'judged', JSON.stringify({ data: body }))).toBe(204)
  expect(await wrapped).toEqual(body)
  expect(await post(inbox.address, 'judged', 'forged')).toBe(400)
  expect(await post(inbox.address, 'judged', JSON.stringify({ data: body }))).toBe(204)
  expect(callbacks.map(({ body }) => body)).toEqual([body, body])
})

test('what is no task or too much is refused, and never a callback', async () => {
  const callbacks: Callback[] = []
  await using inbox = await openInbox('127.0.0.1', (callback) => callbacks.push(callback))
  for (const text of ['null', '[]', '7', ''])
    expect([text, await post(inbox.address, 'odd', text)]).toEqual([text, 400])
  expect(await post(inbox.address, 'odd', `"${'x'.repeat(2_000_000)}"`).catch(() => 413)).toBe(413)
  expect(callbacks).toEqual([])
})

const roomy = { count: 1_000, bytes: 1e6 }

/** An inbox with little room, and what it told. */
async function smallInbox(limits: Partial<InboxLimits>) {
  const callbacks: Callback[] = []
  const dropped: Dropped[] = []
  const onDropped = (one: Dropped): void => void dropped.push(one)
  const all = { said: { each: roomy, all: roomy }, kept: { each: roomy, bytes: 1e6 }, bodyBytes: 1e5, atOnceBytes: 1e6 }
  const inbox = await openInbox('127.0.0.1', (one) => callbacks.push(one), {
    onDropped,
    limits: { ...all, ...limits },
  })
  return {
    inbox,
    callbacks,
    dropped,
    post: (job: string, text = JSON.stringify(body)) => post(inbox.address, job, text),
    [Symbol.asyncDispose]: () => inbox[Symbol.asyncDispose](),
  }
}

test('a flood of one task is dropped beyond its limit, which is told, and hurts no other task', async () => {
  await using small = await smallInbox({ said: { each: { count: 3, bytes: 1e6 }, all: roomy } })
  const answers: number[] = []
  for (let i = 0; i < 10; i++) answers.push(await small.post('loud'))
  expect(answers).toEqual([204, 204, 204, 503, 503, 503, 503, 503, 503, 503])
  expect(small.callbacks).toHaveLength(3)
  const why = 'more than 3 for one name'
  expect(small.dropped).toEqual([1, 2, 4].map((posts) => ({ task: 'loud', why, posts })))
  expect(await small.post('quiet')).toBe(204)
})

test('bytes count as posts do, and so do posts to names that are no task of the load', async () => {
  await using few = await smallInbox({ said: { each: roomy, all: { count: 1_000, bytes: 340 } } })
  const long = JSON.stringify({ ...body, more: 'x'.repeat(100) })
  for (const name of ['a', 'b', 'c']) await few.post(name, long)
  expect(few.callbacks.map(({ job }) => job)).toEqual(['a', 'b'])
  expect(few.dropped).toEqual([{ task: 'c', why: 'more than 340 bytes in all', posts: 1 }])
})

test('a body that is too long, or one too many at once, is a callback that was dropped', async () => {
  await using small = await smallInbox({ bodyBytes: 1_000, atOnceBytes: 1_500 })
  expect(await small.post('long', 'x'.repeat(2_000)).catch(() => 413)).toBe(413)
  expect(small.dropped).toEqual([{ task: 'long', why: 'a body of more than 1000 bytes', posts: 1 }])
  const held = await holdBack(small.inbox.address, 'slow', 900)
  expect(await small.post('other', 'x'.repeat(900)).catch(() => 503)).toBe(503)
  expect(small.dropped.at(-1)).toEqual({ task: 'other', why: 'bodies of more than 1500 bytes at once', posts: 2 })
  held.destroy()
  await expect.poll(() => small.post('other', 'x'.repeat(900)).catch(() => 503)).toBe(400)
})

test('what nobody waited for is kept within limits, and its loss is told when somebody would have had it', async () => {
  await using small = await smallInbox({ kept: { each: { count: 2, bytes: 1e6 }, bytes: 1e6 } })
  for (let version = 1; version <= 3; version++)
    expect(await small.post('early', JSON.stringify({ ...body, version }))).toBe(204)
  expect(small.callbacks).toHaveLength(3)
  expect(small.dropped).toEqual([])
  expect(await small.inbox.wait('early', never)).toMatchObject({ version: 1 })
  expect(await small.inbox.wait('early', never)).toMatchObject({ version: 2 })
  const over = new AbortController()
  const third = small.inbox.wait('early', over.signal)
  expect(small.dropped).toEqual([{ task: 'early', why: 'more than 2 before its client asked', posts: 1 }])
  over.abort(new Error('over'))
  await expect(third).rejects.toThrow('over')
})

test('where all that is kept is too much, what has waited longest goes first', async () => {
  const bytes = JSON.stringify(body).length
  await using small = await smallInbox({ kept: { each: roomy, bytes: 2 * bytes } })
  for (const job of ['first', 'second', 'third']) await small.post(job)
  expect(await small.inbox.wait('third', never)).toEqual(body)
  expect(await small.inbox.wait('second', never)).toEqual(body)
  expect(small.dropped).toEqual([])
  const over = new AbortController()
  const first = small.inbox.wait('first', over.signal)
  expect(small.dropped).toEqual([
    { task: 'first', why: `more than ${2 * bytes} bytes for which no client had asked`, posts: 1 },
  ])
  over.abort(new Error('over'))
  await expect(first).rejects.toThrow('over')
})

test('a name that no task has is no address', async () => {
  await using small = await smallInbox({})
  expect(await small.post('x'.repeat(500))).toBe(404)
  expect(small.dropped).toEqual([])
})

/** A request of which so many bytes have come, and the end does not. */
async function holdBack(address: string, job: string, bytes: number): Promise<Socket> {
  const [host, port] = address.split(':')
  const socket = connect(Number(port), host)
  await once(socket, 'connect')
  socket.on('error', () => {})
  socket.write(`POST /callbacks/${job} HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes + 1}\r\n\r\n${'x'.repeat(bytes)}`)
  await new Promise((resolve) => setTimeout(resolve, 100))
  return socket
}
test('a callback that another run was promised is refused, and counted', async () => {
  const callbacks: Callback[] = []
  const foreign: string[] = []
  const own = { end: '-aaaa', onForeign: (path: string) => void foreign.push(path) }
  await using inbox = await openInbox('127.0.0.1', (callback) => callbacks.push(callback), own)
  expect(inbox.pathFor('t-00001')).toBe('/callbacks/t-00001-aaaa')
  const text = JSON.stringify(body)
  expect(await post(inbox.address, 't-00001-aaaa', text)).toBe(204)
  for (const other of ['t-00001-bbbb', 't-00001', 't-00001-aaaa-bbbb', '-aaaa'])
    expect([other, await post(inbox.address, other, text)]).toEqual([other, 404])
  expect(await inbox.wait('t-00001', never)).toEqual(body)
  expect(callbacks.map(({ job }) => job)).toEqual(['t-00001'])
  expect(foreign).toEqual(['t-00001-bbbb', 't-00001', 't-00001-aaaa-bbbb', '-aaaa'].map((one) => `/callbacks/${one}`))
})

test('a sender that asks is given no consent for another run’s work', async () => {
  await using inbox = await openInbox('127.0.0.1', () => {}, { end: '-aaaa' })
  const ask = async (job: string): Promise<number> =>
    (await request(`http://${inbox.address}/callbacks/${job}`, { method: 'OPTIONS', reset: true })).statusCode
  expect([await ask('t-00001-aaaa'), await ask('t-00001-bbbb')]).toEqual([204, 404])
})
