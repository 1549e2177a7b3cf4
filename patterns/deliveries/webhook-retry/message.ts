import { deliveryId } from '../../contract/types/callback.ts'
import type { CallbackRequest } from '../../contract/client/client.ts'
import type { Task } from '../../contract/types/task.ts'
import type { WebhookKey } from './keys.ts'
import { ForgedMessage, verifyMessage } from './signature.ts'

/** One message to one endpoint. The same bytes under the same id, however often it is sent. */
export interface Message {
  /** The idempotency key for the receiver. */
  readonly id: string
  readonly url: string
  readonly body: Buffer
}

/** The message that a task has ended, whole rather than thin: a task is small, and final. */
export function messageOf(task: Task, url: string): Message {
  const payload = { type: `task.${task.status}`, timestamp: task.updated_at, data: task }
  return { id: deliveryId(task.task_id, task.version), url, body: Buffer.from(JSON.stringify(payload)) }
}

/** A message that is genuine and of now. Throws ForgedMessage. */
export function openMessage(
  { headers, body }: CallbackRequest,
  keys: readonly WebhookKey[],
  nowS: number,
): { readonly id: string; readonly task: Task } {
  const id = verifyMessage(headers, body, keys, nowS)
  const { data } = JSON.parse(body.toString('utf8')) as { data?: Partial<Task> }
  if (typeof data?.task_id !== 'string' || typeof data.status !== 'string') throw new ForgedMessage('no task in it')
  return { id, task: data as Task }
}

/** Seconds since 1970, as headers have them. */
export function clockS(): number {
  return Math.floor(Date.now() / 1000)
}
