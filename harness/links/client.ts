import { Toxiproxy } from 'toxiproxy-node-client'
import { Agent, request } from 'undici'
import { describeError, HarnessError } from '../core/errors.ts'

type Method = 'GET' | 'POST' | 'DELETE'

export interface Answer {
  readonly status: number
  /** Undefined when the body is not JSON. */
  readonly json: unknown
}

/** A Toxiproxy server's API with a deadline on every call. */
export interface Client {
  readonly host: string
  readonly toxiproxy: Toxiproxy
  /** Rejects with HarnessError when the status is not one of `statuses`, or none came in time. */
  expect(statuses: readonly number[], method: Method, path: string, body?: unknown): Promise<Answer>
  /** The outcome of a call through `toxiproxy`, which knows no deadlines. */
  within<T>(what: string, call: Promise<T>): Promise<T>
  close(): Promise<void>
}

export function openClient(serverUrl: string, deadlineMs: number): Client {
  const url = serverUrl.replace(/\/$/, '')
  const agent = new Agent({ connections: 4 })
  return {
    host: new URL(url).hostname,
    toxiproxy: new Toxiproxy(url),
    async expect(statuses, method, path, body) {
      const what = `${method} ${url}${path}`
      const answer = await send(agent, what, { url: url + path, method, body, deadlineMs })
      if (statuses.includes(answer.status)) return answer
      const { error } = (answer.json ?? {}) as { error?: string }
      throw new HarnessError(`${what}: status ${answer.status}${error ? `, ${error}` : ''}`)
    },
    within: (what, call) => within(deadlineMs, what, call),
    close: () => agent.destroy(),
  }
}

interface Call {
  readonly url: string
  readonly method: Method
  readonly body: unknown
  readonly deadlineMs: number
}

async function send(agent: Agent, what: string, { url, method, body, deadlineMs }: Call): Promise<Answer> {
  try {
    const response = await request(url, {
      method,
      dispatcher: agent,
      signal: AbortSignal.timeout(deadlineMs),
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await response.body.text()
    return { status: response.statusCode, json: parse(text) }
  } catch (cause) {
    throw new HarnessError(`${what}: ${describeError(cause)}`, { cause })
  }
}

async function within<T>(deadlineMs: number, what: string, call: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no answer in ${deadlineMs} ms`)), deadlineMs)
  try {
    return await Promise.race([call, late.promise])
  } catch (cause) {
    throw new HarnessError(`${what}: ${describeError(cause)}`, { cause })
  } finally {
    clearTimeout(timer)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
