import { request } from 'undici'
import { expect, test } from 'vitest'
import { openInbox, type Callback, type CallbackBody } from '../../../harness/run/inbox.ts'

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
