import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, signed, type Received, type Sender } from './calling-service.ts'

/** A service that posts callbacks in a way of its own. */
export interface CallbackSender {
  readonly name: string
  readonly sender: () => Sender
  /** It signs nothing, and says so. */
  readonly isUnsigned?: true
  /** Of all cases about callbacks these fail, and no other. None: it is legal. */
  readonly caughtBy: readonly string[]
}

/** Soon enough to be seen within the sender's patience at the time scale of these tests. */
const pauseMs = 100
const attempts = 3

/** Until it is accepted, or refused for good. */
async function repeated(attempt: (nth: number) => Promise<Received>, isLast = isOver): Promise<void> {
  for (let nth = 1; nth <= attempts; nth++) {
    if (isLast(await attempt(nth))) return
    await sleep(pauseMs)
  }
}

const isAccepted = ({ status }: Received): boolean => status < 300
const isOver = (received: Received): boolean => isAccepted(received) || received.status === 410

const standard: Sender = async (end, send) => {
  const message = messageOf(end)
  await repeated(() => send({ body: message.body, headers: signed(message) }))
}

/** Before the end it says how far the task is, under other ids. */
function afterProgress(sender: Sender): Sender {
  return async (end, send) => {
    const { finished_at: _, result: __, ...open } = end
    for (const progress_pct of [30, 60]) {
      const message = messageOf({ ...open, status: 'running', progress_pct, version: 3 })
      await send({ body: message.body, headers: signed(message) })
    }
    await sender(end, send)
  }
}

const otherSecret = `whsec_${Buffer.from('a secret that was in use before this').toString('base64')}`

const legal: readonly Omit<CallbackSender, 'caughtBy'>[] = [
  { name: 'messages that are signed and repeated', sender: () => standard },
  { name: 'progress before the end', sender: () => afterProgress(standard) },
  {
    name: 'headers in another case',
    sender: () => async (end, send) => {
      const message = messageOf(end)
      await repeated(() => {
        const headers = Object.entries(signed(message)).map(([name, value]) => [name.toUpperCase(), value] as const)
        return send({ body: message.body, headers: Object.fromEntries(headers) })
      })
    },
  },
  {
    name: 'several signatures, one of them under the secret',
    sender: () => async (end, send) => {
      const message = messageOf(end)
      await repeated(() => {
        const [own, old] = [signed(message), signed(message, otherSecret)]
        const all = ['v1a,AAAA', old['webhook-signature'], own['webhook-signature']].join(' ')
        return send({ body: message.body, headers: { ...own, 'webhook-signature': all } })
      })
    },
  },
  {
    name: 'another JSON type, white space, fields of its own',
    sender: () => async (end, send) => {
      const data = { ...end, served_by: randomUUID(), data: { more: '🔎' } }
      const body = JSON.stringify({ type: 'ended', timestamp: end.updated_at, source: 'x', data }, null, 2)
      const message = { id: randomUUID(), body }
      const mediaType = { 'content-type': 'application/cloudevents+json; charset=UTF-8' }
      await repeated(() => send({ body, headers: { ...signed(message), ...mediaType } }))
    },
  },
  {
    name: 'the task alone, unsigned, with a field "data"',
    isUnsigned: true,
    sender: () => async (end, send) => {
      const headers = { 'content-type': 'application/json', 'webhook-id': randomUUID() }
      await repeated(() => send({ body: JSON.stringify({ ...end, data: { more: 1 } }), headers }))
    },
  },
  {
    name: 'a look at the address before the first post',
    sender: () => async (end, send) => {
      for (const method of ['HEAD', 'GET', 'OPTIONS']) await send({ method, body: '', headers: {} })
      await standard(end, send)
    },
  },
  {
    name: 'one attempt, whatever is answered',
    sender: () => async (end, send) => {
      const message = messageOf(end)
      await send({ body: message.body, headers: signed(message) })
    },
  },
  {
    name: 'a callback that comes late',
    sender: () => async (end, send) => {
      await sleep(8_000)
      await standard(end, send)
    },
  },
]

const newIds: Sender = async (end, send) => {
  await repeated(() => {
    const message = messageOf(end)
    return send({ body: message.body, headers: signed(message) })
  })
}

