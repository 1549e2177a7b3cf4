import { describe, expect, test } from 'vitest'
import type { Mapping, Speech } from '../../../harness/model/target.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { endpointKey } from '../../../patterns/deliveries/webhook-retry/keys.ts'
import { clockS } from '../../../patterns/deliveries/webhook-retry/message.ts'
import { signMessage } from '../../../patterns/deliveries/webhook-retry/signature.ts'
import { adapterFile, ask, described, mapping, type Reply, serve, targetOf } from './asking.ts'

const posting: Partial<Mapping> = {
  body: { notify: '{callback}', name: '{key}' },
  callback: { id: '$.id', state: '$.status' },
}
const readable = described(posting)
const { status: _, ...unreadable } = { ...mapping, ...posting }
const silent: Speech = { kind: 'mapping', mapping: unreadable }
const right = { right: '$.result.topic == "tea"' }
const whole = { id: 'j', status: 'done', result: { topic: 'tea' } }
const thin = { id: 'j', status: 'done' }

/** Posts these to who submits, one after the other; what it knows of the task a read says, each time the next of `reads`. */
function service(posts: readonly object[], reads: readonly object[] = [], first: Reply | 'cut' = [202, { id: 'j' }]) {
  const post = async (to: string): Promise<void> => {
    for (const one of posts) {
      await sleep(40)
      await fetch(to, { method: 'POST', body: JSON.stringify(one) })
    }
  }
  return serve(({ method, body, nth }) => {
    if (method === 'GET') return nth < reads.length ? [200, reads[nth]] : [404, {}]
    const { notify } = JSON.parse(body) as { readonly notify: string }
    if (nth === 0) void post(notify)
    return nth === 0 ? first : [409, { error: 'there is one already' }]
  })
}

const hear = (url: string, speech: Speech, work: object = right, limitMs = 1500) =>
  ask(targetOf(speech, work, 'webhook'), [url], limitMs)
const reads = ({ seen }: Awaited<ReturnType<typeof ask>>) => seen.filter(({ f }) => f === 'poll').length

describe('a callback that holds the result', () => {
  test.each([
    ['right', 'tea', 'right'],
    ['wrong', 'coffee', expect.stringMatching(/^wrong-/) as string],
  ])('is the end, and nobody is asked for more: %s', async (_, topic, digest) => {
    const asked = await hear(await service([{ ...whole, result: { topic } }], [whole]), readable)
    expect(asked).toMatchObject({ via: 'callback', ended: { status: 'completed', result: { digest } } })
    expect(reads(asked)).toBe(0)
  })

  test('that no scenario asks for is the end', async () => {
    const asked = await hear(await service([thin]), readable, {})
    expect(asked).toMatchObject({ via: 'callback', ended: { result: { digest: 'right' } } })
    expect(reads(asked)).toBe(0)
  })
})

/** As a sender of this delivery posts no more than a state. */
function messageFor(client: string) {
  const data = { task_id: 'j', status: 'completed' }
  const body = Buffer.from(JSON.stringify(client === 'webhook' ? data : { type: 'task.completed', data }))
  const message = { id: 'evt_j_2', timestampS: clockS(), body }
  return { body, headers: client === 'webhook' ? {} : signMessage(message, [endpointKey('secret')]) }
}

test.each(['?event=done', '?by=them&by=us', '?by=', '?'])(
  'a callback may say more in its address: %s',
  async (query) => {
    const url = await serve(({ body }) => {
      const { notify } = JSON.parse(body) as { readonly notify: string }
      void sleep(40).then(() => fetch(notify + query, { method: 'POST', body: JSON.stringify(whole) }))
      return [202, { id: 'j' }]
    })
    expect(await hear(url, silent)).toMatchObject({ via: 'callback', ended: { status: 'completed' } })
  },
)

test('a callback that is not believed is told when the client gives up', async () => {
  const other = described({ ...posting, callback: { id: '$.nr', state: '$.status' } })
  expect((await hear(await service([whole]), other, right, 500)).ended).toMatch(
    /the last answer: a callback that was not believed: \$\.nr finds no id in it; posted to http:\/\/127\.0\.0\.1:\d+\/\S+$/,
  )
})

test('a promise of an adapter is no callback', async () => {
  const speech = await adapterFile(`export default {
    submit: ({ callbackUrl }) => ({ path: '/jobs', body: { notify: callbackUrl } }),
    read: ({ body }) => ({ id: body.id, state: 'queued', document: body }),
    callback: async ({ body }) => ({ id: JSON.parse(body).id, state: 'completed' }),
    isIdempotent: true,
  }`)
  const { broken } = await hear(await service([whole]), speech, {}, 500)
  expect(broken[0]?.message).toBe('the adapter of mine gave a promise in callback')
})

