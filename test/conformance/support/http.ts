import { request, type Dispatcher } from 'undici'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { isTerminal, type Task } from '../../../patterns/contract/types/task.ts'
import { dispatcher, token } from './api-node.ts'

export interface Reply {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly json: ReplyBody
  readonly text: string
}

/** The fields of every document that the API answers with; a test reads those of the one that it asked for. */
export interface ReplyBody extends Task {
  readonly retryable: boolean
  readonly events: TaskEvent[]
  readonly openapi: string
  readonly paths: Record<string, Record<string, object>>
  readonly components: { readonly schemas: Record<string, object> }
}

export interface SendOptions {
  readonly method?: Dispatcher.HttpMethod
  readonly headers?: Record<string, string>
  readonly body?: unknown
  readonly token?: string | null
}

/** One request with the token (null: without). A string body is sent as it is, anything else as JSON. */
export async function send(url: string, options: SendOptions = {}): Promise<Reply> {
  const bearer = options.token === undefined ? token : options.token
  const { body } = options
  const answer = await request(url, {
    dispatcher,
    method: options.method ?? 'GET',
    headers: {
      ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.body.text()
  const json = text !== '' && String(answer.headers['content-type']).includes('json') ? JSON.parse(text) : undefined
  return { status: answer.statusCode, headers: answer.headers, json, text }
}

export function requestBody(seed = 1, more: object = {}) {
  return { type: 'agent', input: { seed, profile: 'smoke', job: `job-${seed}` }, ...more }
}

export function submit(url: string, key: string, body: unknown = requestBody()): Promise<Reply> {
  return send(`${url}/v1/tasks`, { method: 'POST', headers: { 'idempotency-key': key }, body })
}

export async function readTask(url: string, taskId: string): Promise<Task> {
  return (await send(`${url}/v1/tasks/${taskId}`)).json
}

/** Poll until the task has ended. */
export async function readEnd(url: string, taskId: string): Promise<Task> {
  for (;;) {
    const task = await readTask(url, taskId)
    if (isTerminal(task.status)) return task
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