const illegal: readonly CallbackSender[] = [
  {
    name: 'no signatures',
    sender: () => async (end, send) => {
      const { id, body } = messageOf(end)
      await repeated(() => send({ body, headers: { 'content-type': 'application/json', 'webhook-id': id } }))
    },
    caughtBy: ['callbacks/repeated', 'callbacks/signed'],
  },
  { name: 'another id at every attempt', sender: () => newIds, caughtBy: ['callbacks/repeated'] },
  {
    name: 'another id at every attempt, after progress',
    sender: () => afterProgress(newIds),
    caughtBy: ['callbacks/repeated'],
  },
  {
    name: 'another body at every attempt',
    sender: () => async (end, send) => {
      const { id } = messageOf(end)
      await repeated((attempt) => {
        const message = messageOf({ ...end, attempt_of_callback: attempt }, id)
        return send({ body: message.body, headers: signed(message) })
      })
    },
    caughtBy: ['callbacks/repeated'],
  },
  {
    name: 'repetitions that are not signed',
    sender: () => async (end, send) => {
      const message = messageOf(end)
      await repeated((attempt) => {
        const { 'webhook-signature': signature = '', ...others } = signed(message)
        return send({
          body: message.body,
          headers: attempt === 1 ? { ...others, 'webhook-signature': signature } : others,
        })
      })
    },
    caughtBy: ['callbacks/repeated'],
  },
  {
    name: 'posts after one that was accepted',
    sender: () => async (end, send) => {
      const message = messageOf(end)
      await repeated(
        () => send({ body: message.body, headers: signed(message) }),
        ({ status }) => status === 410,
      )
    },
    caughtBy: ['callbacks/accepted-once'],
  },
  {
    name: 'posts after 410',
    sender: () => async (end, send) => {
      const message = messageOf(end)
      await repeated(() => send({ body: message.body, headers: signed(message) }), isAccepted)
    },
    caughtBy: ['callbacks/gone'],
  },
  {
    name: 'a flood of posts after 410',
    sender: () => async (end, send) => {
      const message = messageOf(end)
      for (let nth = 0; nth < 3_000; nth++)
        if (isAccepted(await send({ body: message.body, headers: signed(message) }))) return
    },
    caughtBy: ['callbacks/gone'],
  },
  {
    name: 'redirects that are followed',
    sender: () => async (end, send) => {
      const message = messageOf(end)
      await repeated(async () => {
        const what = { body: message.body, headers: signed(message) }
        const received = await send(what)
        return received.location === undefined ? received : send(what, received.location)
      })
    },
    caughtBy: ['callbacks/redirect'],
  },
  {
    name: 'one id for all tasks',
    sender: () => async (end, send) => {
      const message = messageOf(end, 'msg_1')
      await repeated(() => send({ body: message.body, headers: signed(message) }))
    },
    caughtBy: ['callbacks/own-task'],
  },
  {
    name: 'the result of another task',
    sender: () => {
      const results: unknown[] = []
      return async (end, send) => {
        results.push({ ...end.result, digest: 'another' })
        await standard({ ...end, result: results[0] as NonNullable<typeof end.result> }, send)
      }
    },
    caughtBy: ['callbacks/own-task', 'callbacks/posted'],
  },
  {
    name: 'text',
    sender: () => async (end, send) => {
      const message = messageOf(end)
      const mediaType = { 'content-type': 'text/plain' }
      await repeated(() => send({ body: message.body, headers: { ...signed(message), ...mediaType } }))
    },
    caughtBy: ['callbacks/posted'],
  },
  {
    name: 'a timestamp in milliseconds',
    sender: () => async (end, send) => {
      const message = messageOf(end)
      await repeated(() => {
        const headers = signed(message)
        return send({
          body: message.body,
          headers: { ...headers, 'webhook-timestamp': `${headers['webhook-timestamp']}000` },
        })
      })
    },
    caughtBy: ['callbacks/repeated', 'callbacks/signed'],
  },
  {
    name: 'a signature over other bytes',
    sender: () => async (end, send) => {
      const message = messageOf(end)
      await repeated(() => send({ body: `${message.body}\n`, headers: signed(message) }))
    },
    caughtBy: ['callbacks/repeated', 'callbacks/signed'],
  },
]

export const callbackSenders: readonly CallbackSender[] = [
  ...legal.map((one) => ({ ...one, caughtBy: [] })),
  ...illegal,
]