test('a callback may begin with a byte order mark, and name a task by a number that no double holds', async () => {
  const id = '9007199254740993'
  const url = await serve(({ body }) => {
    const { notify } = JSON.parse(body) as { readonly notify: string }
    const said = `\u{feff}{"id":${id},"status":"done","result":{"topic":"tea"}}`
    void sleep(40).then(() => fetch(notify, { method: 'POST', body: said }))
    return [202, `{"id":${id}}`]
  })
  const asked = await hear(url, silent)
  expect(asked).toMatchObject({ via: 'callback', ended: { status: 'completed', task_id: id } })
})

describe('a callback that holds no result', () => {
  test.each([thin, { ...thin, result: null }])('tells that it can be read: %j', async (one) => {
    const asked = await hear(await service([one], [whole]), readable)
    expect(asked).toMatchObject({ via: 'poll', ended: { status: 'completed', result: { digest: 'right' } } })
    expect(asked.callbacks.map(({ body }) => body)).toMatchObject([{ task_id: 'j', status: 'completed' }])
  })

  test('is believed: who reads asks until the task is as it says', async () => {
    const lagging = { id: 'j', status: 'busy' }
    const asked = await hear(await service([thin], [lagging, lagging, whole]), readable)
    expect(asked).toMatchObject({ ended: { result: { digest: 'right' } } })
    expect(reads(asked)).toBe(3)
  })

  test('nor a state is read once, and the next one is waited for', async () => {
    const news = { id: 'j' }
    const asked = await hear(await service([news, news], [{ id: 'j', status: 'busy' }, whole]), readable)
    expect(asked).toMatchObject({ ended: { result: { digest: 'right' } } })
    expect(reads(asked)).toBe(2)
  })

  test('is an end where the task failed', async () => {
    const asked = await hear(await service([{ id: 'j', status: 'error' }]), readable)
    expect(asked).toMatchObject({ ended: 'JobFailed: failed: error', isCertain: true })
    expect(reads(asked)).toBe(0)
  })

  test('is the same in the words of an adapter', async () => {
    const speech = await adapterFile(`export default {
      submit: ({ callbackUrl }) => ({ path: '/jobs', body: { notify: callbackUrl } }),
      status: (id) => ({ path: '/jobs/' + id }),
      read: ({ body }) => ({ id: body.id, state: body.status === 'done' ? 'completed' : 'running', document: body }),
      callback: ({ body }) => ({ id: JSON.parse(body).id, state: 'completed' }),
      isRight: (document) => document.result.topic === 'tea',
      isIdempotent: true,
    }`)
    const asked = await hear(await service([thin], [whole]), speech, {})
    expect(asked).toMatchObject({ ended: { result: { digest: 'right' } }, broken: [] })
  })

  test.each(['webhook', 'webhook-retry'])('is the same of a service that speaks the task API (%s)', async (client) => {
    const task = { task_id: 'j', status: 'queued', version: 1 }
    const ended = { ...task, status: 'completed', version: 2, result: { topic: 'tea' } }
    const url = await serve(({ method, body }) => {
      if (method === 'GET') return [200, ended]
      const { delivery } = JSON.parse(body) as { readonly delivery: { readonly webhook_url: string } }
      void sleep(20).then(() => fetch(delivery.webhook_url, { method: 'POST', ...messageFor(client) }))
      return [202, task]
    })
    const asked = await ask(targetOf({ kind: 'task-api' }, right, client), [url])
    expect(asked.ended).toMatchObject({ status: 'completed', result: { digest: 'right' } })
  })
})

describe('a service that nobody can ask', () => {
  test('and that calls back without a result ends the run: whether it was right nobody can know', async () => {
    const { broken } = await hear(await service([thin]), silent, right, 400)
    expect(broken.map(({ message }) => message)).toEqual([
      'callbacks of mine hold nothing of what work.right asks for, and it has no status that could be read: whether its results are right cannot be known',
    ])
  })

  test('is blamed for one without a result where others had one', async () => {
    const { broken, ended } = await hear(await service([{ ...whole, id: 'k' }, thin]), silent)
    expect(broken).toEqual([])
    expect(ended).toMatchObject({ result: { digest: expect.stringMatching(/^wrong-/) as string } })
  })

  test.each([
    [{ id: 'j' }, /TimeoutError.*a callback that says no state/],
    [{ id: 'j', status: 'DONE' }, /TimeoutError.*a callback, the task is running \(DONE\)/],
  ])('and whose callback says of no end is told when the client gives up: %j', async (one, said) => {
    expect((await hear(await service([one]), silent, {}, 400)).ended).toMatch(said)
  })

  test('has accepted what it calls back for, whatever it answers to the key', async () => {
    const { ended, acceptedAs } = await hear(await service([whole], [], 'cut'), silent)
    expect(ended).toMatchObject({ status: 'completed', task_id: 'j' })
    expect(acceptedAs).toEqual(['j'])
  })
})
