import { request } from 'undici'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Target } from '../../../harness/conform/case.ts'
import { Conversation } from '../../../harness/conform/conversation.ts'
import { must } from '../../../harness/conform/expect.ts'
import { until } from '../../../harness/conform/http.ts'
import { openReceiver } from '../../../harness/conform/receiver.ts'
import { runCase, type NamedCase } from '../../../harness/conform/suite.ts'
import { timingAt } from '../../../patterns/contract/types/timing.ts'

const never = new AbortController().signal
const roomy = { count: 1_000, bytes: 1e6 }
const ended = JSON.stringify({ task_id: 'task_1', status: 'completed' })

async function open(each = { count: 3, bytes: 1e6 }, all = roomy) {
  const receiver = await openReceiver('127.0.0.1', { posts: { each, all }, bodyBytes: 1_000, atOnceBytes: 1e6 })
  const callbacks = receiver.callbacksAt(`http://${receiver.address}`)
  return { callbacks, [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose]() }
}

async function post(url: string, body = ended): Promise<number> {
  const answer = await request(url, { method: 'POST', body, reset: true })
  await answer.body.dump()
  return answer.statusCode
}

async function flood(url: string, times: number, body = ended): Promise<readonly number[]> {
  const answers: number[] = []
  for (let i = 0; i < times; i++) answers.push(await post(url, body))
  return answers
}

test('a mailbox keeps so many posts, says how many it dropped, and leaves room for others', async () => {
  await using scene = await open()
  const [loud, quiet] = [scene.callbacks.own(), scene.callbacks.own()]
  const [box, other] = [loud.mailbox('loud'), quiet.mailbox('quiet')]
  expect(await flood(box.url, 5)).toEqual([204, 204, 204, 503, 503])
  expect(box.posts).toHaveLength(3)
  expect(loud.dropped()).toBe('2 callbacks were dropped, one of them to /callbacks/loud: more than 3 for one name')
  expect(await flood(other.url, 2)).toEqual([204, 204])
  expect(quiet.dropped()).toBeUndefined()
})

test('so are bytes, a body that is too long, and the posts of all mailboxes together', async () => {
  await using scene = await open(roomy, { count: 1_000, bytes: 2_500 })
  const own = scene.callbacks.own()
  const long = ended.padEnd(1_000)
  expect(await flood(own.mailbox('one').url, 2, long)).toEqual([204, 204])
  expect(own.dropped()).toBeUndefined()
  const two = own.mailbox('two')
  expect(await flood(two.url, 1, long)).toEqual([503])
  await post(two.url, 'x'.repeat(2_000)).catch(() => 413)
  expect(two.posts).toEqual([])
  expect(own.dropped()).toBe('2 callbacks were dropped, one of them to /callbacks/two: a body of more than 1000 bytes')
})

test('what is kept for a client is bounded, though it waits for others first', async () => {
  await using scene = await open({ count: 2, bytes: 1e6 })
  const inbox = scene.callbacks.inbox(2)
  const url = inbox.urlFor('one')
  expect(await flood(url, 4)).toEqual([204, 204, 503, 503])
  expect(await flood(inbox.urlFor('two'), 1)).toEqual([204])
  expect(await inbox.wait('one', never)).toMatchObject({ task_id: 'task_1' })
})

/** A case about callbacks, held against a receiver with room for three posts. */
async function judged(check: NamedCase['check'], hasOwnTime = false) {
  await using scene = await open()
  if (hasOwnTime) vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const target: Target = {
    name: 'a service',
    url: 'http://127.0.0.1:1',
    token: undefined,
    timeScale: 30_000,
    timing: timingAt(30_000),
    bodyFor: () => ({ type: 'agent', input: {} }),
    promises: { callbacks: true, events: false },
    able: { callbacks: scene.callbacks },
    unable: {},
    signal: never,
    conversation: new Conversation(),
  }
  const one = { name: 'x', id: 'callbacks/x', proves: '', source: '', needs: ['callbacks'] as const, check }
  return await runCase(one as unknown as NamedCase, target, () => () => undefined)
}

const dropped = '1 callback was dropped, to /callbacks/box: more than 3 for one name'

test('a case does not pass on what was dropped, and fails on what was kept', async () => {
  const passed = await judged(async (_, { callbacks }) => void (await flood(callbacks.mailbox('box').url, 4)))
  expect(passed).toMatchObject({ outcome: 'undecided', reason: dropped })
  const failed = await judged(async ({ able }) => {
    const box = able.callbacks!.mailbox('box')
    await flood(box.url, 4)
    must(box.posts.length === 1, 'it was posted again')
  })
  expect(failed).toMatchObject({ outcome: 'fail', reason: 'it was posted again' })
  const fine = await judged(async (_, { callbacks }) => void (await flood(callbacks.mailbox('box').url, 3)))
  expect(fine).toMatchObject({ outcome: 'pass' })
})

test('nor does it fail for want of what was dropped', async () => {
  onTestFinished(() => void vi.useRealTimers())
  const late = await judged(async (target, { callbacks }) => {
    const box = callbacks.mailbox('box')
    await flood(box.url, 4)
    const waiting = until(target, 'the fourth', () => box.posts.length > 3)
    await Promise.all([waiting, vi.advanceTimersByTimeAsync(60_000)])
  }, true)
  expect(late).toMatchObject({ outcome: 'undecided', reason: dropped })
})
