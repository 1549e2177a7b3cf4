import { token } from './api-node.ts'
import type { Answered, Asked, Wrong } from './wrong-proxy.ts'

/** What proxies before the reference server ask and answer. */

export const isSubmission = ({ method, path }: Asked): boolean => method === 'POST' && path === '/v1/tasks'
export const isRead = ({ method, path }: Asked): boolean => method === 'GET' && /\/v1\/tasks\/[^/]+$/.test(path)
export const isPage = ({ path, isStream }: Asked): boolean => path.includes('/events') && !isStream
export const isCancel = ({ path }: Asked): boolean => path.endsWith(':cancel')

export const isCommand = ({ path }: Asked): boolean => path.endsWith('/commands')
export const isContext = ({ path }: Asked): boolean => /\/context(?:\?|$)/.test(path)

export const isAccount = ({ method, path }: Asked): boolean => method === 'GET' && path.startsWith('/v1/accounts/')
export const isTopUp = ({ path }: Asked): boolean => path.endsWith('/top-ups')

/** An answer that shows a task, whatever was asked. */
export function isTask({ headers, body }: Answered): boolean {
  if (!String(headers['content-type']).startsWith('application/json')) return false
  return 'version' in (JSON.parse(body || '{}') as object)
}

export function problem(status: number, kind: string, headers: Record<string, string> = {}): Answered {
  const body = JSON.stringify({ type: `/problems/${kind}`, title: kind, status, retryable: false })
  return { status, headers: { 'content-type': 'application/problem+json', ...headers }, body }
}

export function withHeader({ headers }: Answered, name: string, value: string | undefined): Partial<Answered> {
  const { [name]: _, ...others } = headers
  return { headers: { ...others, ...(value !== undefined && { [name]: value }) } }
}

/** These fields of a JSON document are others. */
export function withJson({ body }: Answered, change: (json: Record<string, unknown>) => object): Partial<Answered> {
  const json = JSON.parse(body || '{}') as Record<string, unknown>
  return { body: JSON.stringify({ ...json, ...change(json) }) }
}

/** Nobody needs a token for these. */
export function anybody(of: (asked: Asked) => boolean): () => Wrong {
  return () => ({
    ask: (asked) => (of(asked) ? { headers: { ...asked.headers, authorization: `Bearer ${token}` } } : {}),
  })
}
