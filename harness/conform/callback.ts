import type { IncomingHttpHeaders } from 'node:http'
import { isTerminal, type TaskStatus } from '../../patterns/contract/types/task.ts'
import { show } from './expect.ts'

/** A callback as it came. */
export interface Post {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Path that was asked for. */
  readonly path: string
  /** `taskIn` its body, read once: there may be thousands of them. */
  readonly content: object | undefined
}

/** The task in a callback: the body itself, or the data of a message of Standard Webhooks. Undefined where neither is an object. */
export function taskIn(body: Buffer): object | undefined {
  const value = valueOf(body)
  if (typeof value !== 'object' || value === null) return undefined
  const { data } = value as { readonly data?: unknown }
  // A task may have a field of that name, too.
  return 'task_id' in value || typeof data !== 'object' || data === null ? value : data
}

function valueOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

/** It says how the task ended. Others may say how far it is. */
export function saysTheEnd({ content = {} }: Pick<Post, 'content'>): boolean {
  const { status } = content as { readonly status?: TaskStatus }
  return status !== undefined && isTerminal(status)
}

export function messageIdOf({ headers }: Pick<Post, 'headers'>): string {
  return String(headers['webhook-id'] ?? '')
}

/** `POST /callbacks/x (webhook-id: 1) application/json: {...}`. */
function describePost({ path, headers, body }: Post): string {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('webhook-'))
  const shown = own.map(([name, value]) => `${name}: ${String(value)}`).join(', ')
  return `POST ${path} (${shown}) ${headers['content-type'] ?? 'of no media type'}: ${show(body.toString('utf8'))}`
}

const mostDescribed = 3

export function describePosts(posts: readonly Post[]): string {
  const more = posts.length - mostDescribed
  return [...posts.slice(0, mostDescribed).map(describePost), ...(more > 0 ? [`${more} more`] : [])].join('; then ')
}
