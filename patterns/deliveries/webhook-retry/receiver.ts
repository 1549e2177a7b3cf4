import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { shownAddress } from '../../contract/types/shown-address.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'
import type { WebhookKey } from './keys.ts'
import { clockS, openMessage } from './message.ts'
import { ForgedMessage } from './signature.ts'

export interface ReceiverPorts {
  readonly keys: readonly WebhookKey[]
  /**
   * Write the message down under its id, as durably as work must be; false when the id is there already. Keep ids for
   * longer than the sender's horizon, or its last attempt is a new message.
   */
  insert(id: string, task: Task): Promise<boolean>
  /** Begins what the end of a task is for; whatever it takes, the sender has its answer. */
  work(task: Task): void
}

const mostBytes = 262_144

/**
 * The receiving end as it should be, for node:http: verify the bytes as they came, insert the id, answer, then work. A
 * repetition is answered like the original. 400: not genuine. 503: not written down, so send it again. A sender that
 * asks beforehand whether messages are wanted here (`endpoint.ts`) gets a yes: a forged message is rejected anyway.
 */
export function receiverOf(ports: ReceiverPorts): RequestListener {
  return (request, response) => {
    if (request.method === 'OPTIONS') consent(response)
    else if (request.method !== 'POST') response.writeHead(405, { allow, connection: 'close' }).end()
    else void answer(request, response, ports)
  }
}

const allow = 'OPTIONS, POST'

function consent(response: ServerResponse): void {
  response.writeHead(204, { allow, 'webhook-allowed-origin': '*', connection: 'close' }).end()
}

async function answer(request: IncomingMessage, response: ServerResponse, ports: ReceiverPorts): Promise<void> {
  const { status, why, fresh } = await receive(request, ports)
  response.writeHead(status, { connection: 'close', ...(why && { 'content-type': 'text/plain' }) }).end(why)
  if (fresh) ports.work(fresh)
}

async function receive(
  request: IncomingMessage,
  { keys, insert }: ReceiverPorts,
): Promise<{ readonly status: number; readonly why?: string; readonly fresh?: Task }> {
  const body = await readBytes(request).catch(() => undefined)
  if (!body) return { status: 413 }
  const message = opened(request, body, keys)
  if (typeof message === 'string') return { status: 400, why: message }
  try {
    // News of a task that goes on is answered, and no more: a sender may tell more than its end.
    if (!isTerminal(message.task.status)) return { status: 204 }
    return { status: 204, ...((await insert(message.id, message.task)) && { fresh: message.task }) }
  } catch {
    return { status: 503 }
  }
}

/** The message, or what is wrong with it, and where it came: a proxy in front may have sent it to another address. */
function opened(request: IncomingMessage, body: Buffer, keys: readonly WebhookKey[]) {
  try {
    return openMessage({ headers: request.headers, body }, keys, clockS())
  } catch (error) {
    const reason = error instanceof ForgedMessage ? error.message : 'the body is no message'
    // By which scheme, only a proxy in front knows.
    const address = shownAddress(`http://${request.headers.host ?? ''}${request.url}`).replace(/^http:\/\//, '')
    return `${reason}; posted to ${address}\n`
  }
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if ((bytes += chunk.length) > mostBytes) throw new RangeError('too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
