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
