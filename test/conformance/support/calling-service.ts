import { randomUUID } from 'node:crypto'
import { createServer, request as ask } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import type { Task } from '../../../patterns/contract/types/task.ts'
import { readSigningKey } from '../../../patterns/deliveries/webhook-retry/keys.ts'
import { signMessage } from '../../../patterns/deliveries/webhook-retry/signature.ts'
import { startWrongProxy } from './wrong-proxy.ts'

/** What the receiver was told to expect signatures of. */
export const webhookSecret = `whsec_${Buffer.from('the secret that the receiver was told of').toString('base64')}`

/** One HTTP request to the receiver. */
export interface Sent {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly method?: string
}

export interface Received {
  readonly status: number
  readonly location: string | undefined
}

/** Says that a task has ended, to who wants to know. */
export type Sender = (end: Task, send: (what: Sent, url?: string) => Promise<Received>) => Promise<void>

export interface CallingService extends AsyncDisposable {
  readonly url: string
}

/** A task API before a node of the plain webhook, whose callbacks are another sender's. */
export async function startCallingService(nodeUrl: string, sender: Sender): Promise<CallingService> {
  const addresses = new Map<string, string>()
  const relay = createServer(async (request, response) => {
    const url = addresses.get(request.url!)!
    const end = JSON.parse(await textOf(request)) as Task
    response.writeHead(204).end()
    await sender(end, (what, elsewhere) => send(what, elsewhere ?? url)).catch(() => {})
  })
  await once(relay.listen(0, '127.0.0.1'), 'listening')
  const own = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`
  const proxy = await startWrongProxy(nodeUrl, {
    ask: ({ body }) => ({
      body: body.replace(/http:[^"]+(\/callbacks\/[^"]+)/, (url: string, path: string) => {
        addresses.set(path, url)
        return own + path
      }),
    }),
  })
  return {
    url: proxy.url,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]()
      const closed = once(relay, 'close')
      relay.close()
      relay.closeAllConnections()
      await closed
    },
  }
}

async function send({ body, headers, method = 'POST' }: Sent, url: string): Promise<Received> {
  const outgoing = ask(url, { method, headers, agent: false })
  outgoing.end(body)
  const [answer] = await once(outgoing, 'response')
  answer.resume()
  return { status: answer.statusCode, location: answer.headers.location }
}

/** The task in the form of Standard Webhooks. */
export function messageOf(end: object, id = `msg_${randomUUID()}`): { readonly id: string; readonly body: string } {
  return { id, body: JSON.stringify({ type: 'task.ended', timestamp: new Date().toISOString(), data: end }) }
}

/** Headers of an attempt now. */
export function signed(
  { id, body }: { readonly id: string; readonly body: string },
  secret = webhookSecret,
): Readonly<Record<string, string>> {
  const message = { id, timestampS: Math.floor(Date.now() / 1000), body: Buffer.from(body) }
  return { 'content-type': 'application/json', ...signMessage(message, [readSigningKey(secret)]) }
}
